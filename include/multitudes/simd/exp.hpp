// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/isa.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace multitudes::simd {

namespace detail {

// exp(x) = 2^n * exp(r), n the integer nearest to x / ln 2, and exp(r) = 1 + r + r^2 q(r) for
// |r| <= ln(2)/2. The coefficients of q are minimax for the relative error of exp (computed by
// the Remez algorithm in 60 digits): 3.1e-9 in float, 3.6e-18 in double.
template <class T>
struct exp_constants;

template <>
struct exp_constants<float> {
  static constexpr float highest = 89.0f;         // beyond ln of the largest float
  static constexpr float lowest = -104.0f;        // exp of it rounds to 0
  static constexpr float lowest_normal = -87.0f;  // above ln of the smallest normal float
  static constexpr float inverse_ln2 = 0x1.715476p+0f;
  static constexpr float ln2_high = 0x1.62e4p-1f;  // 15 bits, so that n times it is exact
  static constexpr float ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float round = 0x1.8p+23f;  // adding it leaves an integer in the low bits
  static constexpr int fraction_bits = 23;
  static constexpr std::int32_t one = 0x3f800000;
  static constexpr float q[] = {0x1.6a23cap-10f, 0x1.123a2p-7f, 0x1.5558f2p-5f, 0x1.555492p-3f,
                                0x1.fffffcp-2f};
};

template <>
struct exp_constants<double> {
  static constexpr double highest = 710.0;
  static constexpr double lowest = -746.0;
  static constexpr double lowest_normal = -708.0;
  static constexpr double inverse_ln2 = 0x1.71547652b82fep+0;
  static constexpr double ln2_high = 0x1.62e42fefa2p-1;  // 40 bits
  static constexpr double ln2_low = 0x1.9ef35793c7673p-41;
  static constexpr double round = 0x1.8p+52;
  static constexpr int fraction_bits = 52;
  static constexpr std::int64_t one = 0x3ff0000000000000;
  static constexpr double q[] = {
      0x1.ad7f3b22740dcp-26, 0x1.28ad9b7868661p-22, 0x1.71df25b516d4cp-19, 0x1.a01999e274b14p-16,
      0x1.a01a012a0e7e8p-13, 0x1.6c16c18438a89p-10, 0x1.1111111127d10p-7,  0x1.555555555083fp-5,
      0x1.55555555554f9p-3,  0x1.000000000000ap-1};
};

/// exp(r) and n, see above.
template <vector_isa I, std::floating_point T>
struct exp_parts {
  using lane = lanes<I, T>;
  using constant = exp_constants<T>;
  typename lane::batch n;  // with `round` added: its integer is in the low bits
  typename lane::batch fraction;

  explicit MULTITUDES_ALWAYS_INLINE exp_parts(const typename lane::batch& x) noexcept
      : n(lane::fma(x, lane::all(constant::inverse_ln2), lane::all(constant::round))), fraction() {
    const auto whole = n - lane::all(constant::round);
    auto r = lane::fma(whole, lane::all(-constant::ln2_high), x);
    r = lane::fma(whole, lane::all(-constant::ln2_low), r);
    auto q = lane::all(constant::q[0]);
    for (std::size_t i = 1; i < std::size(constant::q); ++i) {
      q = lane::fma(q, r, lane::all(constant::q[i]));
    }
    fraction = lane::fma(r * r, q, r) + lane::all(1);
  }
  /// 2 to the integer in the low bits.
  static MULTITUDES_ALWAYS_INLINE auto power_of_two(const typename lane::batch& low) noexcept {
    return lane::from_bits((lane::bits(low) << constant::fraction_bits) +
                           typename lane::integer_batch(constant::one));
  }
};

/// exp of each lane, for every input: subnormal results are rounded, not flushed, unless the
/// processor is set to.
template <vector_isa I, std::floating_point T>
MULTITUDES_ALWAYS_INLINE xsimd::batch<T, I> exp_lanes(xsimd::batch<T, I> x) noexcept {
  using lane = lanes<I, T>;
  using constant = exp_constants<T>;
  using parts = exp_parts<I, T>;
  // Written as selections, these keep a NaN.
  x = lane::select(x > lane::all(constant::highest), lane::all(constant::highest), x);
  x = lane::select(x < lane::all(constant::lowest), lane::all(constant::lowest), x);
  const parts e(x);
  const auto round = lane::all(constant::round);
  // 2^n in two factors: n is out of range for one where the result is subnormal or infinite.
  const auto half = lane::fma(e.n - round, lane::all(T(0.5)), round);
  const auto rest = e.n - half + round;
  return e.fraction * parts::power_of_two(half) * parts::power_of_two(rest);
}

/// The same for x up to about 0, where results below the normal numbers may become one of the
/// smallest of them.
template <vector_isa I, std::floating_point T>
MULTITUDES_ALWAYS_INLINE xsimd::batch<T, I> exp_of_negative_lanes(xsimd::batch<T, I> x) noexcept {
  using lane = lanes<I, T>;
  const auto lowest = lane::all(exp_constants<T>::lowest_normal);
  const exp_parts<I, T> e(lane::select(x < lowest, lowest, x));
  return e.fraction * exp_parts<I, T>::power_of_two(e.n);
}

}  // namespace detail

/// `x[i] = exp(x[i])` within 1.1 ulp on the whole range, subnormal results included. Measured: at
/// most 1.009 ulp over every float from underflow to overflow, and in double over a sample. The
/// twin uses the standard library's.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void exp(std::span<T> x) noexcept {
  for (T& value : x) value = std::exp(value);
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void exp(std::span<T> x) noexcept {
  detail::lanes<I, T>::map(x, x, [](auto, auto in) { return detail::exp_lanes<I, T>(in); });
}

template <instruction_set I, float_range X>
void exp(X&& x) noexcept {
  exp<I, detail::element_of<X>>(std::span<detail::element_of<X>>(x));
}

}  // namespace multitudes::simd
