// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/detail/product_engine.hpp>

#include <bit>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace multitudes::simd::detail {

template <class Engine>
struct product_shape {
  static constexpr std::size_t vector = Engine::panel_width / 2;
  static constexpr std::size_t rows = Engine::tile_rows;
  static constexpr std::size_t padded_rows = (rows + vector - 1) / vector * vector;
};

/// How a block of the left operand lies: (rows, depth), where 1 KiB of the depth fits.
struct by_rows {
  template <class Engine>
  static constexpr std::size_t row_step = 1024 / sizeof(typename Engine::left);
  template <class Engine>
  static constexpr std::size_t depth_step = 1;
};
/// Or (depth, rows): packed and padded to whole vectors, or in place with any stride.
struct by_depth {
  template <class Engine>
  static constexpr std::size_t row_step = 1;
  template <class Engine>
  static constexpr std::size_t depth_step = product_shape<Engine>::padded_rows;
};

/// What a tile does besides multiplying: nothing, as a rule.
struct nothing_else {
  static constexpr std::size_t interval = 0;  // units between two calls
  MULTITUDES_ALWAYS_INLINE void operator()() noexcept {}
};

/// Packs the panel, unit by unit, in the shade of the first tile's multiply-adds.
template <class Engine>
struct packing_panel {
  using value = typename Engine::value;
  static constexpr std::size_t interval = 1;
  static constexpr value zeros[Engine::panel_width] = {};
  matrix_view<const value> rows;
  typename Engine::unit* to;

  MULTITUDES_ALWAYS_INLINE void operator()() noexcept {
    const value* first = rows.data();
    const value* second = rows.rows() > 1 ? first + rows.stride() : zeros;
    Engine::right_units(first, second, Engine::panel_width, to);
    const std::size_t taken = rows.rows() > 1 ? Engine::depth_per_unit : 1;
    rows = rows.rows(taken, rows.rows() - taken);
    to += Engine::panel_width;
  }
};

/// Asks for rows that will be read later, a few cache lines at a time: asked for at once, they
/// would stop the multiply-adds.
template <class T>
struct fetching_rows {
  static constexpr std::size_t interval = 16;
  static constexpr std::size_t line = 64 / sizeof(T);
  matrix_view<const T> rows;
  matrix_view<const T> later;
  std::size_t lines;  // at a time
  std::size_t col = 0;

  MULTITUDES_ALWAYS_INLINE void fetch_line() noexcept {
    if (rows.rows() == 0) return;
    prefetch(rows.data() + col);
    col += line;
    if (col < rows.cols()) return;
    rows = rows.rows(1, rows.rows() - 1);
    col = 0;
    if (rows.rows() == 0) rows = std::exchange(later, {});
  }
  MULTITUDES_ALWAYS_INLINE void operator()() noexcept {
    for (std::size_t i = 0; i < lines; ++i) fetch_line();
  }
};

/// Packs the left operand for tiles to come while the first one reads it in place.
template <class Engine>
struct packing_left {
  using value = typename Engine::value;
  static constexpr std::size_t interval = 1;
  const value* from;
  std::size_t stride;
  value* to;
  fetching_rows<value>* ahead;

  MULTITUDES_ALWAYS_INLINE void operator()() noexcept {
    constexpr std::size_t step = product_shape<Engine>::padded_rows;
    Engine::left_units(from, from, step, step, to);
    from += stride;
    to += step;
    ahead->fetch_line();
  }
};

template <class Engine, std::size_t... v>
MULTITUDES_ALWAYS_INLINE void add_row(std::index_sequence<v...>, typename Engine::left a,
                                      const typename Engine::right* b,
                                      typename Engine::batch* sums) noexcept {
  const auto factor = Engine::all(a);
  ((sums[v] = Engine::add(factor, b[v], sums[v])), ...);
}

template <class Engine, class Layout, std::size_t part, std::size_t... r, std::size_t... v>
MULTITUDES_ALWAYS_INLINE void add_part(std::index_sequence<r...>, std::index_sequence<v...> vectors,
                                       const typename Engine::left* a,
                                       const typename Engine::unit* b,
                                       typename Engine::batch* sums) noexcept {
  constexpr std::size_t vector = product_shape<Engine>::vector;
  constexpr std::size_t row_step = Layout::template row_step<Engine>;
  // The last part of a unit is the first along the depth.
  constexpr std::size_t skip = (Engine::parts - 1 - part) * Layout::template depth_step<Engine>;
  const typename Engine::right rights[] = {Engine::template load<part>(b + v * vector)...};
  (add_row<Engine>(vectors, a[r * row_step + skip], rights, sums + r * sizeof...(v)), ...);
}

/// `c` (rows, vectors of columns) = or += a block of `a`, units of the depth `a_step` apart, times
/// a part of a panel.
template <class Engine, class Layout, class Besides, std::size_t... r, std::size_t... v,
          std::size_t... k, std::size_t... part>
