// SPDX-License-Identifier: MIT
#pragma once

#include "results.hpp"
#include "stages.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace multitudes_bench {

/// 16 sequences with a long past decode `n_turns` tokens, in three batches whose caches keep it in
/// three formats, and which take turns token by token.
inline mt::expected<cache_run> measure_caches(const mt::language_model& lm, std::size_t depth,
                                              std::size_t n_turns, mt::thread_pool& workers) {
  constexpr std::size_t n_sequences = 16, max_rows = 512;
  cache_run found{.threads = workers.concurrency(), .sequences = n_sequences, .depth = depth};
  const std::array<mt::kv_format, 3> formats{mt::kv_format::f32, mt::kv_format::f16,
                                             mt::kv_format::q8_0};
  const std::array<std::vector<std::uint64_t>*, 3> lists{&found.f32, &found.f16, &found.q8_0};
  const std::size_t context = depth + n_turns + 1;
  std::vector<reading_batch> ways;
  for (const mt::kv_format format : formats) {
    auto b = reading_batch::make(lm, n_sequences, context, max_rows, format);
    if (!b) return mt::forward_error(b);
    ways.push_back(*std::move(b));
    const auto began = tick::now();
    if (auto ok = ways.back().step(workers, depth); !ok) return mt::forward_error(ok);
    found.reading.push_back(nanoseconds_since(began));
    const auto bytes =
        mt::model::kv_cache::required_bytes(lm.shape(), {n_sequences, context, 0, format});
    found.bytes.push_back(bytes.value_or(0));
  }
  for (std::size_t turn = 0; turn <= n_turns; ++turn) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const std::size_t way = (i + turn) % ways.size();
      const auto began = tick::now();
      if (auto ok = ways[way].step(workers, 1); !ok) return mt::forward_error(ok);
      const auto took = nanoseconds_since(began);
      if (turn != 0) lists[way]->push_back(took);  // the first warms up
    }
  }
  return found;
}

}  // namespace multitudes_bench
