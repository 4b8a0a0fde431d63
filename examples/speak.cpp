// SPDX-License-Identifier: MIT
// The main job: the default model speaks, plain and as several of the personas that were learned
// from it, as mixtures of them, and under a random direction of the same length.

#include "cli.hpp"
#include "personas/gallery.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/speak.hpp>
#include <multitudes/persona.hpp>
#include <multitudes/persona/random_control.hpp>

#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace multitudes;
using example::or_exit;

namespace {

struct settings {
  std::string model{};
  std::string personas{};  ///< folder; empty: the one beside the model
  std::string prompt = "It was";
  std::size_t n_tokens = 60;
  std::vector<std::string> authors{"jane_austen", "mrs_beeton",   "the_king_james_bible",
                                   "mark_twain",  "isaac_newton", "william_shakespeare"};
  std::vector<std::pair<std::string, std::string>> hybrids{{"sailor", "sea"},
                                                           {"jane_austen", "preacher"}};
  float strength = 1.0f;  ///< 1: as strong as the file says
  std::uint64_t seed = 1;
};

/// Where all speak after each other: the same beginning, seed and length for everybody.
class stage {
 public:
  stage(const settings& set, language_model lm) : set_(set), lm_(std::move(lm)) {}

  void say(const std::string& who, const steering::plan& under) {
    const std::string text =
        or_exit(speak(lm_, under, set_.prompt, set_.n_tokens, workers_,
                      {.how = {.temperature = 0.7f, .top_p = 0.95f, .seed = set_.seed}}));
    std::printf("\n--- %s\n%s%s\n", who.c_str(), set_.prompt.c_str(), text.c_str());
    std::fflush(stdout);
  }
  /// `who` is a persona or an expression of several; its vectors are added to the residual stream.
  template <persona_expression X>
  void say(const X& who) {
    say(label_of(who), or_exit(steering::compile(who, steering::in_raw_units(set_.strength))));
  }

 private:
  const settings& set_;
  language_model lm_;
  thread_pool workers_;
};

}  // namespace

int main(int argc, char** argv) {
  settings set;
  CLI::App app("Speaks plainly, as personas, as mixtures of them, and under a random direction.");
  app.add_option("--model", set.model, "the model, a GGUF file")->required();
  app.add_option("--personas", set.personas,
                 "folder of control vectors (default: personas, beside "
                 "the model)");
  app.add_option("--prompt", set.prompt, "what all of them continue")->capture_default_str();
  app.add_option("--as", set.authors, "personas, one at a time");
  app.add_option("--mix", set.hybrids, "personas, mixed two by two");
  app.add_option("--strength", set.strength, "1: as their files say")->capture_default_str();
  app.add_option("-n", set.n_tokens, "tokens for each")->capture_default_str();
  app.add_option("--seed", set.seed, "of everything that is drawn")->capture_default_str();
  example::parse_or_exit(app, argc, argv);
  set.personas = personas::gallery::folder_beside(set.model, set.personas);

  const auto lm = or_exit(load_model(set.model));
  stage here(set, lm);
  here.say("plain", {});
  if (!std::filesystem::is_directory(set.personas)) {
    std::printf(
        "\nThere are no personas for this model in %s.\n"
        "Learn some:   ./dev run learn_personas --model %s --texts FOLDER --out %s\n"
        "or from pairs of sentences, with measurements: ./dev run dose --model %s\n",
        set.personas.c_str(), set.model.c_str(), set.personas.c_str(), set.model.c_str());
    return 0;
  }
  const personas::gallery all(set.personas, lm.space());
  for (const std::string& name : set.authors) here.say(all.at(name));
  for (const auto& [one, other] : set.hybrids) {
    here.say(0.6f * all.at(one) + 0.6f * all.at(other));
  }
  // The control: what any push of this length does to the model.
  here.say(or_exit(random_control(all.at(set.authors.front()).direction(), set.seed)));
}
