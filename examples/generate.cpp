// SPDX-License-Identifier: MIT
// Continues a text. Prints the prompt and what the model adds, and nothing else.

#include "cli.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/control_vector.hpp>
#include <multitudes/generate/session.hpp>

#include <cstdio>
#include <string>

namespace mt = multitudes;

int main(int argc, char** argv) {
  std::string model;
  std::string prompt;
  std::string control;
  std::size_t n_tokens = 0;
  std::size_t threads = 1;
  float strength = 1.0f;
  bool greedy = false;
  mt::session_options options;
  options.how.temperature = 1.0f;

  CLI::App app("Continues a text with a GGUF model of the Llama family.");
  app.add_option("--model", model, "the model, a GGUF file")->required();
  app.add_option("--prompt", prompt, "the text to continue (default: none)");
  app.add_option("-n", n_tokens, "how many tokens to add")->required();
  auto* temperature = app.add_option("--temperature", options.how.temperature,
                                     "how freely tokens are drawn (default: 1)");
  app.add_flag("--greedy", greedy, "always take the likeliest token")->excludes(temperature);
  app.add_option("--seed", options.how.seed, "of the draws (default: 0)");
  app.add_option("--context", options.context, "positions (default: what the file says)");
  auto* file = app.add_option("--control", control, "a control vector, a GGUF file");
  app.add_option("--strength", strength, "how often it is added (default: 1)")->needs(file);
  app.add_option("--threads", threads, "how many threads work (default: 1)");
  example::parse_or_exit(app, argc, argv);
  if (greedy) options.how.temperature = 0;

  const auto lm = example::or_exit(mt::load_model(model));
  mt::thread_pool workers(threads);
  auto session = example::or_exit(mt::session<mt::thread_pool>::make(lm, options, workers));
  if (!control.empty()) {
    const auto persona = example::or_exit(mt::read_control_vector(control, lm.space(), control));
    const auto plan =
        example::or_exit(mt::steering::compile(persona, mt::steering::in_raw_units(strength)));
    example::or_exit(session.steer(plan, mt::memory::keep));
  }
  example::or_exit(session.read(prompt));
  std::fputs(prompt.c_str(), stdout);
  example::or_exit(session.write(n_tokens, [](std::string_view piece) {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
  }));
}
