// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

namespace multitudes::model {

/// Rows that one chunk of parallel work takes: enough to read weights for, few enough to stay in
/// a core's cache. Fixed, so that threads cannot change a bit.
inline constexpr std::size_t chunk_rows = 112;

struct row_range {
  std::size_t first;
  std::size_t count;
};

constexpr std::size_t n_row_chunks(std::size_t n_rows) noexcept {
  return (n_rows + chunk_rows - 1) / chunk_rows;
}
constexpr row_range row_chunk(std::size_t n_rows, std::size_t chunk) noexcept {
  const std::size_t first = chunk * chunk_rows;
  return {first, std::min(chunk_rows, n_rows - first)};
}

}  // namespace multitudes::model
