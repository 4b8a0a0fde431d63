// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/simd/detail/product_engine.hpp>
#include <multitudes/simd/detail/product_tile.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/packing.hpp>
#include <multitudes/simd/product_precision.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace multitudes::simd {

namespace detail {

// Every element of the result is one chain of multiply-adds along the depth, from the first to
// the last, that starts at zero or at the old element. Blocks of the depth put the chain down in
// `c` and take it up again, which rounds nothing. Hence tiles, edges, strides and threads cannot
// change a bit.

template <instruction_set I, product_precision P, class Engine = product_engine<I, P>>
struct blocked_product {
  using value = typename P::value;
  using unit = typename P::unit;
  using shape = product_shape<Engine>;
  using left = typename Engine::left;
  static constexpr std::size_t width = Engine::panel_width;

  static constexpr std::size_t units_of(std::size_t depth) noexcept {
    return (depth + Engine::depth_per_unit - 1) / Engine::depth_per_unit;
  }

  static MULTITUDES_NOINLINE void multiply(matrix_view<const value> a, packed_matrix<P> b,
                                           matrix_view<value> c, bool accumulate) noexcept {
    constexpr std::size_t most_lefts = by_rows::row_step<Engine>;
    constexpr std::size_t most_depth = most_lefts / Engine::parts * Engine::depth_per_unit;
    alignas(64) left block[shape::rows * most_lefts];
    // Blocks of about one depth: a short last one would mostly load and store `c`.
    const std::size_t n_blocks = (b.depth + most_depth - 1) / most_depth;
    const std::size_t block_depth =
        n_blocks == 0 ? 0 : units_of((b.depth + n_blocks - 1) / n_blocks) * Engine::depth_per_unit;
    // Panels that stay in the second cache while all rows pass.
    const std::size_t panel_bytes = units_of(b.depth) * width * sizeof(unit);
    const std::size_t group =
        std::max<std::size_t>(4, (std::size_t{3} << 18) / std::max<std::size_t>(panel_bytes, 1)) *
        width;
    for (std::size_t first = 0; first < b.width; first += group) {
      const std::size_t last = std::min(first + group, b.width);
      for (std::size_t r = 0; r < a.rows(); r += shape::rows) {
        const std::size_t rows = std::min(shape::rows, a.rows() - r);
        for (std::size_t k = 0; k < b.depth; k += block_depth) {
          const std::size_t depth = std::min(block_depth, b.depth - k);
          for (std::size_t i = 0; i < rows; ++i) {
            Engine::left_row(a.data() + ((r + i) * a.stride() + k), depth, block + i * most_lefts);
          }
          const unit* panel =
              b.data + first / width * b.panel_stride + k / Engine::depth_per_unit * width;
          for (std::size_t col = first; col < last; col += width, panel += b.panel_stride) {
            product_panel<Engine, by_rows>(
                rows, std::min(width, last - col), block, Engine::parts, panel, units_of(depth),
                c.data() + (r * c.stride() + col), c.stride(), !accumulate && k == 0);
          }
        }
      }
    }
  }

  /// All tiles at once, so that `a` is read row by row.
  static void pack_left(matrix_view<const value> a, std::size_t tile_lefts, left* out) noexcept {
    constexpr std::size_t step = shape::padded_rows;
    static constexpr value zeros[step] = {};
    for (std::size_t k = 0; k < a.rows();
         k += Engine::depth_per_unit, out += Engine::parts * step) {
      const value* first = a.data() + k * a.stride();
      const bool alone = k + 1 == a.rows();
      left* to = out;
      for (std::size_t r = 0; r < a.cols(); r += shape::rows, to += tile_lefts) {
        const value* second = alone ? zeros : first + a.stride() + r;
        if (r + step <= a.cols()) {
          Engine::left_units(first + r, second, step, step, to);
        } else {
          Engine::left_units(first + r, second, a.cols() - r, step, to);
        }
      }
    }
  }

