// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/model/layers/linear.hpp>
#include <multitudes/simd/relu_squared.hpp>
#include <multitudes/simd/silu_gate.hpp>

#include <cstddef>
#include <span>

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
    matrix_view<value> gate_up;   // (rows, one or two ffn_dim): g, u; then dg, du
    matrix_view<value> hidden;    // (rows, ffn_dim), h; not kept, computed again
    matrix_view<value> d_hidden;  // (rows, ffn_dim), only for backward
  };

  bool has_gate = true;
  linear<P, I> gate_up, down;

  void forward(matrix_view<const value> x, const rows& kept, matrix_view<value> y) const noexcept {
    gate_up.forward(x, kept.gate_up);
    for (std::size_t r = 0; r < x.rows(); ++r) {
      const std::span<value> in = kept.gate_up.row(r);
      const std::span<value> h = kept.hidden.row(r);
      if (has_gate) {
        simd::silu_gate<I, value>(in.first(h.size()), in.subspan(h.size()), h);
      } else {
        simd::relu_squared<I, value>(in, h);
      }
    }
    down.forward(kept.hidden, y);
  }

  /// Leaves h, dg and du where the gradients of the weights are taken from.
  void backward(matrix_view<const value> dy, const rows& kept,
                matrix_view<value> dx) const noexcept {
    down.backward(dy, kept.d_hidden);
    for (std::size_t r = 0; r < dy.rows(); ++r) {
      const std::span<value> in = kept.gate_up.row(r);
      const std::span<value> h = kept.hidden.row(r);
      if (has_gate) {
        simd::silu_gate_backward<I, value>(kept.d_hidden.row(r), in.first(h.size()),
                                           in.subspan(h.size()), h);
      } else {
        simd::relu_squared_backward<I, value>(kept.d_hidden.row(r), in, h);
      }
    }
    gate_up.backward(kept.gate_up, dx);
  }
};

}  // namespace multitudes::model
