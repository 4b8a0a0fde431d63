// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace multitudes::simd {

// One row against many that stand elsewhere: the one is read once for several of the many, and
// written once for all of them.

/// `out[r]` is `dot(rows.row(r), x)`, bit for bit.
///
/// Shapes:  rows (n, model_dim), x (model_dim), out (n).
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void multi_dot(matrix_view<const T> rows, std::span<const T> x,
                                   std::span<T> out) noexcept {
  for (std::size_t r = 0; r < out.size(); ++r) {
    T sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += rows.row(r)[i] * x[i];
    out[r] = sum;
  }
}

namespace detail {

/// `Count` products at once, each with the four sums of `dot`.
template <vector_isa I, std::floating_point T, std::size_t Count>
MULTITUDES_ALWAYS_INLINE void dot_together(const T* first, std::size_t stride, std::span<const T> x,
                                           T* out) noexcept {
  using lane = lanes<I, T>;
  using batch = typename lane::batch;
  const std::size_t n = x.size();
  batch sums[Count][4];
  for (auto& of_row : sums) {
    for (auto& s : of_row) s = lane::all(0);
  }
  std::size_t i = 0;
  for (; i + 4 * lane::count <= n; i += 4 * lane::count) {
    batch part[4];
    for (std::size_t k = 0; k < 4; ++k) part[k] = lane::load(x.data() + i + k * lane::count);
    for (std::size_t r = 0; r < Count; ++r) {
      const T* row = first + r * stride + i;
      for (std::size_t k = 0; k < 4; ++k) {
        sums[r][k] = lane::fma(lane::load(row + k * lane::count), part[k], sums[r][k]);
      }
    }
  }
  for (; i + lane::count <= n; i += lane::count) {
    const batch part = lane::load(x.data() + i);
    for (std::size_t r = 0; r < Count; ++r) {
      sums[r][0] = lane::fma(lane::load(first + r * stride + i), part, sums[r][0]);
    }
  }
  if (i < n) {
    const batch part = lane::load_part(x.data() + i, n - i);
    for (std::size_t r = 0; r < Count; ++r) {
      sums[r][1] = lane::fma(lane::load_part(first + r * stride + i, n - i), part, sums[r][1]);
    }
  }
  for (std::size_t r = 0; r < Count; ++r) {
    out[r] = lane::sum((sums[r][0] + sums[r][1]) + (sums[r][2] + sums[r][3]));
  }
}

/// How many products fit into the registers: 32 of 512 bits, 16 otherwise.
template <vector_isa I, std::floating_point T>
inline constexpr std::size_t dots_together = sizeof(typename lanes<I, T>::batch) >= 64 ? 4 : 2;

}  // namespace detail

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void multi_dot(matrix_view<const T> rows, std::span<const T> x,
                                   std::span<T> out) noexcept {
  constexpr std::size_t together = detail::dots_together<I, T>;
  std::size_t r = 0;
  for (; r + together <= out.size(); r += together) {
    detail::dot_together<I, T, together>(rows.row(r).data(), rows.stride(), x, out.data() + r);
  }
  for (; r < out.size(); ++r) {
    detail::dot_together<I, T, 1>(rows.row(r).data(), rows.stride(), x, out.data() + r);
  }
}

/// A row and how much of it.
template <std::floating_point T>
struct scaled_row {
  T factor = 0;
  const T* row = nullptr;
};

/// `y[i] += factor * row[i]` for each of the terms in turn. With the factor 1 a term is what `add`
/// gives, bit for bit. No row may overlap `y`.
///
/// Shapes:  y (model_dim); each row (model_dim).
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void multi_axpy(std::span<const scaled_row<T>> terms, std::span<T> y) noexcept {
  for (std::size_t i = 0; i < y.size(); ++i) {
    for (const scaled_row<T>& t : terms) y[i] += t.factor * t.row[i];
  }
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void multi_axpy(std::span<const scaled_row<T>> terms, std::span<T> y) noexcept {
  using lane = detail::lanes<I, T>;
  constexpr std::size_t wide = 4 * lane::count;
  const std::size_t n = y.size();
  T* to = y.data();
  std::size_t i = 0;
  for (; i + wide <= n; i += wide) {
    auto y0 = lane::load(to + i), y1 = lane::load(to + i + lane::count);
    auto y2 = lane::load(to + i + 2 * lane::count), y3 = lane::load(to + i + 3 * lane::count);
    for (const scaled_row<T>& t : terms) {
      const auto factor = lane::all(t.factor);
      const T* from = t.row + i;
      y0 = lane::fma(factor, lane::load(from), y0);
      y1 = lane::fma(factor, lane::load(from + lane::count), y1);
      y2 = lane::fma(factor, lane::load(from + 2 * lane::count), y2);
      y3 = lane::fma(factor, lane::load(from + 3 * lane::count), y3);
    }
    lane::store(to + i, y0);
    lane::store(to + i + lane::count, y1);
    lane::store(to + i + 2 * lane::count, y2);
    lane::store(to + i + 3 * lane::count, y3);
  }
  for (; i + lane::count <= n; i += lane::count) {
    auto sum = lane::load(to + i);
    for (const scaled_row<T>& t : terms) {
      sum = lane::fma(lane::all(t.factor), lane::load(t.row + i), sum);
    }
    lane::store(to + i, sum);
  }
  if (i < n) {
    auto sum = lane::load_part(to + i, n - i);
    for (const scaled_row<T>& t : terms) {
      sum = lane::fma(lane::all(t.factor), lane::load_part(t.row + i, n - i), sum);
    }
    lane::store_part(to + i, n - i, sum);
  }
}

}  // namespace multitudes::simd
