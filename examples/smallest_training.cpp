// SPDX-License-Identifier: MIT
// smallest_training TEXT.txt OUT.gguf: a tiny model of one text, in less than a minute.
#include <cstdio>
#include <memory>
#include <multitudes/multitudes.hpp>
#include "or_exit.hpp"
using namespace multitudes;
using example::or_exit;

int main(int, char** files) {
  // 1. A vocabulary, and the text as tokens.
  const auto file = or_exit(file_bytes::read(files[1]));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  const std::string_view specials[] = {"<|endoftext|>"};
  const auto vocabulary = or_exit(text::train_byte_bpe(
      std::span(&text, 1), {.vocab_size = 512, .specials = specials, .start_token = specials[0]}));
  const auto tokenizer =
      std::make_shared<const text::tokenizer>(or_exit(text::tokenizer::make(vocabulary.view())));
  train::dataset data;
  data.add(tokenizer->encode(text));

  // 2. A model with random weights.
  model::hyper_parameters shape{.n_layers = 2,
                                .model_dim = 64,
                                .n_heads = 4,
                                .n_kv_heads = 2,
                                .head_dim = 16,
                                .ffn_dim = 192,
                                .context_length = 64};
  shape.vocab_size = static_cast<std::uint32_t>(tokenizer->vocab_size());
  shape.rotary_dim = shape.head_dim;
  auto start = or_exit(model::parameters<float>::make(shape, true));
  train::initialize(start, 1);

  // 3. Training.
  thread_pool workers;
  train::run_options options;
  options.schedule = {.peak = 3e-3, .n_steps = 200, .n_warm_up = 10};
  options.batches = {.n_rows = 1024, .context = 64};
  options.n_threads = workers.concurrency();
  auto run = or_exit(train::training_run<>::make(std::move(start), data, options));
  while (!run.is_done()) {
    const auto step = or_exit(run.step(workers));
    if (run.n_steps() % 50 == 0) std::printf("loss %.2f nats per token\n", step.loss);
  }

  // 4. The same weights run at once, and go into a file for later.
  const language_model lm{std::make_shared<const model::weights>(run.state().values().as_weights()),
                          tokenizer};
  std::puts(or_exit(speak(lm, {}, "The ", 40, workers)).c_str());
  or_exit(save_model(lm, files[2], {.format = simd::weight_format::q8_0}));
}
