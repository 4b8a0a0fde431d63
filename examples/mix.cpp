// SPDX-License-Identifier: MIT
// Speaks as a mixture of personas that is written as a formula, beside its parts, and keeps it as
// a file if asked to.
//
//   ./dev run mix "0.6*jane_austen + 0.4*sailor - preacher" --out hybrid.gguf

#include "cli.hpp"
#include "personas/formula.hpp"
#include "personas/gallery.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/speak.hpp>
#include <multitudes/persona/random_control.hpp>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using namespace multitudes;
using example::or_exit;

int main(int argc, char** argv) {
  std::string model, folder, formula, out, prompt = "It was";
  std::size_t n_tokens = 60;
  std::uint64_t seed = 1;
  CLI::App app("Speaks as a mixture of personas.");
  app.add_option("formula", formula, "such as \"0.6*jane_austen + 0.4*sailor\"")->required();
  app.add_option("--model", model, "the model, a GGUF file")->required();
  app.add_option("--personas", folder, "folder of control vectors (default: beside the model)");
  app.add_option("--prompt", prompt, "what all of them continue")->capture_default_str();
  app.add_option("--out", out, "a control vector to write the mixture to");
  app.add_option("-n", n_tokens, "tokens for each")->capture_default_str();
  app.add_option("--seed", seed, "of the samples")->capture_default_str();
  example::parse_or_exit(app, argc, argv);

  const auto sum = or_exit(personas::parse_formula(formula));
  const auto lm = or_exit(load_model(model));
  const personas::gallery all(personas::gallery::folder_beside(model, folder), lm.space());
  // Units are summed at once, in double: the order of a long formula changes nothing.
  std::vector<weighted_unit> units;
  for (const personas::summand& s : sum) {
    units.push_back({{s.name, all.at(s.name).direction().clone()}, s.weight});
  }
  const persona mixture = or_exit(persona::make(formula, std::move(units)));

  thread_pool workers;
  const auto say = [&](const persona& who) {
    const auto plan = or_exit(steering::compile(who, steering::in_raw_units(1)));
    const auto text = or_exit(speak(lm, plan, prompt, n_tokens, workers,
                                    {.how = {.temperature = 0.7f, .top_p = 0.95f, .seed = seed}}));
    std::printf("--- %s\n%s%s\n\n", who.label().c_str(), prompt.c_str(), text.c_str());
  };
  say(mixture);
  for (const personas::summand& s : sum) say(all.at(s.name));
  say(or_exit(random_control(mixture.direction(), seed)));
  if (out.empty()) return 0;
  or_exit(write_control_vector(mixture, out));
  std::printf("wrote %s\n", out.c_str());
}
