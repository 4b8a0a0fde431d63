// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

namespace multitudes::simd {

/// `out[i] = x[i] / sqrt(mean of x^2 + epsilon) * weight[i]`. `out` may be `x`, but not overlap
/// it otherwise.
///
/// Source:  Zhang and Sennrich 2019, arXiv:1910.07467.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void rms_norm(std::span<const T> x, std::span<const T> weight, T epsilon,
                                  std::span<T> out) noexcept {
  const T mean = sum_of_squares<I, T>(x) / static_cast<T>(x.size());
  const T scale = T(1) / std::sqrt(mean + epsilon);
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = x[i] * scale * weight[i];
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void rms_norm(std::span<const T> x, std::span<const T> weight, T epsilon,
                                  std::span<T> out) noexcept {
  using lane = detail::lanes<I, T>;
  const T mean = sum_of_squares<I, T>(x) / static_cast<T>(x.size());
  const auto scale = lane::all(T(1) / std::sqrt(mean + epsilon));
  std::size_t i = 0;
  for (; i + lane::count <= x.size(); i += lane::count) {
    lane::store(out.data() + i, lane::load(x.data() + i) * scale * lane::load(weight.data() + i));
  }
  if (i < x.size()) {
    const std::size_t n = x.size() - i;
    lane::store_part(
        out.data() + i, n,
        lane::load_part(x.data() + i, n) * scale * lane::load_part(weight.data() + i, n));
  }
}

template <instruction_set I, float_range X>
void rms_norm(const X& x, detail::in_span<X> weight,
              std::type_identity_t<detail::element_of<X>> epsilon,
              detail::out_span<X> out) noexcept {
  rms_norm<I, detail::element_of<X>>(std::span<const detail::element_of<X>>(x), weight, epsilon,
                                     out);
}

/// The gradient of `rms_norm` with respect to x, from that of its output: with
/// s = 1 / sqrt(mean of x^2 + epsilon) and g = weight * d_out,
/// `dx[i] += s * (g[i] - x[i] * s^2 * mean of g * x)`. Returns s, which the gradient of the weight
/// needs: `d_weight[i] += d_out[i] * x[i] * s`.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE T rms_norm_backward(std::span<const T> x, std::span<const T> weight, T epsilon,
                                        std::span<const T> d_out, std::span<T> dx) noexcept {
  const T n = static_cast<T>(x.size());
  const T s = T(1) / std::sqrt(sum_of_squares<I, T>(x) / n + epsilon);
  T along = 0;
  for (std::size_t i = 0; i < x.size(); ++i) along += weight[i] * d_out[i] * x[i];
  const T back = along * s * s / n;
  for (std::size_t i = 0; i < x.size(); ++i) dx[i] += s * (weight[i] * d_out[i] - x[i] * back);
  return s;
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE T rms_norm_backward(std::span<const T> x, std::span<const T> weight, T epsilon,
                                        std::span<const T> d_out, std::span<T> dx) noexcept {
  using lane = detail::lanes<I, T>;
  const T size = static_cast<T>(x.size());
  const T s = T(1) / std::sqrt(sum_of_squares<I, T>(x) / size + epsilon);
  auto along = lane::all(0);
  std::size_t i = 0;
  for (; i + lane::count <= x.size(); i += lane::count) {
    along = lane::fma(lane::load(weight.data() + i) * lane::load(d_out.data() + i),
                      lane::load(x.data() + i), along);
  }
  const std::size_t rest = x.size() - i;
  if (rest > 0) {
    along = lane::fma(
        lane::load_part(weight.data() + i, rest) * lane::load_part(d_out.data() + i, rest),
        lane::load_part(x.data() + i, rest), along);
  }
  const auto back = lane::all(-lane::sum(along) * s * s / size);
  const auto scale = lane::all(s);
  for (i = 0; i + lane::count <= x.size(); i += lane::count) {
    const auto direct = lane::load(weight.data() + i) * lane::load(d_out.data() + i);
    const auto inner = lane::fma(lane::load(x.data() + i), back, direct);
    lane::store(dx.data() + i, lane::fma(scale, inner, lane::load(dx.data() + i)));
  }
  if (rest > 0) {
    const auto direct =
        lane::load_part(weight.data() + i, rest) * lane::load_part(d_out.data() + i, rest);
    const auto inner = lane::fma(lane::load_part(x.data() + i, rest), back, direct);
    lane::store_part(dx.data() + i, rest,
                     lane::fma(scale, inner, lane::load_part(dx.data() + i, rest)));
  }
  return s;
}

}  // namespace multitudes::simd