MULTITUDES_NOINLINE void product_tile(std::index_sequence<r...> rows,
                                      std::index_sequence<v...> vectors, std::index_sequence<k...>,
                                      std::index_sequence<part...>, const typename Engine::left* a,
                                      std::size_t a_step, const typename Engine::unit* b,
                                      std::size_t units, typename Engine::value* c,
                                      std::size_t c_stride, bool from_zero,
                                      Besides& besides) noexcept {
  using lane = typename Engine::lane;
  constexpr std::size_t vector = product_shape<Engine>::vector;
  constexpr std::size_t n = sizeof...(v);
  typename Engine::batch sums[] = {(static_cast<void>(k), lane::all(0))...};
  if (!from_zero) {
    const typename Engine::value* from = c;
    ((sums[k] = lane::load(from + k % n * vector), from += k % n + 1 == n ? c_stride : 0), ...);
  }
  while (units != 0) {
    const std::size_t some =
        Besides::interval != 0 && Besides::interval < units ? Besides::interval : units;
    units -= some;
    besides();
    for (std::size_t i = 0; i < some; ++i) {
      (add_part<Engine, Layout, part>(rows, vectors, a, b, sums), ...);
      a += a_step;
      b += Engine::panel_width;
    }
  }
  ((lane::store(c + k % n * vector, sums[k]), c += k % n + 1 == n ? c_stride : 0), ...);
}

template <class Engine, class Layout, std::size_t Rows, std::size_t Vectors, class Besides>
void product_tile(const typename Engine::left* a, std::size_t a_step,
                  const typename Engine::unit* b, std::size_t units, typename Engine::value* c,
                  std::size_t c_stride, bool from_zero, Besides& besides) noexcept {
  product_tile<Engine, Layout>(
      std::make_index_sequence<Rows>(), std::make_index_sequence<Vectors>(),
      std::make_index_sequence<Rows * Vectors>(), std::make_index_sequence<Engine::parts>(), a,
      a_step, b, units, c, c_stride, from_zero, besides);
}

/// The whole register tile, or smaller ones by the binary digits of `rows`.
template <class Engine, class Layout, std::size_t Vectors>
void product_rows(std::size_t rows, const typename Engine::left* a, std::size_t a_step,
                  const typename Engine::unit* b, std::size_t units, typename Engine::value* c,
                  std::size_t c_stride, bool from_zero) noexcept {
  constexpr std::size_t most = product_shape<Engine>::rows;
  nothing_else none;
  const auto step = [&]<std::size_t Rows>(std::integral_constant<std::size_t, Rows>,
                                          std::size_t r) {
    product_tile<Engine, Layout, Rows, Vectors>(a + r * Layout::template row_step<Engine>, a_step,
                                                b, units, c + r * c_stride, c_stride, from_zero,
                                                none);
  };
  if (rows == most) {
    step(std::integral_constant<std::size_t, most>(), 0);
    return;
  }
  [&]<std::size_t... digit>(std::index_sequence<digit...>) {
    ((rows & (std::size_t{1} << digit)
          ? step(std::integral_constant<std::size_t, std::size_t{1} << digit>(),
                 rows & ((std::size_t{1} << digit) - 1))
          : void()),
     ...);
  }(std::make_index_sequence<std::bit_width(most - 1)>());
}

/// As `product_rows`, for `cols` columns of one panel.
template <class Engine, class Layout>
void product_panel(std::size_t rows, std::size_t cols, const typename Engine::left* a,
                   std::size_t a_step, const typename Engine::unit* b, std::size_t units,
                   typename Engine::value* c, std::size_t c_stride, bool from_zero) noexcept {
  using value = typename Engine::value;
  constexpr std::size_t width = Engine::panel_width;
  if (cols == width) {
    product_rows<Engine, Layout, 2>(rows, a, a_step, b, units, c, c_stride, from_zero);
    return;
  }
  using lane = typename Engine::lane;
  constexpr std::size_t vector = product_shape<Engine>::vector;
  alignas(64) value edge[product_shape<Engine>::rows * width];
  for (std::size_t r = 0; r < rows && !from_zero; ++r) {
    for (std::size_t v = 0; v < cols; v += vector) {
      const value* from = c + r * c_stride + v;
      const std::size_t n = cols - v;
      lane::store(edge + r * width + v, n < vector ? lane::load_part(from, n) : lane::load(from));
    }
  }
  if (cols > width / 2) {
    product_rows<Engine, Layout, 2>(rows, a, a_step, b, units, edge, width, from_zero);
  } else {
    product_rows<Engine, Layout, 1>(rows, a, a_step, b, units, edge, width, from_zero);
  }
  for (std::size_t r = 0; r < rows; ++r) {
    lane_copy<lane>(edge + r * width, cols, c + r * c_stride);
  }
}

}  // namespace multitudes::simd::detail
