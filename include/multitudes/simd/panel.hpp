// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/simd/weight_format.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace multitudes::simd {

/// Weight rows that lie together: one or two registers of a product, and the unit of splitting it.
inline constexpr std::size_t panel_rows = 32;

/// Columns that share a weight scale, and those that share a scale of the activations.
inline constexpr std::size_t product_block = 32;
inline constexpr std::size_t activation_block = 64;

/// Whether products with a format are computed in bytes: with activations as 8-bit numbers too.
[[nodiscard]] constexpr bool uses_bytes(weight_format format) noexcept {
  return format == weight_format::q8_0 || format == weight_format::q4_0;
}

// A panel holds the numbers of 32 rows in the order in which a product uses them, in as many bytes
// as the rows themselves; the last panel of a matrix is filled up with zeros.
//
// f32, f16, bf16: column by column, the 32 numbers of each.
// q8_0: for every 32 columns, eight groups of 4 columns: for each row 4 bytes, the weight + 128;
//       then 32 scales. A register holds 16 rows, and needs no sum across its lanes.
// q4_0: the same with the groups i and i + 4 in the halves of a byte, the weight + 8.

/// Changes whenever panels do: files of them that carry another number are of no use.
inline constexpr std::uint32_t panel_layout = 1;

/// The bytes of one panel, and where a column (a multiple of the block) begins in it.
[[nodiscard]] constexpr std::size_t panel_offset(weight_format format, std::size_t col) noexcept {
  return panel_rows * packed_bytes(format, col);
}
[[nodiscard]] constexpr std::size_t panel_bytes(const weight_matrix& w) noexcept {
  return panel_offset(w.format, w.cols);
}
[[nodiscard]] constexpr std::size_t n_panels(const weight_matrix& w) noexcept {
  return (w.rows + panel_rows - 1) / panel_rows;
}

namespace detail {

template <std::size_t Bytes>
void interleave(const weight_matrix& w, std::size_t first_row, std::size_t n_rows,
                std::size_t first_col, std::size_t n_cols, std::byte* out) noexcept {
  for (std::size_t r = 0; r < n_rows; ++r) {
    const std::byte* from = w.row(first_row + r) + first_col * Bytes;
    for (std::size_t c = 0; c < n_cols; ++c) {
      std::memcpy(out + (c * panel_rows + r) * Bytes, from + c * Bytes, Bytes);
    }
  }
}

inline void interleave_q8(const std::byte* from, std::size_t r, std::byte* out) noexcept {
  std::memcpy(out + 1024 + 2 * r, from, 2);
  std::byte* to = out + r / 16 * 64 + r % 16 * 4;
  for (std::size_t g = 0; g < 8; ++g) {
    std::uint32_t four;
    std::memcpy(&four, from + 2 + 4 * g, 4);
    four ^= 0x80808080u;
    std::memcpy(to + 128 * g, &four, 4);
  }
}

inline void interleave_q4(const std::byte* from, std::size_t r, std::byte* out) noexcept {
  std::memcpy(out + 512 + 2 * r, from, 2);
  std::byte* to = out + r / 16 * 64 + r % 16 * 4;
  for (std::size_t g = 0; g < 4; ++g) std::memcpy(to + 128 * g, from + 2 + 4 * g, 4);
}

}  // namespace detail

/// Writes columns of the 32 rows from `first_row` on, a multiple of 32, as part of a panel.
///
/// Shapes:  w, by rows; first_col and n_cols multiples of the block; out panel_offset(n_cols)
///          bytes.
inline void pack_panel(const weight_matrix& w, std::size_t first_row, std::size_t first_col,
                       std::size_t n_cols, std::byte* out) noexcept {
  const std::size_t n_rows = std::min(panel_rows, w.rows - first_row);
  if (n_rows < panel_rows) std::memset(out, 0, panel_offset(w.format, n_cols));
  switch (w.format) {
    case weight_format::f32:
      return detail::interleave<4>(w, first_row, n_rows, first_col, n_cols, out);
    case weight_format::f16:
    case weight_format::bf16:
      return detail::interleave<2>(w, first_row, n_rows, first_col, n_cols, out);
    case weight_format::q8_0:
    case weight_format::q4_0: break;
  }
  const std::size_t first_block = first_col / product_block;
  const std::size_t block_size = block_bytes(w.format);
  for (std::size_t b = 0; b < n_cols / product_block; ++b) {
    std::byte* to = out + b * panel_rows * block_size;
    for (std::size_t r = 0; r < n_rows; ++r) {
      const std::byte* from = w.row(first_row + r) + (first_block + b) * block_size;
      if (w.format == weight_format::q8_0) {
        detail::interleave_q8(from, r, to);
      } else {
        detail::interleave_q4(from, r, to);
      }
    }
  }
}

/// Columns of one row of a packed matrix, in the form that they had by rows.
///
/// Shapes:  first_col and n_cols multiples of the block; out packed_bytes(n_cols) bytes.
inline void unpack_panel(const weight_matrix& w, std::size_t row, std::size_t first_col,
                         std::size_t n_cols, std::byte* out) noexcept {
  const std::byte* panel =
      w.data + row / panel_rows * panel_bytes(w) + panel_offset(w.format, first_col);
  const std::size_t r = row % panel_rows;
  const std::size_t block_size = block_bytes(w.format);
  if (!uses_bytes(w.format)) {
    for (std::size_t c = 0; c < n_cols; ++c) {
      std::memcpy(out + c * block_size, panel + (c * panel_rows + r) * block_size, block_size);
    }
    return;
  }
  const bool is_q8 = w.format == weight_format::q8_0;
  const std::size_t n_groups = is_q8 ? 8 : 4;
  for (std::size_t b = 0; b < n_cols / product_block; ++b, out += block_size) {
    const std::byte* block = panel + b * panel_rows * block_size;
    std::memcpy(out, block + n_groups * 128 + 2 * r, 2);
    for (std::size_t g = 0; g < n_groups; ++g) {
      std::uint32_t four;
      std::memcpy(&four, block + 128 * g + r / 16 * 64 + r % 16 * 4, 4);
      if (is_q8) four ^= 0x80808080u;
      std::memcpy(out + 2 + 4 * g, &four, 4);
    }
  }
}

/// One row in the form that it has by rows, whatever the layout.
///
/// Shapes:  out w.row_bytes().
inline void copy_row(const weight_matrix& w, std::size_t row, std::byte* out) noexcept {
  if (w.layout == weight_layout::panels) return unpack_panel(w, row, 0, w.cols, out);
  if (w.row_bytes() != 0) std::memcpy(out, w.row(row), w.row_bytes());
}

/// The weights of one row as floats.
///
/// Shapes:  out (cols).
template <instruction_set I>
MULTITUDES_NOINLINE void unpack_row(const weight_matrix& w, std::size_t row,
                                    std::span<float> out) noexcept {
  with_block(w.format, [&](auto block) {
    using block_type = decltype(block);
    if (w.layout == weight_layout::rows) {
      block_type::template unpack<I>(w.row(row), w.cols, out.data());
      return;
    }
    constexpr std::size_t step = 256;
    std::byte part[step * 4];
    for (std::size_t c = 0; c < w.cols; c += step) {
      const std::size_t n = std::min(step, w.cols - c);
      unpack_panel(w, row, c, n, part);
      block_type::template unpack<I>(part, n, out.data() + c);
    }
  });
}

}  // namespace multitudes::simd
