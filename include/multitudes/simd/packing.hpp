// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/simd/detail/product_engine.hpp>
#include <multitudes/simd/detail/transpose.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/product_precision.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace multitudes::simd {

/// A matrix (depth, width) packed as the right operand of a product, for one instruction set.
///
/// Layout:  (n_panels, units of the depth, panel_width) units, the panels `panel_stride` apart.
///          A unit is a value, or two bf16 neighbors along the depth, the first in the low half.
/// Lifetime: a view; the memory is the caller's.
template <product_precision P>
struct packed_matrix {
  const typename P::unit* data = nullptr;
  std::size_t depth = 0;
  std::size_t width = 0;
  std::size_t panel_stride = 0;  // in units

  /// The top left part, the same memory. With bf16, `depth` is even or the whole.
  [[nodiscard]] packed_matrix first(std::size_t part_depth, std::size_t part_width) const noexcept {
    return {data, part_depth, part_width, panel_stride};
  }
};

/// The columns that one panel holds.
template <instruction_set I, product_precision P>
inline constexpr std::size_t panel_width = detail::product_engine<I, P>::panel_width;

/// The rows of a result that are computed at a time: results of a multiple of it are fastest.
template <instruction_set I, product_precision P>
inline constexpr std::size_t register_rows = detail::product_engine<I, P>::tile_rows;

template <instruction_set I, product_precision P>
[[nodiscard]] constexpr std::size_t n_panels(std::size_t width) noexcept {
  return (width + panel_width<I, P> - 1) / panel_width<I, P>;
}

namespace detail {

template <instruction_set I, product_precision P>
constexpr std::size_t panel_units(std::size_t depth) noexcept {
  constexpr std::size_t per_unit = product_engine<I, P>::depth_per_unit;
  return (depth + per_unit - 1) / per_unit * panel_width<I, P>;
}

/// One panel of a matrix (depth, columns).
template <instruction_set I, product_precision P>
MULTITUDES_NOINLINE void pack_panel(matrix_view<const typename P::value> b,
                                    typename P::unit* out) noexcept {
  using value = typename P::value;
  using engine = product_engine<I, P>;
  constexpr std::size_t width = engine::panel_width, per_unit = engine::depth_per_unit;
  const value zeros[width] = {};
  for (std::size_t k = 0; k < b.rows(); k += per_unit, out += width) {
    const value* first = b.data() + k * b.stride();
    const value* second = k + 1 < b.rows() ? first + b.stride() : zeros;
    if (b.cols() == width) {
      engine::right_units(first, second, width, out);
    } else {
      engine::right_units(first, second, b.cols(), out);
      std::fill(out + b.cols(), out + width, typename P::unit(0));
    }
  }
}

/// One panel of the transpose of a matrix (columns, depth).
template <instruction_set I, product_precision P>
MULTITUDES_NOINLINE void pack_transposed_panel(matrix_view<const typename P::value> b,
                                               typename P::unit* out) noexcept {
  using unit = typename P::unit;
  using engine = product_engine<I, P>;
  constexpr std::size_t width = engine::panel_width, per_unit = engine::depth_per_unit;
  constexpr std::size_t block = 16;  // units, so that a block of `out` stays in the first cache
  for (std::size_t k = 0; k < b.cols(); k += block * per_unit, out += block * width) {
    const std::size_t depth = std::min(block * per_unit, b.cols() - k);
    const std::size_t units = (depth + per_unit - 1) / per_unit;
    if constexpr (per_unit == 1) {
      transpose<I>(b.data() + k, b.stride(), b.rows(), units, out, width);
    } else {
      unit columns[width * block];
      for (std::size_t j = 0; j < b.rows(); ++j) {
        engine::right_column(b.data() + j * b.stride() + k, depth, columns + j * block);
      }
      transpose<I>(columns, block, b.rows(), units, out, width);
    }
    for (std::size_t u = 0; u < units && b.rows() < width; ++u) {
      std::fill(out + u * width + b.rows(), out + (u + 1) * width, unit(0));
    }
  }
}

}  // namespace detail

/// The units that a packed matrix (depth, width) takes. Not checked for overflow: the shape is
/// that of a matrix which exists.
template <instruction_set I, product_precision P>
[[nodiscard]] constexpr std::size_t packed_units(std::size_t depth, std::size_t width) noexcept {
  return n_panels<I, P>(width) * detail::panel_units<I, P>(depth);
}

/// What `pack` or `pack_transposed` for the same `I` and `P` wrote into `units`.
template <instruction_set I, product_precision P>
[[nodiscard]] constexpr packed_matrix<P> packed_view(std::span<const typename P::unit> units,
                                                     std::size_t depth,
                                                     std::size_t width) noexcept {
  return {units.data(), depth, width, detail::panel_units<I, P>(depth)};
}

/// Packs panels [first_panel, last_panel) of `b`, so that threads can share the work. Columns
/// beyond the width become zeros.
///
/// Shapes:  b (depth, width); out (packed_units(depth, width)), of which only the given panels
///          are written.
/// Cost:    each element read once and written once; no allocation. A multiple of 64 bytes as
///          the address of `out` makes products faster.
template <instruction_set I, product_precision P>
void pack(matrix_view<const typename P::value> b, std::size_t first_panel, std::size_t last_panel,
          std::span<typename P::unit> out) noexcept {
  const std::size_t stride = detail::panel_units<I, P>(b.rows());
  for (std::size_t panel = first_panel; panel < last_panel; ++panel) {
    const std::size_t col = panel * panel_width<I, P>;
    const std::size_t cols = std::min(panel_width<I, P>, b.cols() - col);
    detail::pack_panel<I, P>(b.cols(col, cols), out.data() + panel * stride);
  }
}

/// As `pack`, of the transpose of `b`.
///
/// Shapes:  b (width, depth); out (packed_units(depth, width)).
template <instruction_set I, product_precision P>
void pack_transposed(matrix_view<const typename P::value> b, std::size_t first_panel,
                     std::size_t last_panel, std::span<typename P::unit> out) noexcept {
  const std::size_t stride = detail::panel_units<I, P>(b.cols());
  for (std::size_t panel = first_panel; panel < last_panel; ++panel) {
    const std::size_t col = panel * panel_width<I, P>;
    const std::size_t cols = std::min(panel_width<I, P>, b.rows() - col);
    detail::pack_transposed_panel<I, P>(b.rows(col, cols), out.data() + panel * stride);
  }
}

}  // namespace multitudes::simd
