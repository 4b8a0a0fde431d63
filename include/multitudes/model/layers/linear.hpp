// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/simd/product.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace multitudes::model {

/// A weight matrix W (out, in) packed for products with many rows.
///
/// Forward:  y = x W^T.
/// Backward: dx = dy W;  dW += dy^T x  (see `weight_gradient`).
template <simd::product_precision P, simd::instruction_set I>
class linear {
 public:
  using value = typename P::value;
  using unit = typename P::unit;

  /// `memory` is an arena, or measures for one.
  ///
  /// Errors:  out_of_memory.
  template <class Memory>
  static expected<linear> make(std::size_t out, std::size_t in, Memory& memory) {
    auto forward = memory.template take_uninitialized<unit>(simd::packed_units<I, P>(in, out));
    if (!forward) return forward_error(forward);
    auto backward = memory.template take_uninitialized<unit>(simd::packed_units<I, P>(out, in));
    if (!backward) return forward_error(backward);
    linear l;
    l.out_ = out;
    l.in_ = in;
    l.forward_ = *forward;
    l.backward_ = *backward;
    return l;
  }

  /// Packing is shared between threads by chunks, 0 to `n_pack_chunks`.
  [[nodiscard]] std::size_t n_pack_chunks() const noexcept {
    return forward_chunks() + backward_chunks();
  }
  void pack(matrix_view<const value> w, std::size_t chunk) const noexcept {
    if (chunk < forward_chunks()) {
      const std::size_t first = chunk * chunk_panels;
      simd::pack_transposed<I, P>(
          w, first, std::min(first + chunk_panels, simd::n_panels<I, P>(out_)), forward_);
    } else {
      const std::size_t first = (chunk - forward_chunks()) * chunk_panels;
      simd::pack<I, P>(w, first, std::min(first + chunk_panels, simd::n_panels<I, P>(in_)),
                       backward_);
    }
  }

  /// y = x W^T.  Shapes: x (rows, in); y (rows, out).
  void forward(matrix_view<const value> x, matrix_view<value> y) const noexcept {
    simd::multiply<I, P>(x, simd::packed_view<I, P>(forward_, in_, out_), y);
  }
  /// dx = dy W, or added to dx.  Shapes: dy (rows, out); dx (rows, in).
  void backward(matrix_view<const value> dy, matrix_view<value> dx,
                bool accumulate = false) const noexcept {
    simd::multiply<I, P>(dy, simd::packed_view<I, P>(backward_, out_, in_), dx, accumulate);
  }

  [[nodiscard]] std::size_t n_outputs() const noexcept { return out_; }

 private:
  static constexpr std::size_t chunk_panels = 8;
  [[nodiscard]] std::size_t forward_chunks() const noexcept {
    return (simd::n_panels<I, P>(out_) + chunk_panels - 1) / chunk_panels;
  }
  [[nodiscard]] std::size_t backward_chunks() const noexcept {
    return (simd::n_panels<I, P>(in_) + chunk_panels - 1) / chunk_panels;
  }

  std::size_t out_ = 0;
  std::size_t in_ = 0;
  std::span<unit> forward_;
  std::span<unit> backward_;
};

/// dW += dy^T x, cut into tiles of dW: each sums over all rows in one order, so neither tiles nor
/// threads change a bit.
///
/// Shapes:  dy (rows, out); x (rows, in); dw (out, in).
template <simd::product_precision P, simd::instruction_set I>
struct weight_gradient {
  using value = typename P::value;
  matrix_view<const value> dy;
  matrix_view<const value> x;
  matrix_view<value> dw;

  // At most this much of dW in a tile, and tiles of about one size, so that threads end together;
  // of whole register tiles as far as possible.
  static constexpr std::size_t most_out = 112;
  static constexpr std::size_t most_in = 256;

  [[nodiscard]] std::size_t n_tiles() const noexcept {
    return n_pieces(dw.rows(), tile_out()) * n_pieces(dw.cols(), tile_in());
  }
  void run(std::size_t tile) const noexcept {
    const std::size_t n_across = n_pieces(dw.cols(), tile_in());
    const std::size_t first_out = tile / n_across * tile_out();
    const std::size_t first_in = tile % n_across * tile_in();
    const std::size_t n_out = std::min(tile_out(), dw.rows() - first_out);
    const std::size_t n_in = std::min(tile_in(), dw.cols() - first_in);
    simd::add_transposed_product<I, P>(dy.cols(first_out, n_out), x.cols(first_in, n_in),
                                       dw.rows(first_out, n_out).cols(first_in, n_in));
  }

 private:
  static constexpr std::size_t n_pieces(std::size_t whole, std::size_t piece) noexcept {
    return (whole + piece - 1) / piece;
  }
  static constexpr std::size_t even(std::size_t whole, std::size_t most,
                                    std::size_t step) noexcept {
    const std::size_t pieces = n_pieces(whole, most);
    return n_pieces(n_pieces(whole, pieces), step) * step;
  }
  [[nodiscard]] std::size_t tile_out() const noexcept {
    return even(dw.rows(), most_out, simd::register_rows<I, P>);
  }
  [[nodiscard]] std::size_t tile_in() const noexcept {
    return even(dw.cols(), most_in, simd::panel_width<I, P>);
  }
};

}  // namespace multitudes::model
