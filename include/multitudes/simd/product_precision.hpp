// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>

namespace multitudes::simd {

/// Inputs as they are, products and sums in `T`.
template <std::floating_point T>
struct full_precision {
  using value = T;
  using unit = T;
};

/// Inputs rounded to bf16 (nearest, ties to even), sums in F32.
struct bf16_inputs {
  using value = float;
  using unit = std::uint32_t;  // two neighbors along the depth, the first in the low half
};

namespace detail {

template <class P>
inline constexpr bool is_product_precision = std::same_as<P, bf16_inputs>;
template <std::floating_point T>
inline constexpr bool is_product_precision<full_precision<T>> = true;

}  // namespace detail

/// How a matrix product rounds: `full_precision<T>` or `bf16_inputs`.
template <class P>
concept product_precision = detail::is_product_precision<P>;

}  // namespace multitudes::simd
