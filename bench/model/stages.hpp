// SPDX-License-Identifier: MIT
#pragma once

#include "../generate/eight_directions.hpp"
#include "../peak/arithmetic.hpp"
#include "../peak/read.hpp"
#include "results.hpp"

#include <multitudes/core/philox.hpp>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace multitudes_bench {

namespace mt = multitudes;

using tick = std::chrono::steady_clock;

inline std::uint64_t nanoseconds_since(tick::time_point began) {
  const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(tick::now() - began);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(1, passed.count()));
}

/// Some text, with the beginning token first.
inline std::vector<mt::token_id> random_text(std::size_t n, std::size_t vocab_size) {
  mt::philox random(1);
  std::vector<mt::token_id> tokens{mt::token_id(std::min<std::size_t>(1, vocab_size - 1))};
  while (tokens.size() < n) {
    tokens.emplace_back(random.below(static_cast<std::uint32_t>(vocab_size)));
  }
  return tokens;
}

/// Sequences of one batch that all read the same text; every step reads its next piece.
class reading_batch {
 public:
  static mt::expected<reading_batch> make(const mt::language_model& lm, std::size_t n_sequences,
                                          std::size_t context, std::size_t max_rows,
                                          mt::kv_format cache = mt::kv_format::f32) {
    auto b = mt::batch::make(
        lm, {.n_sequences = n_sequences, .context = context, .max_rows = max_rows, .cache = cache});
    if (!b) return mt::forward_error(b);
    reading_batch made(*std::move(b), random_text(context, lm.shape().vocab_size));
    for (std::size_t i = 0; i < n_sequences; ++i) {
      auto s = made.b_.open();
      if (!s) return mt::forward_error(s);
      made.feeds_.push_back({*s, {}, 1});
    }
    return made;
  }

  [[nodiscard]] mt::batch& get() noexcept { return b_; }
  [[nodiscard]] std::size_t length() const noexcept { return b_.length(feeds_[0].sequence); }
  [[nodiscard]] const std::vector<mt::feed>& feeds() const noexcept { return feeds_; }
  void truncate(std::size_t length) {
    for (const mt::feed& f : feeds_) b_.truncate(f.sequence, length);
  }
  /// The next `n` tokens of every sequence, and the logits after the last of them.
  template <class... Observer>
  mt::expected<void> step(mt::thread_pool& workers, std::size_t n, const Observer&... observer) {
    const std::size_t at = length();
    for (mt::feed& f : feeds_) f.tokens = std::span(text_).subspan(at, n);
    return b_.evaluate(
        workers, feeds_,
        [&](mt::feed_place, std::span<float> logits) { seen_ = seen_ + logits[0]; }, observer...);
  }

 private:
  reading_batch(mt::batch b, std::vector<mt::token_id> text)
      : b_(std::move(b)), text_(std::move(text)) {}

  mt::batch b_;
  std::vector<mt::token_id> text_;
  std::vector<mt::feed> feeds_;
  volatile float seen_ = 0;
};

/// What a stage is: `steps` times the next `step_tokens` of each sequence, after `depth` positions.
struct stage_shape {
  stage what = stage::decode;
  std::size_t sequences = 1;
  std::size_t depth = 0;
  std::size_t step_tokens = 1;
  std::size_t steps = 1;
};

/// Runs one stage of a model again and again.
class stage_runner {
 public:
  /// Warms up, and chooses how often a repetition repeats the stage so that it takes a fifth of a
  /// second.
  static mt::expected<stage_runner> make(const mt::language_model& lm, const model_facts& facts,
                                         const stage_shape& shape, mt::thread_pool& workers) {
    constexpr std::size_t most_rows = 512;
    const std::size_t rows = std::min(most_rows, shape.sequences * shape.step_tokens);
    auto b = reading_batch::make(lm, shape.sequences, shape.depth + shape.steps * shape.step_tokens,
                                 std::max<std::size_t>(rows, std::min(most_rows, shape.depth)));
    if (!b) return mt::forward_error(b);
    stage_runner made(*std::move(b), shape);
    if (shape.depth != 0) {
      if (auto ok = made.b_.step(workers, shape.depth); !ok) return mt::forward_error(ok);
    }
    auto once = made.repeat(workers);
    if (!once) return mt::forward_error(once);
    made.turns_ = std::max<std::size_t>(1, 200'000'000 / *once);
    const std::size_t each = shape.sequences * shape.step_tokens;
    run& r = made.found_;
    r.what = shape.what;
    r.threads = workers.concurrency();
    r.sequences = shape.sequences;
    r.depth = shape.depth;
    r.length = shape.steps * shape.step_tokens;
    r.tokens = made.turns_ * shape.steps * each;
    r.passes = made.turns_ * shape.steps * ((each + rows - 1) / rows);
    // Of each sequence the successor's logits are wanted, once in a step.
    r.operations = 2 * (r.tokens * facts.layer_weights +
                        made.turns_ * shape.steps * shape.sequences * facts.head_weights);
    return made;
  }

