// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/weight_format.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <utility>

namespace multitudes::simd {

namespace detail {

// Every element of the result is summed in one order, whatever the shape of the tile that
// computes it: one vector of sums runs over the columns, the last part padded with zeros, and is
// reduced once. Hence the batch size, the split of rows and strides cannot change a bit, and
// packed weights give the bits of their unpacked floats.

template <vector_isa I>
struct matmul_shape {
  static constexpr bool many_registers = sizeof(typename lanes<I, float>::batch) >= 64;
  static constexpr std::size_t rows = 8;                       // weight rows of a panel
  static constexpr std::size_t cols = 256;                     // columns of a panel: 8 KiB
  static constexpr std::size_t batch = 16;                     // activations that share a panel
  static constexpr std::size_t wide = many_registers ? 4 : 2;  // activations of a register tile
};

/// sums[n][r] += w[r] * x[n], lane by lane, for a tile of rows r and activations n.
template <vector_isa I, std::size_t... r, std::size_t... n, std::size_t... k>
MULTITUDES_NOINLINE void add_tile(std::index_sequence<r...>, std::index_sequence<n...>,
                                  std::index_sequence<k...>, const float* w, std::size_t w_stride,
                                  const float* x, std::size_t x_stride, std::size_t cols,
                                  typename lanes<I, float>::batch* sums) noexcept {
  using lane = lanes<I, float>;
  constexpr std::size_t rows = sizeof...(r);
  constexpr std::size_t sums_stride = matmul_shape<I>::rows;
  typename lane::batch s[] = {sums[k / rows * sums_stride + k % rows]...};
  std::size_t c = 0;
  for (; c + lane::count <= cols; c += lane::count) {
    const typename lane::batch weights[] = {lane::load(w + r * w_stride + c)...};
    const typename lane::batch inputs[] = {lane::load(x + n * x_stride + c)...};
    ((s[k] = lane::fma(weights[k % rows], inputs[k / rows], s[k])), ...);
  }
  if (c < cols) {
    const typename lane::batch weights[] = {lane::load_part(w + r * w_stride + c, cols - c)...};
    const typename lane::batch inputs[] = {lane::load_part(x + n * x_stride + c, cols - c)...};
    ((s[k] = lane::fma(weights[k % rows], inputs[k / rows], s[k])), ...);
  }
  ((sums[k / rows * sums_stride + k % rows] = s[k]), ...);
}

/// As many tiles of `Rows` weight rows as the activations need.
template <vector_isa I, std::size_t Rows>
void add_tiles(const float* w, std::size_t w_stride, const float* x, std::size_t x_stride,
               std::size_t batch, std::size_t cols,
               typename lanes<I, float>::batch* sums) noexcept {
  const auto step = [&](auto count, std::size_t n) {
    add_tile<I>(std::make_index_sequence<Rows>(), std::make_index_sequence<count>(),
                std::make_index_sequence<Rows * count>(), w, w_stride, x + n * x_stride, x_stride,
                cols, sums + n * matmul_shape<I>::rows);
  };
  constexpr std::size_t wide = matmul_shape<I>::wide;
  std::size_t n = 0;
  for (; n + wide <= batch; n += wide) step(std::integral_constant<std::size_t, wide>(), n);
  for (; n < batch; ++n) step(std::integral_constant<std::size_t, 1>(), n);
}

/// A panel of weights, already floats, times up to `matmul_shape::batch` activations.
template <vector_isa I>
void add_panel(const float* w, std::size_t w_stride, std::size_t rows, const float* x,
               std::size_t x_stride, std::size_t batch, std::size_t cols,
               typename lanes<I, float>::batch* sums) noexcept {
  std::size_t r = 0;
  if (batch == 1 && rows == 8) {
    add_tile<I>(std::make_index_sequence<8>(), std::make_index_sequence<1>(),
                std::make_index_sequence<8>(), w, w_stride, x, x_stride, cols, sums);
    return;
  }
  for (; r + 4 <= rows; r += 4) {
    add_tiles<I, 4>(w + r * w_stride, w_stride, x, x_stride, batch, cols, sums + r);
  }
  for (; r < rows; ++r) {
    add_tiles<I, 1>(w + r * w_stride, w_stride, x, x_stride, batch, cols, sums + r);
  }
}

template <vector_isa I, class Block>
MULTITUDES_NOINLINE void matmul_block(const weight_matrix& w, matrix_view<const float> x,
                                      std::size_t first_row, std::size_t last_row,
                                      matrix_view<float> y) noexcept {
  using lane = lanes<I, float>;
  using shape = matmul_shape<I>;
  typename lane::batch sums[shape::batch * shape::rows];  // (activation, row)
  const std::size_t row_bytes = w.row_bytes();
  for (std::size_t row = first_row; row < last_row; row += shape::rows) {
    const std::size_t rows = std::min(shape::rows, last_row - row);
    const std::byte* packed = w.data + row * row_bytes;
    for (std::size_t n = 0; n < x.rows(); n += shape::batch) {
      const std::size_t batch = std::min(shape::batch, x.rows() - n);
      const float* inputs = x.data() + n * x.stride();
      std::fill_n(sums, batch * shape::rows, lane::all(0));
      if constexpr (std::same_as<Block, f32_block>) {
        // Only ever read by vector loads and byte copies, so the alignment does not matter.
        add_panel<I>(reinterpret_cast<const float*>(packed), w.cols, rows, inputs, x.stride(),
                     batch, w.cols, sums);
      } else {
        for (std::size_t c = 0; c < w.cols; c += shape::cols) {
          float panel[shape::rows * shape::cols];
          const std::size_t cols = std::min(shape::cols, w.cols - c);
          const std::size_t offset = c / Block::elements * Block::bytes;
          for (std::size_t r = 0; r < rows; ++r) {
            Block::template unpack<I>(packed + r * row_bytes + offset, cols,
                                      panel + r * shape::cols);
          }
          add_panel<I>(panel, shape::cols, rows, inputs + c, x.stride(), batch, cols, sums);
        }
      }
      for (std::size_t i = 0; i < batch; ++i) {
        float* out = y.data() + (n + i) * y.stride() + row;
        for (std::size_t r = 0; r < rows; ++r) out[r] = lane::sum(sums[i * shape::rows + r]);
      }
    }
  }
}

template <std::same_as<scalar> I, class Block>
MULTITUDES_NOINLINE void matmul_block(const weight_matrix& w, matrix_view<const float> x,
                                      std::size_t first_row, std::size_t last_row,
                                      matrix_view<float> y) noexcept {
  for (std::size_t r = first_row; r < last_row; ++r) {
    for (std::size_t n = 0; n < x.rows(); ++n) {
      float sum = 0;
      for (std::size_t c = 0; c < w.cols; c += Block::elements) {
        float weights[Block::elements];
        Block::template unpack<I>(w.row(r) + c / Block::elements * Block::bytes, Block::elements,
                                  weights);
        for (std::size_t i = 0; i < Block::elements; ++i) sum += weights[i] * x.row(n)[c + i];
      }
      y.row(n)[r] = sum;
    }
  }
}

}  // namespace detail

/// `y[n][r]` = the dot product of weight row r and activation n, for first_row <= r < last_row.
/// One activation is matrix times vector; a caller splits work over threads by rows.
///
/// Shapes:  w (rows, cols); x (n, cols); y (n, rows), only the given columns are written.
/// Bits:    the same for any n, any split into rows and any stride; those of the unpacked
///          weights as F32.
/// Cost:    n * cols * (last_row - first_row) multiply-adds, each row unpacked once for every 16
///          activations; about 17 KiB of stack, no allocation.
template <instruction_set I>
void matmul(const weight_matrix& w, matrix_view<const float> x, std::size_t first_row,
            std::size_t last_row, matrix_view<float> y) noexcept {
  with_block(w.format, [&](auto block) {
    detail::matmul_block<I, decltype(block)>(w, x, first_row, last_row, y);
  });
}

}  // namespace multitudes::simd