  // The left operand stays in the second cache, packed for all tiles of rows; one panel of the
  // right one at a time goes through the first cache, always at the same place. Where the engine
  // multiplies what is in memory, the first panel's tiles read the left operand in place and pack
  // it for the others.
  static MULTITUDES_NOINLINE void add_transposed(matrix_view<const value> a,
                                                 matrix_view<const value> b,
                                                 matrix_view<value> c) noexcept {
    constexpr std::size_t lefts_of_row = 768 / sizeof(left);
    constexpr std::size_t most_units = lefts_of_row / Engine::parts;
    constexpr std::size_t most_depth = most_units * Engine::depth_per_unit;
    constexpr std::size_t most_tiles =
        std::size_t{144} * 1024 / (lefts_of_row * sizeof(left)) / shape::padded_rows;
    constexpr std::size_t most_rows = most_tiles * shape::rows;
    constexpr std::size_t packed_step = Engine::parts * shape::padded_rows;
    alignas(64) left lefts[most_tiles * shape::padded_rows * lefts_of_row];
    alignas(64) unit rights[most_units * width];
    const bool is_one_panel = b.cols() <= width;
    for (std::size_t k = 0; k < a.rows(); k += most_depth) {
      const std::size_t depth = std::min(most_depth, a.rows() - k);
      const std::size_t units = units_of(depth);
      const std::size_t tile_lefts = units * packed_step;
      fetching_rows<value> ahead = rows_ahead(a, b, k + depth, most_depth, units);
      for (std::size_t top = 0; top < a.cols(); top += most_rows) {
        const std::size_t rows = std::min(most_rows, a.cols() - top);
        const matrix_view<const value> block = a.rows(k, depth).cols(top, rows);
        const std::size_t in_place = columns_in_place(rows, is_one_panel);
        pack_left(block.cols(in_place, rows - in_place), tile_lefts,
                  lefts + in_place / shape::rows * tile_lefts);
        for (std::size_t col = 0; col < b.cols(); col += width) {
          const std::size_t cols = std::min(width, b.cols() - col);
          const matrix_view<const value> right = b.rows(k, depth).cols(col, cols);
          bool is_right_packed = false;
          for (std::size_t r = 0; r < rows; r += shape::rows) {
            const std::size_t some = std::min(shape::rows, rows - r);
            const bool is_whole = some == shape::rows && cols == width;
            const bool reads_in_place = col == 0 && r < in_place;
            left* packed = lefts + r / shape::rows * tile_lefts;
            const left* from = packed;
            std::size_t step = packed_step;
            if constexpr (Engine::reads_in_place) {
              if (reads_in_place) from = block.data() + r, step = a.stride();
            }
            value* to = c.data() + ((top + r) * c.stride() + col);
            if (is_whole && !is_right_packed && (is_one_panel || !reads_in_place)) {
              packing_panel<Engine> packing{right, rights};
              product_tile<Engine, by_depth, shape::rows, 2>(from, step, rights, units, to,
                                                             c.stride(), false, packing);
              is_right_packed = true;
              continue;
            }
            if (!is_right_packed) pack_panel<I, P>(right, rights);
            is_right_packed = true;
            if (!is_whole) {
              product_panel<Engine, by_depth>(some, cols, from, step, rights, units, to, c.stride(),
                                              false);
              continue;
            }
            if constexpr (Engine::reads_in_place) {
              if (reads_in_place && !is_one_panel) {
                packing_left<Engine> packing{from, step, packed, &ahead};
                product_tile<Engine, by_depth, shape::rows, 2>(from, step, rights, units, to,
                                                               c.stride(), false, packing);
                continue;
              }
            }
            product_tile<Engine, by_depth, shape::rows, 2>(from, step, rights, units, to,
                                                           c.stride(), false, ahead);
          }
        }
      }
    }
  }

  /// How many columns of the left operand, in whole tiles, can be read in place. Those that are
  /// packed on the way must have all of a padded tile.
  static constexpr std::size_t columns_in_place(std::size_t cols, bool is_one_panel) noexcept {
    if (!Engine::reads_in_place) return 0;
    if (is_one_panel) return cols;
    return cols < shape::padded_rows
               ? 0
               : ((cols - shape::padded_rows) / shape::rows + 1) * shape::rows;
  }

