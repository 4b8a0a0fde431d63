// SPDX-License-Identifier: MIT
//
// Watches who seems to be speaking while you type: after every word, the posterior over personas,
// from how likely the model finds your text under the label of each.
//
//   ./dev run watch
//   ./dev run watch --as "Author: Jane Austen" --as "Author: Isaac Newton" < letter.txt

#include "cli.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/score.hpp>
#include <multitudes/persona/multitude.hpp>
#include <multitudes/report/number.hpp>

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

using namespace multitudes;
using example::or_exit;

namespace {

/// Keys come one at a time for as long as this lives, if somebody is typing.
class single_keys {
 public:
  single_keys() : typing_(isatty(STDIN_FILENO) != 0 && tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!typing_) return;
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &now);
  }
  single_keys(const single_keys&) = delete;
  single_keys& operator=(const single_keys&) = delete;
  ~single_keys() {
    if (typing_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  [[nodiscard]] bool typing() const noexcept { return typing_; }

 private:
  termios before_{};
  bool typing_;
};

/// The same text, read behind every label at once.
class listener {
 public:
  listener(language_model lm, std::vector<std::string> labels, double temperature,
           thread_pool& workers)
      : labels_(std::move(labels)),
        temperature_(temperature),
        workers_(workers),
        batch_(or_exit(batch::make(std::move(lm), {.n_sequences = labels_.size()}))),
        nats_(labels_.size(), 0.0),
        expected_(labels_.size()) {
    std::vector<std::vector<token_id>> fronts;
    for (const std::string& label : labels_) {
      fronts.push_back(batch_.lm().tokenizer->encode(label + "\n\n"));
      sequences_.push_back(or_exit(batch_.open()));
    }
    std::vector<feed> feeds;
    for (std::size_t k = 0; k < fronts.size(); ++k) feeds.push_back({sequences_[k], fronts[k], 1});
    read(feeds);
  }

  /// Reads the words of a text that were not read before.
  void hear(const std::string& words) {
    const auto tokens =
        batch_.lm().tokenizer->encode(words, {.start_token = false, .continues = true});
    for (const token_id token : tokens) {
      for (std::size_t k = 0; k < labels_.size(); ++k) {
        nats_[k] += log_probability(expected_[k], token);
      }
      std::vector<feed> feeds;
      for (const sequence_id s : sequences_) feeds.push_back({s, std::span(&token, 1), 1});
      read(feeds);
    }
  }

  /// The likeliest personas, with a bar for each.
  [[nodiscard]] std::string view(std::size_t n) const {
    std::vector<multitude_member> members;
    for (const std::string& label : labels_) members.push_back({label, 1.0, {}});
    std::vector<double> evidence = nats_;
    for (double& x : evidence) x /= temperature_;
    const auto now = or_exit(or_exit(multitude::make(std::move(members))).posterior(evidence));
    std::vector<std::size_t> order(now.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return now.log_prevalence(a) > now.log_prevalence(b);
    });
    std::string text;
    for (std::size_t i = 0; i < std::min(n, order.size()); ++i) {
      const double p = now.prevalence(order[i]);
      const auto width = static_cast<std::size_t>(p * 40 + 0.5);
      text += report::fixed(100 * p, 0) + " %\t" + std::string(width, '#') +
              std::string(40 - width, '.') + "  " + labels_[order[i]] + "\n";
    }
    return text;
  }

 private:
  void read(const std::vector<feed>& feeds) {
    or_exit(batch_.evaluate(workers_, feeds, [&](feed_place at, std::span<float> logits) {
      expected_[at.feed].assign(logits.begin(), logits.end());
    }));
  }

  std::vector<std::string> labels_;
  double temperature_;
  thread_pool& workers_;
  batch batch_;
  std::vector<sequence_id> sequences_;
  std::vector<double> nats_;                  // (labels): of all that was heard
  std::vector<std::vector<float>> expected_;  // (labels, vocab_size): logits of the next token
};

}  // namespace

int main(int argc, char** argv) {
  std::string model;
  std::vector<std::string> labels{"Author: Jane Austen",     "Author: Mrs Beeton",
                                  "Author: Charles Darwin",  "Author: the King James Bible",
                                  "Author: Mark Twain",      "Author: William Shakespeare",
                                  "Author: Herman Melville", "Author: Lewis Carroll"};
  double temperature = 1.5;
  std::size_t n_shown = 5;
  CLI::App app("Watches who seems to be speaking while you type (Control-D ends).");
  app.add_option("--model", model, "the model, a GGUF file")->required();
  app.add_option("--as", labels, "labels of personas that the model knows");
  app.add_option("--temperature", temperature, "evidence is divided by it")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--show", n_shown, "how many")->capture_default_str();
  example::parse_or_exit(app, argc, argv);

  thread_pool workers;
  listener ear(or_exit(load_model(model)), labels, temperature, workers);
  const single_keys keys;
  std::string word;
  const auto hear = [&] {
    if (word.empty()) return;
    ear.hear(word);
    word.clear();
    if (keys.typing()) std::printf("\n\n%s\n", ear.view(n_shown).c_str());
  };
  for (int c = std::getchar(); c != EOF && c != 4; c = std::getchar()) {
    if (keys.typing()) {
      std::putchar(c);
      std::fflush(stdout);
    }
    // A word belongs with the space before it, as the tokenizer has it.
    if (c == ' ' || c == '\n') hear();
    word += static_cast<char>(c);
  }
  hear();
  if (!keys.typing()) std::printf("%s", ear.view(n_shown).c_str());
}
