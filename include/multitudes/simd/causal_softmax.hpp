// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/exp.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>

namespace multitudes::simd {

/// What is kept of a row's softmax: `p = exp(scale * score - shift) * factor`.
template <std::floating_point T>
struct softmax_row {
  T shift;
  T factor;
};

/// Softmax of `scale` times each row of a block of scores, where row r sees the columns up to and
/// with `first + r`; the others become 0. Scores are finite.
///
/// Shapes:  scores (rows, at least first + rows); kept (rows).
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void causal_softmax(matrix_view<T> scores, std::size_t first, T scale,
                                        std::span<softmax_row<T>> kept) noexcept {
  for (std::size_t r = 0; r < scores.rows(); ++r) {
    const std::span<T> row = scores.row(r);
    const std::span<T> seen = row.first(first + r + 1);
    const T shift = scale * max<I, T>(seen);
    T sum = 0;
    for (T& x : seen) sum += x = std::exp(scale * x - shift);
    kept[r] = {shift, T(1) / sum};
    for (T& x : seen) x *= kept[r].factor;
    std::ranges::fill(row.subspan(seen.size()), T(0));
  }
}

/// The way back: from scores and the gradient of their softmax, the softmax again and the gradient
/// of the scores, each in the place of its input.
///
/// Shapes:  as of `causal_softmax`, which left `kept`; gradients as scores.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void causal_softmax_backward(matrix_view<T> scores, matrix_view<T> gradients,
                                                 std::size_t first, T scale,
                                                 std::span<const softmax_row<T>> kept) noexcept {
  for (std::size_t r = 0; r < scores.rows(); ++r) {
    const std::span<T> p = scores.row(r);
    const std::span<T> d = gradients.row(r);
    const std::size_t seen = first + r + 1;
    T along = 0;
    for (std::size_t k = 0; k < seen; ++k) {
      p[k] = std::exp(scale * p[k] - kept[r].shift) * kept[r].factor;
      along += p[k] * d[k];
    }
    for (std::size_t k = 0; k < seen; ++k) d[k] = p[k] * (d[k] - along) * scale;
    std::ranges::fill(p.subspan(seen), T(0));
    std::ranges::fill(d.subspan(seen), T(0));
  }
}

namespace detail {

/// A few rows of a block side by side, because one row's chain of maximum, powers and sum is all
/// waiting.
template <vector_isa I, std::floating_point T, std::size_t Rows>
struct causal_rows {
  using lane = lanes<I, T>;
  using batch = typename lane::batch;
  std::size_t seen;  // by the first row; each sees one more than the one before
  std::size_t all;

  /// Calls `f(r, i, n)` for the vectors of each row, of which it sees n columns from i.
  template <class F>
  MULTITUDES_ALWAYS_INLINE void each(F f) const noexcept {
    std::size_t i = 0;
    for (; i + lane::count <= seen; i += lane::count) {
      for (std::size_t r = 0; r < Rows; ++r) f(r, i, lane::count);
    }
    for (; i < seen + Rows - 1; i += lane::count) {
      for (std::size_t r = 0; r < Rows; ++r) {
        f(r, i, i < seen + r ? std::min(lane::count, seen + r - i) : 0);
      }
    }
  }
  /// What a row does not see is `rest`.
  static MULTITUDES_ALWAYS_INLINE batch load(const T* row, std::size_t i, std::size_t n,
                                             T rest) noexcept {
    return n == lane::count ? lane::load(row + i) : lane::load_part(row + i, n, rest);
  }
  /// Also columns that the row does not see, where there is room: a whole vector can be loaded
  /// again at once.
  MULTITUDES_ALWAYS_INLINE void store(T* row, std::size_t i, std::size_t n,
                                      const batch& value) const noexcept {
    i + lane::count <= all ? lane::store(row + i, value) : lane::store_part(row + i, n, value);
  }
  void clear_unseen(matrix_view<T> rows) const noexcept {
    for (std::size_t r = 0; r < Rows; ++r) {
      std::size_t i = seen + r;
      T* x = rows.row(r).data();
      for (; i < all && i % lane::count != 0; ++i) x[i] = 0;
      for (; i + lane::count <= all; i += lane::count) lane::store(x + i, lane::all(0));
      for (; i < all; ++i) x[i] = 0;
    }
  }

