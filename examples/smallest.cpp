// SPDX-License-Identifier: MIT
// Loads a model, learns two personas, mixes them and speaks:
// smallest MODEL.gguf FIRST.pairs SECOND.pairs

// [smallest]
#include <multitudes/multitudes.hpp>
#include "or_exit.hpp"
using namespace multitudes;
int main(int, char** files) {
  thread_pool workers;
  const auto lm = example::or_exit(load_model(files[1]));
  const auto p = example::or_exit(learn(lm, "p", example::or_exit(read_pairs(files[2])), workers));
  const auto q = example::or_exit(learn(lm, "q", example::or_exit(read_pairs(files[3])), workers));
  const auto norms = example::or_exit(calibrate(lm, workers));
  const auto plan = example::or_exit(compile(0.6f * p.who + 0.4f * q.who, {0.1f}, norms));
  std::puts(example::or_exit(speak(lm, plan, "Once upon a time", 60, workers)).c_str());
}
// [smallest]