  /// One repetition: the limits, then the stage.
  mt::expected<void> measure(mt::thread_pool& workers, const reader& memory,
                             const model_facts& facts, const arithmetic_loop& operations) {
    const auto read_bytes = static_cast<std::size_t>(facts.read_bytes);
    const auto reading = memory.measure(read_bytes, workers.concurrency());
    const auto computing = multitudes_bench::measure(operations, workers.concurrency());
    found_.read_limit.push_back(reading.bytes_per_second);
    found_.operation_limit.push_back(computing.per_second);
    auto took = repeat(workers);
    if (!took) return mt::forward_error(took);
    found_.nanoseconds.push_back(*took);
    return {};
  }

  [[nodiscard]] const run& found() const noexcept { return found_; }

  /// The stage as often as a repetition has it; nanoseconds.
  mt::expected<std::uint64_t> repeat(mt::thread_pool& workers) {
    const auto began = tick::now();
    for (std::size_t turn = 0; turn < turns_; ++turn) {
      b_.truncate(shape_.depth);
      for (std::size_t i = 0; i < shape_.steps; ++i) {
        if (auto ok = b_.step(workers, shape_.step_tokens); !ok) return mt::forward_error(ok);
      }
    }
    return nanoseconds_since(began);
  }

 private:
  stage_runner(reading_batch b, const stage_shape& shape) : b_(std::move(b)), shape_(shape) {}

  reading_batch b_;
  stage_shape shape_;
  std::size_t turns_ = 1;
  run found_;
};

/// 64 sequences decode `n_turns` tokens plainly, each under its own plan, watched, and plainly
/// again, taking turns token by token, so that what else the machine does meets all of them.
inline mt::expected<steering_run> measure_steering(const mt::language_model& lm,
                                                   std::size_t n_turns, mt::thread_pool& workers) {
  constexpr std::size_t n_sequences = 64, context = 64;
  steering_run found{.threads = workers.concurrency(), .sequences = n_sequences};
  const std::array<std::vector<std::uint64_t>*, 4> lists{&found.plain, &found.steered,
                                                         &found.watched, &found.again};
  std::vector<reading_batch> ways;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    auto b = reading_batch::make(lm, n_sequences, context, n_sequences);
    if (!b) return mt::forward_error(b);
    ways.push_back(*std::move(b));
  }
  for (const mt::feed& f : ways[1].feeds()) {
    auto plan = eight_directions(lm.space(), f.sequence.value, mt::steering::storage::bf16);
    if (auto ok = ways[1].get().steer(f.sequence, {std::move(plan)}); !ok) {
      return mt::forward_error(ok);
    }
  }
  if (auto ok = ways[2].get().watch(axes_of(lm.space())); !ok) return mt::forward_error(ok);
  for (std::size_t turn = 0; turn <= n_turns; ++turn) {
    for (std::size_t i = 0; i < lists.size(); ++i) {
      // The order changes, so that nobody always comes after the same one.
      const std::size_t way = (i + turn) % lists.size();
      if (ways[way].length() == context) ways[way].truncate(0);
      const auto began = tick::now();
      if (auto ok = ways[way].step(workers, 1); !ok) return mt::forward_error(ok);
      const auto took = nanoseconds_since(began);
      if (turn != 0) lists[way]->push_back(took);  // the first warms up
    }
  }
  return found;
}

/// One sequence decodes `n_tokens`; each token's time is cut where the last block ends.
inline mt::expected<profile_run> measure_profile(const mt::language_model& lm,
                                                 const model_facts& facts, std::size_t n_tokens,
                                                 mt::thread_pool& workers, const reader& memory) {
  profile_run found{.threads = workers.concurrency()};
  auto b = reading_batch::make(lm, 1, n_tokens + 1, 1);
  if (!b) return mt::forward_error(b);
  const std::size_t last = lm.shape().n_layers - 1;
  tick::time_point cut;
  const auto observer = [&](mt::feed_place, mt::layer_index layer, std::span<const float>) {
    if (layer.value == last) cut = tick::now();
  };
  for (std::size_t i = 0; i <= n_tokens; ++i) {
    const auto began = tick::now();
    if (auto ok = b->step(workers, 1, observer); !ok) return mt::forward_error(ok);
    const std::uint64_t all = nanoseconds_since(began);
    const auto blocks = std::chrono::duration_cast<std::chrono::nanoseconds>(cut - began).count();
    if (i == 0) continue;  // warms up
    found.layers.push_back(static_cast<std::uint64_t>(std::max<std::int64_t>(1, blocks)));
    found.head.push_back(all - std::min(all, found.layers.back()));
  }
  for (int i = 0; i < 5; ++i) {
    found.read_limit.push_back(
        memory.measure(static_cast<std::size_t>(facts.read_bytes), found.threads).bytes_per_second);
  }
  return found;
}

}  // namespace multitudes_bench