  static MULTITUDES_ALWAYS_INLINE batch power(const batch& score, T scale, T shift) noexcept {
    return exp_of_negative_lanes<I, T>(lane::fma(score, lane::all(scale), lane::all(-shift)));
  }

  void forward(matrix_view<T> scores, T scale, softmax_row<T>* kept) const noexcept {
    T* x[Rows];
    batch largest[Rows], sums[Rows];
    for (std::size_t r = 0; r < Rows; ++r) {
      x[r] = scores.row(r).data();
      largest[r] = lane::all(x[r][0]);
      sums[r] = lane::all(0);
    }
    each([&](std::size_t r, std::size_t i, std::size_t n) {
      largest[r] = lane::max(load(x[r], i, n, x[r][0]), largest[r]);
    });
    for (std::size_t r = 0; r < Rows; ++r) kept[r].shift = scale * lane::largest(largest[r]);
    each([&](std::size_t r, std::size_t i, std::size_t n) {
      const batch p = power(load(x[r], i, n, x[r][0]), scale, kept[r].shift);
      store(x[r], i, n, p);
      sums[r] += n == lane::count ? p : lane::first(n, p);
    });
    for (std::size_t r = 0; r < Rows; ++r) kept[r].factor = T(1) / lane::sum(sums[r]);
    each([&](std::size_t r, std::size_t i, std::size_t n) {
      store(x[r], i, n, load(x[r], i, n, 0) * lane::all(kept[r].factor));
    });
    clear_unseen(scores);
  }

  void backward(matrix_view<T> scores, matrix_view<T> gradients, T scale,
                const softmax_row<T>* kept) const noexcept {
    T *x[Rows], *d[Rows];
    batch sums[Rows];
    for (std::size_t r = 0; r < Rows; ++r) {
      x[r] = scores.row(r).data();
      d[r] = gradients.row(r).data();
      sums[r] = lane::all(0);
    }
    each([&](std::size_t r, std::size_t i, std::size_t n) {
      const batch p =
          power(load(x[r], i, n, x[r][0]), scale, kept[r].shift) * lane::all(kept[r].factor);
      store(x[r], i, n, p);
      sums[r] = lane::fma(n == lane::count ? p : lane::first(n, p), load(d[r], i, n, 0), sums[r]);
    });
    T along[Rows];
    for (std::size_t r = 0; r < Rows; ++r) along[r] = lane::sum(sums[r]);
    each([&](std::size_t r, std::size_t i, std::size_t n) {
      const batch slope = load(d[r], i, n, 0) - lane::all(along[r]);
      store(d[r], i, n, load(x[r], i, n, 0) * slope * lane::all(scale));
    });
    clear_unseen(scores);
    clear_unseen(gradients);
  }
};

/// Calls `f(rows, r)` for groups of rows, r being the first's number; a group's size changes no
/// bits.
template <vector_isa I, std::floating_point T, class F>
MULTITUDES_ALWAYS_INLINE void over_causal_rows(matrix_view<T> scores, std::size_t first,
                                               F f) noexcept {
  constexpr std::size_t together = 4;
  std::size_t r = 0;
  for (; r + together <= scores.rows(); r += together) {
    f(causal_rows<I, T, together>{first + r + 1, scores.cols()}, r);
  }
  for (; r < scores.rows(); ++r) f(causal_rows<I, T, 1>{first + r + 1, scores.cols()}, r);
}

}  // namespace detail

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void causal_softmax(matrix_view<T> scores, std::size_t first, T scale,
                                        std::span<softmax_row<T>> kept) noexcept {
  detail::over_causal_rows<I, T>(scores, first, [&](const auto& rows, std::size_t r) {
    rows.forward(scores.rows(r, scores.rows() - r), scale, kept.data() + r);
  });
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void causal_softmax_backward(matrix_view<T> scores, matrix_view<T> gradients,
                                                 std::size_t first, T scale,
                                                 std::span<const softmax_row<T>> kept) noexcept {
  detail::over_causal_rows<I, T>(scores, first, [&](const auto& rows, std::size_t r) {
    const std::size_t left = scores.rows() - r;
    rows.backward(scores.rows(r, left), gradients.rows(r, left), scale, kept.data() + r);
  });
}

}  // namespace multitudes::simd
