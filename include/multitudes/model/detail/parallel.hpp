// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/model/layers/rows.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>

namespace multitudes::model::detail {

/// Calls `f(0)` to `f(n - 1)`, like the executor's `run`, but evenly also where chunks differ in
/// cost: every thread begins with an equal run of them, and then takes from what others have left.
template <executor E>
void share(E& workers, std::size_t n, chunk_function f) {
  constexpr std::size_t most_shares = 64;
  struct alignas(64) share_of_chunks {
    std::atomic<std::size_t> next{0};
    std::size_t last = 0;
  };
  std::array<share_of_chunks, most_shares> shares;
  const std::size_t n_shares =
      std::min({n, most_shares, static_cast<std::size_t>(workers.concurrency())});
  for (std::size_t s = 0; s < n_shares; ++s) {
    shares[s].next.store(n * s / n_shares, std::memory_order_relaxed);
    shares[s].last = n * (s + 1) / n_shares;
  }
  const auto one = [&](std::size_t begin) {
    for (std::size_t k = 0; k < n_shares; ++k) {
      share_of_chunks& from = shares[(begin + k) % n_shares];
      for (;;) {
        const std::size_t i = from.next.fetch_add(1, std::memory_order_relaxed);
        if (i >= from.last) break;
        f(i);
      }
    }
  };
  workers.run(n_shares, one);
}

/// Calls `f(row_range)` for every chunk of the rows.
template <executor E, class F>
void over_rows(E& workers, std::size_t n_rows, const F& f) {
  const auto one = [&](std::size_t chunk) { f(row_chunk(n_rows, chunk)); };
  share(workers, n_row_chunks(n_rows), one);
}

/// Runs the tiles of several jobs as one parallel region. A job has `n_tiles()` and `run(tile)`.
template <executor E, class... Job>
void run_tiles(E& workers, const Job&... jobs) {
  const auto one = [&](std::size_t tile) {
    const auto try_job = [&](const auto& job) {
      const std::size_t n = job.n_tiles();
      if (tile < n) {
        job.run(tile);
        return true;
      }
      tile -= n;
      return false;
    };
    (void)(try_job(jobs) || ...);
  };
  share(workers, (jobs.n_tiles() + ...), one);
}

}  // namespace multitudes::model::detail