  /// The next rows of both operands, to be fetched in equal portions by tiles of the current ones.
  static fetching_rows<value> rows_ahead(matrix_view<const value> a, matrix_view<const value> b,
                                         std::size_t first, std::size_t most,
                                         std::size_t units) noexcept {
    if (first >= b.rows()) return {{}, {}, 0};
    const std::size_t count = std::min(most, b.rows() - first);
    const std::size_t line = fetching_rows<value>::line;
    const std::size_t lines = count * ((a.cols() + line - 1) / line + (b.cols() + line - 1) / line);
    const std::size_t tiles = std::max<std::size_t>(1, a.cols() / shape::rows) *
                              std::max<std::size_t>(1, b.cols() / width);
    const std::size_t calls = tiles * (units / fetching_rows<value>::interval + 1);
    return {a.rows(first, count), b.rows(first, count), (lines + calls - 1) / calls};
  }
};

template <product_precision P>
struct blocked_product<scalar, P> {
  using value = typename P::value;
  using engine = product_engine<scalar, P>;

  static MULTITUDES_NOINLINE void multiply(matrix_view<const value> a, packed_matrix<P> b,
                                           matrix_view<value> c, bool accumulate) noexcept {
    constexpr std::size_t width = engine::panel_width;
    for (std::size_t r = 0; r < a.rows(); ++r) {
      const std::span<const value> row = a.row(r);
      for (std::size_t j = 0; j < b.width; ++j) {
        const typename P::unit* column = b.data + j / width * b.panel_stride + j % width;
        value sum = accumulate ? c.row(r)[j] : value(0);
        for (std::size_t k = 0; k < b.depth; k += engine::depth_per_unit, column += width) {
          const value second = k + 1 < b.depth ? row[k + 1] : value(0);
          sum = engine::add(engine::make(row[k], second), *column, sum);
        }
        c.row(r)[j] = sum;
      }
    }
  }

  static MULTITUDES_NOINLINE void add_transposed(matrix_view<const value> a,
                                                 matrix_view<const value> b,
                                                 matrix_view<value> c) noexcept {
    const auto unit = [](matrix_view<const value> m, std::size_t k, std::size_t col) {
      return engine::make(m.row(k)[col], k + 1 < m.rows() ? m.row(k + 1)[col] : value(0));
    };
    for (std::size_t r = 0; r < a.cols(); ++r) {
      for (std::size_t j = 0; j < b.cols(); ++j) {
        value sum = c.row(r)[j];
        for (std::size_t k = 0; k < a.rows(); k += engine::depth_per_unit) {
          sum = engine::add(unit(a, k, r), unit(b, k, j), sum);
        }
        c.row(r)[j] = sum;
      }
    }
  }
};

}  // namespace detail

/// `c` = `a` times `b`, or `c` += it: tall activations times packed weights.
///
/// Shapes:  a (rows, b.depth); b (b.depth, b.width); c (rows, b.width); not overlapping.
/// Bits:    an element depends on its row, its column and, if `accumulate`, its old value; not on
///          the other rows and columns of the call, nor on strides. Full precision: a sum along
///          the depth from the first to the last, fused where the set has a fused multiply-add.
///          bf16: the same sum with each pair's second before its first, equal for all sets, but
///          for the dot product of some processors, which takes subnormal numbers for zeros.
/// Cost:    rows * depth * width multiply-adds; about 20 KiB of stack, no allocation.
template <instruction_set I, product_precision P>
void multiply(matrix_view<const typename P::value> a, packed_matrix<P> b,
              matrix_view<typename P::value> c, bool accumulate = false) noexcept {
  if (b.depth == 0 && !accumulate) {
    for (std::size_t r = 0; r < a.rows(); ++r) {
      std::fill_n(c.data() + r * c.stride(), b.width, typename P::value(0));
    }
    return;
  }
  detail::blocked_product<I, P>::multiply(a, b, c, accumulate);
}

/// `c` += the transpose of `a` times `b`: gradients of weights. A caller splits work over threads
/// by tiles of `c`: columns of `a`, columns of `b` and a part of `c`.
///
/// Shapes:  a (rows, m); b (rows, n); c (m, n); not overlapping.
/// Bits:    as of an accumulating `multiply` whose depth is the rows.
/// Cost:    rows * m * n multiply-adds; about 175 KiB of stack, no allocation. Both inputs are
///          read and packed for each tile of `c`: best is m = 168 with AVX-512 (a multiple of 14,
///          or of 6 elsewhere) and n = 256; tiles below 64 x 64 are slow.
template <instruction_set I, product_precision P>
void add_transposed_product(matrix_view<const typename P::value> a,
                            matrix_view<const typename P::value> b,
                            matrix_view<typename P::value> c) noexcept {
  detail::blocked_product<I, P>::add_transposed(a, b, c);
}

}  // namespace multitudes::simd
