// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/simd/kv_page.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace multitudes::model::detail {

/// Numbers in the keys or values of one head in one page, which lie in rows of one place for each
/// position.
struct kv_strip {
  std::size_t at = 0;
  std::size_t n_rows = 0;
  std::size_t slot_bytes = 0;  ///< of one position in a row

  /// Calls piece(offset, length) for what belongs to `n` positions from `slot` on.
  template <class Piece>
  void each_piece(std::size_t base, std::size_t slot, std::size_t n, Piece&& piece) const {
    constexpr std::size_t all = simd::kv_page_length;
    if (n == all) {
      if (n_rows > 0) piece(base + at, n_rows * all * slot_bytes);
      return;
    }
    for (std::size_t r = 0; r < n_rows; ++r) {
      piece(base + at + (r * all + slot) * slot_bytes, n * slot_bytes);
    }
  }
};

/// What a position has in the keys (or values) of a head: numbers, and scales if there are any.
/// Rows that only pad keys are left out: nobody writes them.
constexpr std::array<kv_strip, 2> kv_strips(simd::kv_format format, std::size_t head_dim,
                                            bool is_key) noexcept {
  const std::size_t bytes = format == simd::kv_format::f32   ? sizeof(float)
                            : format == simd::kv_format::f16 ? sizeof(std::uint16_t)
                                                             : 1;
  const kv_strip numbers = is_key ? kv_strip{0, head_dim, bytes}
                                  : kv_strip{0, 1, simd::kv_width(format, head_dim) * bytes};
  if (format != simd::kv_format::q8_0) return {numbers, {}};
  return {numbers,
          {simd::kv_scales_at(head_dim), (head_dim + simd::kv_block - 1) / simd::kv_block,
           sizeof(std::uint16_t)}};
}

/// The bytes of a position in keys and values of one head.
constexpr std::size_t position_bytes(simd::kv_format format, std::size_t head_dim) noexcept {
  std::size_t n = 0;
  for (const bool is_key : {true, false}) {
    for (const kv_strip& s : kv_strips(format, head_dim, is_key)) n += s.n_rows * s.slot_bytes;
  }
  return n;
}

}  // namespace multitudes::model::detail
