// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/exp.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>

namespace multitudes::simd {

/// `x[i] = exp(x[i] - shift)`; returns their sum. One block's step of a softmax with a running
/// maximum: `shift` is the maximum so far and finite, x[i] may be -infinity.
template <std::same_as<scalar> I, std::floating_point T>
[[nodiscard]] MULTITUDES_NOINLINE T exp_sum(std::span<T> x, T shift) noexcept {
  T sum = 0;
  for (T& value : x) {
    value = std::exp(value - shift);
    sum += value;
  }
  return sum;
}

template <vector_isa I, std::floating_point T>
[[nodiscard]] MULTITUDES_NOINLINE T exp_sum(std::span<T> x, T shift) noexcept {
  using lane = detail::lanes<I, T>;
  const auto shifts = lane::all(shift);
  auto sum = lane::all(0);
  std::size_t i = 0;
  for (; i + lane::count <= x.size(); i += lane::count) {
    const auto value = detail::exp_lanes<I, T>(lane::load(x.data() + i) - shifts);
    lane::store(x.data() + i, value);
    sum += value;
  }
  if (i < x.size()) {
    const std::size_t n = x.size() - i;
    // Not exp(-infinity) beyond the end: on its way to 0 it is subnormal, which is slow.
    const auto value = detail::exp_lanes<I, T>(lane::load_part(x.data() + i, n, shift) - shifts);
    lane::store_part(x.data() + i, n, value);
    sum += lane::first(n, value);
  }
  return lane::sum(sum);
}

template <instruction_set I, float_range X>
[[nodiscard]] auto exp_sum(X&& x, std::type_identity_t<detail::element_of<X>> shift) noexcept {
  return exp_sum<I, detail::element_of<X>>(std::span<detail::element_of<X>>(x), shift);
}

/// `x[i] *= a`.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void scale(T a, std::span<T> x) noexcept {
  for (T& value : x) value *= a;
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void scale(T a, std::span<T> x) noexcept {
  using lane = detail::lanes<I, T>;
  const auto factor = lane::all(a);
  lane::map(x, x, [&](auto, auto in) { return factor * in; });
}

template <instruction_set I, float_range X>
void scale(std::type_identity_t<detail::element_of<X>> a, X&& x) noexcept {
  scale<I, detail::element_of<X>>(a, std::span<detail::element_of<X>>(x));
}

/// `x[i] = exp(x[i]) / sum of exp(x[j])`, without overflow for any finite x. -infinity gives 0;
/// if everything is -infinity (all masked), everything is 0. +infinity and NaN give NaN.
template <instruction_set I, std::floating_point T>
void softmax(std::span<T> x) noexcept {
  const T largest = max<I, T>(x);
  if (largest == -std::numeric_limits<T>::infinity()) {
    // Nothing, only masked entries, or NaNs that the maximum passed over.
    for (T& value : x) value = value == largest ? T(0) : std::numeric_limits<T>::quiet_NaN();
    return;
  }
  const T sum = exp_sum<I, T>(x, largest);
  scale<I, T>(T(1) / sum, x);
}

template <instruction_set I, float_range X>
void softmax(X&& x) noexcept {
  softmax<I, detail::element_of<X>>(std::span<detail::element_of<X>>(x));
}

/// `out[i]` = the logarithm of what softmax makes of x[i]. Uses x up.
///
/// Shapes:  out (x)
template <instruction_set I, std::floating_point T>
void log_softmax(std::span<T> x, std::span<T> out) noexcept {
  const T largest = max<I, T>(x);
  std::copy(x.begin(), x.end(), out.begin());
  const T normalizer = largest + std::log(exp_sum<I, T>(x, largest));
  for (T& value : out) value -= normalizer;
}

}  // namespace multitudes::simd
