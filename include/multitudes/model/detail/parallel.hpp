// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/model/layers/rows.hpp>

#include <cstddef>

namespace multitudes::model::detail {

/// Calls `f(row_range)` for every chunk of the rows.
template <executor E, class F>
void over_rows(E& workers, std::size_t n_rows, const F& f) {
  const auto one = [&](std::size_t chunk) { f(row_chunk(n_rows, chunk)); };
  workers.run(n_row_chunks(n_rows), one);
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
  workers.run((jobs.n_tiles() + ...), one);
}

}  // namespace multitudes::model::detail
