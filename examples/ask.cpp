// SPDX-License-Identifier: MIT
// Asks an instruction-tuned model of ours a question: ask --model models/instruct.gguf "Who are
// you?"

#include "cli.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/session.hpp>

#include <cstdio>
#include <string>

namespace mt = multitudes;

int main(int argc, char** argv) {
  std::string model;
  std::string question;
  std::size_t n_tokens = 80;
  mt::session_options options;
  options.how.temperature = 0.7f;
  options.how.top_p = 0.95f;

  CLI::App app("Asks a model that was trained by train_default.");
  app.add_option("--model", model, "the model, a GGUF file")->required();
  app.add_option("question", question)->required();
  app.add_option("-n", n_tokens, "tokens of the answer, at most")->capture_default_str();
  app.add_option("--seed", options.how.seed)->capture_default_str();
  example::parse_or_exit(app, argc, argv);

  const auto lm = example::or_exit(mt::load_model(model));
  mt::thread_pool workers;
  auto session = example::or_exit(mt::session<mt::thread_pool>::make(lm, options, workers));
  // Only the marks are special: what a user types is text, whatever it looks like.
  const auto& tokenizer = *lm.tokenizer;
  const auto mark = [&](const char* text, bool first) {
    return tokenizer.encode(text, {.start_token = first, .continues = true, .parse_special = true});
  };
  example::or_exit(session.read(mark("<|user|>\n", true)));
  example::or_exit(
      session.read(tokenizer.encode(question, {.start_token = false, .continues = true})));
  example::or_exit(session.read(mark("<|end|>\n<|assistant|>\n", false)));
  std::puts(example::or_exit(session.write(n_tokens)).c_str());
}
