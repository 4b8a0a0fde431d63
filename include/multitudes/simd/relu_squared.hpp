// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/isa.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace multitudes::simd {

/// `out[i] = max(x[i], 0)^2`; a NaN stays one. `out` may be `x`, but not overlap it otherwise.
///
/// Source:  So et al. 2021, arXiv:2109.08668 (Primer).
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void relu_squared(std::span<const T> x, std::span<T> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const T positive = x[i] < 0 ? T(0) : x[i];
    out[i] = positive * positive;
  }
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void relu_squared(std::span<const T> x, std::span<T> out) noexcept {
  using lane = detail::lanes<I, T>;
  lane::map(out, x, [](const auto&, const auto& in) {
    const auto positive = lane::select(in < lane::all(0), lane::all(0), in);
    return positive * positive;
  });
}

template <instruction_set I, float_range X>
void relu_squared(const X& x, detail::out_span<X> out) noexcept {
  relu_squared<I, detail::element_of<X>>(std::span<const detail::element_of<X>>(x), out);
}

/// Output and gradient of `relu_squared` at once, from the gradient of its output:
/// `out = max(x, 0)^2` and `x := d_out * 2 * max(x, 0)`.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void relu_squared_backward(std::span<const T> d_out, std::span<T> x,
                                               std::span<T> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const T positive = x[i] < 0 ? T(0) : x[i];
    out[i] = positive * positive;
    x[i] = d_out[i] * (positive + positive);
  }
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void relu_squared_backward(std::span<const T> d_out, std::span<T> x,
                                               std::span<T> out) noexcept {
  // Two passes: what `map` is given twice stays in the nearest cache.
  relu_squared<I, T>(x, out);
  using lane = detail::lanes<I, T>;
  lane::map(x, d_out, [](const auto& in, const auto& d) {
    const auto positive = lane::select(in < lane::all(0), lane::all(0), in);
    return d * (positive + positive);
  });
}

}  // namespace multitudes::simd
