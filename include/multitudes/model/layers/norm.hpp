// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/view.hpp>
#include <multitudes/simd/rms_norm.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace multitudes::model {

/// Root-mean-square norm of rows.
///
/// Forward:  y = w * x * s,  s = 1 / sqrt(mean of x^2 + epsilon).
/// Backward: dx += s * (w * dy - x * s^2 * mean of w * dy * x);  dw += sum over rows of dy * x * s.
template <simd::instruction_set I, std::floating_point T>
struct norm {
  std::span<const T> weight;
  T epsilon;

  void forward(matrix_view<const T> x, matrix_view<T> y) const noexcept {
    for (std::size_t r = 0; r < x.rows(); ++r) {
      simd::rms_norm<I, T>(x.row(r), weight, epsilon, y.row(r));
    }
  }
  /// Adds to dx; leaves s of each row for the gradient of the weight.
  void backward(matrix_view<const T> x, matrix_view<const T> dy, matrix_view<T> dx,
                std::span<T> scales) const noexcept {
    for (std::size_t r = 0; r < x.rows(); ++r) {
      scales[r] = simd::rms_norm_backward<I, T>(x.row(r), weight, epsilon, dy.row(r), dx.row(r));
    }
  }
};

/// dw += sum over rows of dy * x * s, cut by columns: each sums over all rows in order.
///
/// Shapes:  x, dy (rows, dim); scales (rows); dw (dim).
template <simd::instruction_set I, std::floating_point T>
struct norm_weight_gradient {
  matrix_view<const T> x;
  matrix_view<const T> dy;
  std::span<const T> scales;
  std::span<T> dw;

  static constexpr std::size_t tile = 64;

  [[nodiscard]] std::size_t n_tiles() const noexcept { return (dw.size() + tile - 1) / tile; }
  void run(std::size_t t) const noexcept {
    const std::size_t first = t * tile;
    const std::size_t count = std::min(tile, dw.size() - first);
    const std::span<T> sums = dw.subspan(first, count);
    for (std::size_t r = 0; r < x.rows(); ++r) {
      const T* in = x.row(r).data() + first;
      const T* d = dy.row(r).data() + first;
      const T s = scales[r];
      for (std::size_t i = 0; i < count; ++i) sums[i] += d[i] * in[i] * s;
    }
  }
};

}  // namespace multitudes::model
