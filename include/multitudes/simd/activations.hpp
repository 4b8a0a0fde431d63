// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/view.hpp>
#include <multitudes/simd/panel.hpp>

#include <cstddef>
#include <cstdint>

namespace multitudes::simd {

/// Rows of activations as 8-bit numbers: value = scale * byte, with one scale for every
/// `activation_block` columns. `offsets` has, for every `product_block` columns, -128 times the
/// sum of the bytes: what unsigned weights add too much.
struct quantized_rows {
  std::int8_t* values = nullptr;    // (n_rows, cols)
  float* scales = nullptr;          // (n_rows, blocks of 64)
  std::int32_t* offsets = nullptr;  // (n_rows, blocks of 32)
  std::size_t n_rows = 0;
  std::size_t values_stride = 0;
  std::size_t scales_stride = 0;
  std::size_t offsets_stride = 0;

  [[nodiscard]] constexpr quantized_rows rows(std::size_t first, std::size_t n) const noexcept {
    quantized_rows part = *this;
    part.values += first * values_stride;
    part.scales += first * scales_stride;
    part.offsets += first * offsets_stride;
    part.n_rows = n;
    return part;
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
