// SPDX-License-Identifier: MIT
// The main job: the default model speaks, plain and as several of the personas that were learned
// from it, as mixtures of them, and under a random direction of the same length.

#include "cli.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/control_vector.hpp>
#include <multitudes/generate/speak.hpp>
#include <multitudes/persona.hpp>
#include <multitudes/persona/random_control.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
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

/// All control vectors of a folder and the folders in it, each named as its file.
std::vector<persona> read_personas(const std::string& folder, const activation_space& space) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".gguf") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<persona> all;
  for (const auto& file : files) {
    all.push_back(or_exit(read_control_vector(file.string(), space, file.stem().string())));
  }
  return all;
}

const persona& find(const std::vector<persona>& all, const std::string& name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const persona& p) { return p.label() == name; });
  if (found != all.end()) return *found;
  std::string names;
  for (const persona& p : all) names += " " + p.label();
  example::give_up({.code = errc::not_found,
                    .operation = "speak",
                    .place = name,
                    .found = "no such persona",
                    .expected = "one of" + names,
                    .remedy = "name others with --as and --mix"});
}

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
  if (set.personas.empty()) {
    set.personas = (std::filesystem::path(set.model).parent_path() / "personas").string();
  }

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
  const auto all = read_personas(set.personas, lm.space());
  for (const std::string& name : set.authors) here.say(find(all, name));
  for (const auto& [one, other] : set.hybrids) {
    here.say(0.6f * find(all, one) + 0.6f * find(all, other));
  }
  // The control: what any push of this length does to the model.
  here.say(or_exit(random_control(find(all, set.authors.front()).direction(), set.seed)));
}
