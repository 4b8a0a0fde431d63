// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/view.hpp>
#include <multitudes/simd/panel.hpp>

#include <cstddef>
#include <cstdint>

namespace multitudes::simd {

/// 64 columns of a row of activations as 8-bit numbers: value = scale * byte. `offsets` has, for
/// each half, -128 times the sum of its bytes: what unsigned weights add too much.
struct activation_group {
  std::int8_t values[activation_block];
  float scale;
  std::int32_t offsets[activation_block / product_block];
};

/// The groups of a row; the last may be filled by half.
[[nodiscard]] constexpr std::size_t n_activation_groups(std::size_t cols) noexcept {
  return cols / activation_block + (cols % activation_block != 0 ? 1 : 0);
}

/// Rows of activations as 8-bit numbers.
struct quantized_rows {
  activation_group* data = nullptr;  // (n_rows, stride)
  std::size_t n_rows = 0;
  std::size_t stride = 0;  ///< groups of a row

  [[nodiscard]] constexpr activation_group* row(std::size_t r) const noexcept {
    return data + r * stride;
  }
  [[nodiscard]] constexpr quantized_rows rows(std::size_t first, std::size_t n) const noexcept {
    return {row(first), n, stride};
  }
};

/// What a product multiplies with: bytes for quantised weights, floats for the others. Only what
/// the weights' format asks for is read.
struct activations {
  matrix_view<const float> floats;
  quantized_rows bytes;

  [[nodiscard]] constexpr activations rows(std::size_t first, std::size_t n) const noexcept {
    activations part;
    if (floats.rows() != 0) part.floats = floats.rows(first, n);
    if (bytes.n_rows != 0) part.bytes = bytes.rows(first, n);
    return part;
  }
};

}  // namespace multitudes::simd
