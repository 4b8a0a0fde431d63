// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/half.hpp>
#include <multitudes/simd/isa.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

// Pairs of bf16, the first in the low half: the inputs of the processors' dot products.
namespace multitudes::simd::detail {

// See isa.hpp: the same false warning, here for our own calls.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/// Sets with an instruction for the dot product of pairs.
#if defined(__AVX512BF16__)
template <class I>
concept has_bf16_dot = std::derived_from<I, xsimd::avx512f>;
#else
template <class I>
concept has_bf16_dot = false;
#endif

/// Whether that instruction is the faster way. On AMD it does twice the work of an F32
/// multiply-add; Intel's, in the processors that have it, does half (measured), having left the
/// field to its matrix unit. Only AMD has SSE4a.
template <class I>
inline constexpr bool prefers_bf16_dot =
#if defined(__SSE4A__)
    has_bf16_dot<I>;
#else
    false;
#endif

constexpr MULTITUDES_ALWAYS_INLINE std::uint32_t bf16_pair(float first, float second) noexcept {
  return float_to_bf16(first) | static_cast<std::uint32_t>(float_to_bf16(second)) << 16;
}
constexpr MULTITUDES_ALWAYS_INLINE float bf16_first(std::uint32_t pair) noexcept {
  return std::bit_cast<float>(pair << 16);
}
constexpr MULTITUDES_ALWAYS_INLINE float bf16_second(std::uint32_t pair) noexcept {
  return std::bit_cast<float>(pair & 0xffff0000u);
}
constexpr MULTITUDES_ALWAYS_INLINE float bf16_rounded(float x) noexcept {
  return bf16_to_float(float_to_bf16(x));
}

template <vector_isa I>
struct bf16_lanes {
  using lane = lanes<I, float>;
  using batch = typename lane::batch;
  using pairs = typename lane::integer_batch;

  static MULTITUDES_ALWAYS_INLINE pairs load(const std::uint32_t* from) noexcept {
    return lane::bits(lane::load(reinterpret_cast<const float*>(from)));
  }
  static MULTITUDES_ALWAYS_INLINE void store(std::uint32_t* to, const pairs& value) noexcept {
    lane::store(reinterpret_cast<float*>(to), lane::from_bits(value));
  }

  /// The same bits as `bf16_rounded`.
  static MULTITUDES_ALWAYS_INLINE batch rounded(const batch& x) noexcept {
    const pairs bits = lane::bits(x);
    const pairs carried = bits + pairs(0x7fff) + ((bits >> 16) & pairs(1));
    const pairs upper(-0x10000);
    return lane::select(x == x, lane::from_bits(carried & upper),
                        lane::from_bits((bits | pairs(0x400000)) & upper));
  }
  static MULTITUDES_ALWAYS_INLINE pairs make(const batch& first, const batch& second) noexcept {
    const pairs low = (lane::bits(rounded(first)) >> 16) & pairs(0xffff);
    return low | lane::bits(rounded(second));
  }

  static MULTITUDES_ALWAYS_INLINE batch first(const pairs& x) noexcept {
    return lane::from_bits(x << 16);
  }
  static MULTITUDES_ALWAYS_INLINE batch second(const pairs& x) noexcept {
    return lane::from_bits(x & pairs(-0x10000));
  }
};

#if defined(__AVX512BF16__)
/// The instructions, to which subnormal numbers are zeros.
template <vector_isa I>
  requires has_bf16_dot<I>
struct bf16_instructions {
  using batch = typename bf16_lanes<I>::batch;
  using pairs = typename bf16_lanes<I>::pairs;

  static MULTITUDES_ALWAYS_INLINE pairs make(const batch& first, const batch& second) noexcept {
    const auto low = _mm512_cvtepu16_epi32(std::bit_cast<__m256i>(_mm512_cvtneps_pbh(first)));
    const auto high = _mm512_cvtepu16_epi32(std::bit_cast<__m256i>(_mm512_cvtneps_pbh(second)));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
  }
  /// `sum` + the products of the seconds + those of the firsts.
  static MULTITUDES_ALWAYS_INLINE batch dot(const pairs& a, const pairs& b,
                                            const batch& sum) noexcept {
    const __m512i left = a, right = b;
    return _mm512_dpbf16_ps(sum, std::bit_cast<__m512bh>(left), std::bit_cast<__m512bh>(right));
  }
};
#endif

/// `to[i]` = a pair from `first[i]` and `second[i]`, made in the given way.
template <vector_isa I, class Way = bf16_lanes<I>>
MULTITUDES_ALWAYS_INLINE void make_pairs(const float* first, const float* second, std::size_t n,
                                         std::uint32_t* to) noexcept {
  using lane = lanes<I, float>;
  using pairs = bf16_lanes<I>;
  std::size_t i = 0;
  for (; i + lane::count <= n; i += lane::count) {
    pairs::store(to + i, Way::make(lane::load(first + i), lane::load(second + i)));
  }
  if (i < n) {
    const auto last =
        Way::make(lane::load_part(first + i, n - i), lane::load_part(second + i, n - i));
    lane::store_part(reinterpret_cast<float*>(to + i), n - i, lane::from_bits(last));
  }
}

/// Pairs of neighbors; the last of an odd number has zero as its second.
template <vector_isa I, class Way = bf16_lanes<I>>
MULTITUDES_ALWAYS_INLINE void pair_neighbors(const float* from, std::size_t n,
                                             std::uint32_t* to) noexcept {
  using lane = lanes<I, float>;
  using pairs = bf16_lanes<I>;
  std::size_t i = 0;
  for (; i + 2 * lane::count <= n; i += 2 * lane::count) {
    typename lane::batch first, second;
    lane::load_pairs(from + i, first, second);
    pairs::store(to + i / 2, Way::make(first, second));
  }
  for (; i + 2 <= n; i += 2) to[i / 2] = bf16_pair(from[i], from[i + 1]);
  if (i < n) to[i / 2] = bf16_pair(from[i], 0);
}

/// `to[i]` = `from[i]` rounded to bf16.
template <vector_isa I>
MULTITUDES_ALWAYS_INLINE void round_to_bf16(const float* from, std::size_t n, float* to) noexcept {
  using lane = lanes<I, float>;
  std::size_t i = 0;
  for (; i + lane::count <= n; i += lane::count) {
    lane::store(to + i, bf16_lanes<I>::rounded(lane::load(from + i)));
  }
  if (i < n) {
    lane::store_part(to + i, n - i, bf16_lanes<I>::rounded(lane::load_part(from + i, n - i)));
  }
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace multitudes::simd::detail
