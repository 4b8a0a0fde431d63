// SPDX-License-Identifier: MIT
#pragma once

#include "../lab/screen.hpp"
#include "../or_exit.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/lab/given/continuations.hpp>
#include <multitudes/lab/given/persona_set.hpp>
#include <multitudes/lab/given/token_shift.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The claims on models that are given: nothing is trained.
namespace lab_model {

using namespace multitudes;
using example::or_exit;

using tokens = std::vector<token_id>;

/// One line that moves: what goes on, and how much was read.
class moving_line {
 public:
  void begin(std::string what) {
    what_ = std::move(what);
    show(0);
  }
  void read(std::size_t n_tokens) {
    n_tokens_ += n_tokens;
    show(0.5);
  }
  [[nodiscard]] std::size_t n_tokens() const noexcept { return n_tokens_; }
  [[nodiscard]] double elapsed() const { return lab_run::seconds() - began_; }

 private:
  void show(double interval) {
    const double now = lab_run::seconds();
    if (now - shown_ < interval) return;
    shown_ = now;
    std::fprintf(stderr, "\r%-48s %9zu tokens, %s   ", what_.c_str(), n_tokens_,
                 report::duration(now - began_).c_str());
  }

  std::string what_;
  std::size_t n_tokens_ = 0;
  double began_ = lab_run::seconds();
  double shown_ = 0;
};

/// Asks one model. After the first failure, or once the user wants an end, answers are not numbers
/// and cost nothing; `outcome` says why.
class asker {
 public:
  static constexpr std::size_t n_texts = 7;  ///< that a context holds, with the one that is judged

  asker(std::string name, language_model lm, thread_pool& workers, moving_line& line)
      : name_(std::move(name)), workers_(workers), line_(line), lm_(std::move(lm)) {
    constexpr std::size_t most_context = 1024;
    context_ = std::min<std::size_t>(lm_.shape().context_length, most_context);
    batch_.emplace(or_exit(batch::make(lm_, {.n_sequences = 9, .context = context_})));
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const language_model& lm() const noexcept { return lm_; }
  [[nodiscard]] batch& sequences() noexcept { return *batch_; }
  [[nodiscard]] thread_pool& workers() noexcept { return workers_; }
  [[nodiscard]] moving_line& line() noexcept { return line_; }
  [[nodiscard]] std::size_t context() const noexcept { return context_; }
  [[nodiscard]] const expected<void>& outcome() const noexcept { return outcome_; }

  /// Texts are cut to so many tokens, so that all of a context fit.
  [[nodiscard]] std::size_t text_tokens() const noexcept {
    constexpr std::size_t most = 64;
    constexpr std::size_t spared = 24;  // for an introduction and what stands between texts
    return std::clamp<std::size_t>((context_ - std::min(context_ / 2, spared)) / n_texts, 1, most);
  }

  [[nodiscard]] tokens encode(std::string_view text) const {
    return lm_.tokenizer->encode(text, {.start_token = false, .continues = true});
  }
  [[nodiscard]] tokens cut_text(std::string_view text) const {
    tokens t = encode(text);
    t.resize(std::min(t.size(), text_tokens()));
    return t;
  }
  /// Begins every context; of a model without such a token, what ends texts.
  [[nodiscard]] token_id start() const {
    return lm_.tokenizer->bos().value_or(lm_.tokenizer->eos().value_or(token_id(0)));
  }
  /// What stands between two documents, for the model.
  [[nodiscard]] tokens separator() const {
    tokens t;
    if (const auto end = lm_.tokenizer->eos()) t.push_back(*end);
    if (t.empty() || t.back() != start()) t.push_back(start());
    return t;
  }
  /// The start, an introduction (or none), and texts, a blank line behind each.
  [[nodiscard]] tokens open_context(std::string_view introduction,
                                    std::span<const std::string> texts) const {
    tokens t{start()};
    const auto add = [&](const tokens& more) { t.insert(t.end(), more.begin(), more.end()); };
    add(encode(introduction));
    for (const std::string& text : texts) {
      add(cut_text(text));
      add(encode("\n\n"));
    }
    return t;
  }

  /// Log-probabilities of texts behind a context, token by token.
  std::vector<lab::token_nats> ask(const tokens& context, std::span<const tokens> texts,
                                   const steering::attachment& under = {}) {
    check_interrupt();
    if (outcome_) {
      auto found = lab::score_continuations(*batch_, workers_, context, texts, under);
      std::size_t n = context.size();
      for (const tokens& t : texts) n += t.size();
      line_.read(n);
      if (found) return *std::move(found);
      outcome_ = forward_error(found);
    }
    std::vector<lab::token_nats> none;
    for (const tokens& t : texts) {
      none.emplace_back(t.size(), std::numeric_limits<double>::quiet_NaN());
    }
    return none;
  }
  /// The same, summed over each text.
  std::vector<double> ask_sums(const tokens& context, std::span<const tokens> texts,
                               const steering::attachment& under = {}) {
    std::vector<double> sums;
    for (const auto& nats : ask(context, texts, under)) sums.push_back(lab::sum_of(nats));
    return sums;
  }

  void check_interrupt() {
    if (!outcome_ || lab_run::interrupted == 0) return;
    outcome_ = fail({.code = errc::cancelled,
                     .operation = "ask " + name_,
                     .place = {},
                     .found = "a wish to stop",
                     .expected = {},
                     .remedy = {}});
  }
  void failed(error e) {
    if (outcome_) outcome_ = fail(std::move(e));
  }

 private:
  std::string name_;
  thread_pool& workers_;
  moving_line& line_;
  language_model lm_;
  std::size_t context_ = 0;
  std::optional<batch> batch_;
  expected<void> outcome_;
};

/// What all measures ask about: texts in an order that depends on the seed.
struct questions {
  lab::persona_set of;
  std::uint64_t seed = 1;
  std::size_t most_judged = 8;  ///< held-out texts of each persona, where contexts are many
  std::size_t most_rivals = 7;  ///< of each persona

  [[nodiscard]] std::size_t n() const noexcept { return of.personas.size(); }
  [[nodiscard]] const std::string& label(std::size_t k) const { return of.personas[k].label; }
  /// So many demonstrations by a persona, beginning anywhere; again from the first if they end.
  [[nodiscard]] std::vector<std::string> shown(std::size_t k, std::size_t n_shown,
                                               std::size_t from = 0) const {
    return some(of.personas[k].texts, n_shown, from);
  }
  [[nodiscard]] std::vector<std::string> neutral(std::size_t n_shown, std::size_t from = 0) const {
    return some(of.neutral, n_shown, from);
  }
  [[nodiscard]] std::vector<tokens> judged(const asker& a, std::size_t k, std::size_t most) const {
    std::vector<tokens> texts;
    for (const std::string& text : of.personas[k].held_out) {
      if (texts.size() == most) break;
      texts.push_back(a.cut_text(text));
    }
    return texts;
  }
  /// The i-th rival of a persona: each is the rival of as many as every other.
  [[nodiscard]] std::size_t rival(std::size_t k, std::size_t i) const noexcept {
    return (k + 1 + i) % n();
  }
  [[nodiscard]] std::size_t n_rivals() const noexcept { return std::min(most_rivals, n() - 1); }

 private:
  static std::vector<std::string> some(const std::vector<std::string>& all, std::size_t n_shown,
                                       std::size_t from) {
    std::vector<std::string> chosen;
    for (std::size_t i = 0; i < n_shown; ++i) chosen.push_back(all[(from + i) % all.size()]);
    return chosen;
  }
};

}  // namespace lab_model
