// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/model/layers/linear.hpp>
#include <multitudes/simd/relu_squared.hpp>
#include <multitudes/simd/silu_gate.hpp>

#include <cstddef>

namespace multitudes::model {

/// The feed-forward half of a block, on rows.
///
/// Forward:  y = h D^T,  with h = silu(g) * u, g = x G^T, u = x U^T  (swiglu),
///           or h = relu(u)^2  (relu_squared; there is no gate).
/// Backward: dh = dy D;  swiglu: dg = dh * u * silu'(g), du = dh * silu(g);
///           relu_squared: du = 2 dh relu(u);  dx = dg G + du U.
template <simd::product_precision P, simd::instruction_set I>
struct feed_forward_layer {
  using value = typename P::value;

  /// What is kept of rows between forward and backward, and room for the way back.
  struct rows {
    matrix_view<value> gate;      // (rows, ffn_dim), g; then dg
    matrix_view<value> up;        // (rows, ffn_dim), u; then du
    matrix_view<value> hidden;    // (rows, ffn_dim), h; not kept, computed again
    matrix_view<value> d_hidden;  // (rows, ffn_dim)

    [[nodiscard]] rows part(std::size_t first, std::size_t count) const noexcept {
      return {gate.rows(first, count), up.rows(first, count), hidden.rows(first, count),
              d_hidden.rows(first, count)};
    }
  };

  bool has_gate = true;
  linear<P, I> gate, up, down;

  void forward(matrix_view<const value> x, const rows& kept, matrix_view<value> y) const noexcept {
    up.forward(x, kept.up);
    if (has_gate) gate.forward(x, kept.gate);
    for (std::size_t r = 0; r < x.rows(); ++r) {
      if (has_gate) {
        simd::silu_gate<I, value>(kept.gate.row(r), kept.up.row(r), kept.hidden.row(r));
      } else {
        simd::relu_squared<I, value>(kept.up.row(r), kept.hidden.row(r));
      }
    }
    down.forward(kept.hidden, y);
  }

  /// Leaves h, dg and du where the gradients of the weights are taken from.
  void backward(matrix_view<const value> dy, const rows& kept,
                matrix_view<value> dx) const noexcept {
    down.backward(dy, kept.d_hidden);
    for (std::size_t r = 0; r < dy.rows(); ++r) {
      if (has_gate) {
        simd::silu_gate_backward<I, value>(kept.d_hidden.row(r), kept.gate.row(r), kept.up.row(r),
                                           kept.hidden.row(r));
      } else {
        simd::relu_squared_backward<I, value>(kept.d_hidden.row(r), kept.up.row(r),
                                              kept.hidden.row(r));
      }
    }
    up.backward(kept.up, dx);
    if (has_gate) gate.backward(kept.gate, dx, true);
  }
};

}  // namespace multitudes::model
