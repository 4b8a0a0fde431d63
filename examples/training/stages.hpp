// SPDX-License-Identifier: MIT
#pragma once

#include "feedback.hpp"
#include "loop.hpp"
#include "recipe.hpp"
#include "stage_files.hpp"
#include "texts.hpp"

#include <multitudes/train/initialize.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace training {

inline model::hyper_parameters shape_of(const recipe& r, const text::tokenizer& tokenizer) {
  model::hyper_parameters p;
  p.n_layers = r.n_layers;
  p.model_dim = r.model_dim;
  p.head_dim = r.head_dim;
  p.n_heads = std::max(r.model_dim / r.head_dim, 1u);
  p.n_kv_heads = p.n_heads % 2 == 0 ? p.n_heads / 2 : p.n_heads;
  p.ffn_dim = (r.model_dim * 8 / 3 + 31) / 32 * 32;
  p.vocab_size = static_cast<std::uint32_t>(tokenizer.vocab_size());
  p.context_length = r.context;
  p.rotary_dim = p.head_dim;
  return p;
}

inline bool train_base(const recipe& r, const sources& from, thread_pool& workers) {
  std::printf("learning a vocabulary of %u pieces\n", r.vocab_size);
  const auto tokenizer = learn_tokenizer(r, from);
  const train::dataset data = base_texts(r, from, *tokenizer);
  const train::dataset held_out = held_out_texts(r, from, *tokenizer, {}, 60000);
  auto start = or_exit(model::parameters<float>::make(shape_of(r, *tokenizer), true));
  train::initialize(start, r.seed);
  std::printf("%zu numbers to learn, from %zu tokens of %zu texts\n", start.values().size(),
              data.n_tokens(), data.documents().size());
  train::run_options options;
  options.batches = {.n_rows = r.batch_rows, .context = r.context, .seed = r.seed};
  options.schedule = {.peak = r.learning_rate,
                      .n_steps = std::max<std::uint64_t>(data.n_tokens() / r.batch_rows, 1)};
  options.schedule.n_warm_up = options.schedule.n_steps / 40 + 1;
  options.n_threads = workers.concurrency();
  auto run = or_exit(train::training_run<>::make(std::move(start), data, options));
  const watch w{.name = "base",
                .checkpoint = r.work + "/base.checkpoint",
                .curve = r.out + "/base.loss.svg",
                .held_out = &held_out};
  if (!keep_training(run, w, options.schedule.n_steps, tokenizer, workers)) return false;
  keep(r, {std::make_shared<const model::weights>(run.state().values().as_weights()), tokenizer},
       "base", false);
  return true;
}

inline bool train_instruct(const recipe& r, const sources& from, thread_pool& workers) {
  const language_model base = load_stage(r, "base");
  train::dataset data = conversations(r, from, *base.tokenizer, r.seed, r.n_chats);
  add_reading(data, r, from, *base.tokenizer);
  const train::dataset held_out =
      conversations(r, from, *base.tokenizer, r.seed + 1000, r.n_chats / 40 + 1);
  std::printf("%zu conversations and pieces of reading, %zu tokens\n", data.documents().size(),
              data.n_tokens());
  train::run_options options;
  options.batches = {.n_rows = r.batch_rows, .context = r.context, .seed = r.seed};
  options.schedule = {.peak = r.instruct_rate,
                      .n_steps = std::max<std::uint64_t>(2 * data.n_tokens() / r.batch_rows, 1)};
  options.schedule.n_warm_up = options.schedule.n_steps / 20 + 1;
  options.point_every = 10;
  options.n_threads = workers.concurrency();
  auto run =
      or_exit(train::training_run<>::make(or_exit(model::unpack(*base.weights)), data, options));
  const watch w{.name = "instruct",
                .checkpoint = r.work + "/instruct.checkpoint",
                .curve = r.out + "/instruct.loss.svg",
                .held_out = &held_out,
                .prompt = "<|user|>\nWho are you?<|end|>\n<|assistant|>\n",
                .measure_every = 50};
  if (!keep_training(run, w, options.schedule.n_steps, base.tokenizer, workers)) return false;
  keep(r,
       {std::make_shared<const model::weights>(run.state().values().as_weights()),
        ending_answers(*base.tokenizer)},
       "instruct", true);
  return true;
}

inline int run(recipe r) {
  std::filesystem::create_directories(r.out);
  std::filesystem::create_directories(r.work);
  catch_interrupts();
  const sources from = read_sources(r);
  thread_pool workers(r.n_threads != 0 ? r.n_threads : std::thread::hardware_concurrency());
  const auto wants = [&](const char* stage) { return r.stage == "all" || r.stage == stage; };
  const bool done = (!wants("base") || train_base(r, from, workers)) &&
                    (!wants("instruct") || train_instruct(r, from, workers)) &&
                    (!wants("feedback") || train_feedback(r, from, workers));
  return done ? 0 : 2;
}

}  // namespace training
