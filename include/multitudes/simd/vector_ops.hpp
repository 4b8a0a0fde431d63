// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/isa.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <span>

namespace multitudes::simd {

// In this folder: `I` is the instruction set, spans that go together have the same length (not
// checked), nothing is aligned beyond its element, and every kernel is compiled once, out of
// line, so that no call site can round differently. -ffast-math voids what is said of bits,
// infinities and NaN.

/// The sum of `a[i] * b[i]`; 0 for nothing. Its order of summation depends on the length alone.
template <std::same_as<scalar> I, std::floating_point T>
[[nodiscard]] MULTITUDES_NOINLINE T dot(std::span<const T> a, std::span<const T> b) noexcept {
  T sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

template <vector_isa I, std::floating_point T>
[[nodiscard]] MULTITUDES_NOINLINE T dot(std::span<const T> a, std::span<const T> b) noexcept {
  using lane = detail::lanes<I, T>;
  const std::size_t n = a.size();
  const T* x = a.data();
  const T* y = b.data();
  // Four sums hide the latency of the multiply-add.
  auto s0 = lane::all(0), s1 = lane::all(0), s2 = lane::all(0), s3 = lane::all(0);
  std::size_t i = 0;
  for (; i + 4 * lane::count <= n; i += 4 * lane::count) {
    s0 = lane::fma(lane::load(x + i), lane::load(y + i), s0);
    s1 = lane::fma(lane::load(x + i + lane::count), lane::load(y + i + lane::count), s1);
    s2 = lane::fma(lane::load(x + i + 2 * lane::count), lane::load(y + i + 2 * lane::count), s2);
    s3 = lane::fma(lane::load(x + i + 3 * lane::count), lane::load(y + i + 3 * lane::count), s3);
  }
  for (; i + lane::count <= n; i += lane::count) {
    s0 = lane::fma(lane::load(x + i), lane::load(y + i), s0);
  }
  if (i < n) s1 = lane::fma(lane::load_part(x + i, n - i), lane::load_part(y + i, n - i), s1);
  return lane::sum((s0 + s1) + (s2 + s3));
}

template <instruction_set I, float_range X>
[[nodiscard]] auto dot(const X& a, detail::in_span<X> b) noexcept {
  return dot<I, detail::element_of<X>>(std::span<const detail::element_of<X>>(a), b);
}

/// `y[i] += a * x[i]`. `x` may be `y`, but not overlap it otherwise.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void axpy(T a, std::span<const T> x, std::span<T> y) noexcept {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += a * x[i];
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void axpy(T a, std::span<const T> x, std::span<T> y) noexcept {
  using lane = detail::lanes<I, T>;
  const auto factor = lane::all(a);
  lane::map(y, x, [&](auto old, auto in) { return lane::fma(factor, in, old); });
}

template <instruction_set I, float_range X>
void axpy(std::type_identity_t<detail::element_of<X>> a, const X& x,
          detail::out_span<X> y) noexcept {
  axpy<I, detail::element_of<X>>(a, std::span<const detail::element_of<X>>(x), y);
}

/// `y[i] = a * x[i] + b * y[i]`. `x` may be `y`, but not overlap it otherwise.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void scaled_add(T a, std::span<const T> x, T b, std::span<T> y) noexcept {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = a * x[i] + b * y[i];
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void scaled_add(T a, std::span<const T> x, T b, std::span<T> y) noexcept {
  using lane = detail::lanes<I, T>;
  const auto new_factor = lane::all(a);
  const auto old_factor = lane::all(b);
  lane::map(y, x, [&](auto old, auto in) { return lane::fma(new_factor, in, old_factor * old); });
}

template <instruction_set I, float_range X>
void scaled_add(std::type_identity_t<detail::element_of<X>> a, const X& x,
                std::type_identity_t<detail::element_of<X>> b, detail::out_span<X> y) noexcept {
  scaled_add<I, detail::element_of<X>>(a, std::span<const detail::element_of<X>>(x), b, y);
}

/// `y[i] += x[i]`. `x` may be `y`, but not overlap it otherwise.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void add(std::span<const T> x, std::span<T> y) noexcept {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += x[i];
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void add(std::span<const T> x, std::span<T> y) noexcept {
  detail::lanes<I, T>::map(y, x, [](auto old, auto in) { return old + in; });
}

template <instruction_set I, float_range X>
void add(const X& x, detail::out_span<X> y) noexcept {
  add<I, detail::element_of<X>>(std::span<const detail::element_of<X>>(x), y);
}

/// The sum of `x[i] * x[i]`, in the order of `dot`.
template <instruction_set I, std::floating_point T>
[[nodiscard]] T sum_of_squares(std::span<const T> x) noexcept {
  return dot<I, T>(x, x);
}

template <instruction_set I, float_range X>
[[nodiscard]] auto sum_of_squares(const X& x) noexcept {
  return dot<I>(x, x);
}

/// The largest element; -infinity for nothing. With a NaN among them the result is any element.
template <std::same_as<scalar> I, std::floating_point T>
[[nodiscard]] MULTITUDES_NOINLINE T max(std::span<const T> x) noexcept {
  T largest = -std::numeric_limits<T>::infinity();
  for (const T value : x) largest = value > largest ? value : largest;
  return largest;
}

template <vector_isa I, std::floating_point T>
[[nodiscard]] MULTITUDES_NOINLINE T max(std::span<const T> x) noexcept {
  using lane = detail::lanes<I, T>;
  const T lowest = -std::numeric_limits<T>::infinity();
  auto m0 = lane::all(lowest), m1 = lane::all(lowest);
  std::size_t i = 0;
  for (; i + 2 * lane::count <= x.size(); i += 2 * lane::count) {
    m0 = lane::max(lane::load(x.data() + i), m0);
    m1 = lane::max(lane::load(x.data() + i + lane::count), m1);
  }
  if (i + lane::count <= x.size()) {
    m0 = lane::max(lane::load(x.data() + i), m0);
    i += lane::count;
  }
  if (i < x.size()) m1 = lane::max(lane::load_part(x.data() + i, x.size() - i, lowest), m1);
  T last[lane::count];
  lane::store(last, lane::max(m0, m1));
  for (std::size_t half = lane::count / 2; half != 0; half /= 2) {
    for (std::size_t k = 0; k < half; ++k) {
      last[k] = last[k + half] > last[k] ? last[k + half] : last[k];
    }
  }
  return last[0];
}

template <instruction_set I, float_range X>
[[nodiscard]] auto max(const X& x) noexcept {
  return max<I, detail::element_of<X>>(std::span<const detail::element_of<X>>(x));
}

}  // namespace multitudes::simd
