// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/config/regions.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/half.hpp>
#include <multitudes/simd/isa.hpp>

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

MULTITUDES_BEGIN_OWN_REGION
namespace multitudes::simd::detail {

/// 16 floats on whatever the compiler's flags allow, see wide_avx512.hpp for the words; on
/// `scalar`, the twin of all sets.
template <instruction_set I>
struct wide_for_flags {
  static constexpr std::size_t tile_rows = 1;
  static constexpr std::size_t page_queries = 1;
  static constexpr std::size_t dot_rows = 1;

  static constexpr std::size_t width = 16;
  static constexpr bool is_scalar = std::same_as<I, scalar>;

  struct ints {
    std::int32_t lane[width];
  };
  struct bytes {
    std::uint8_t byte[4 * width];
  };

  float lane[width];

  template <class F>
  static MULTITUDES_ALWAYS_INLINE wide_for_flags each(F f) noexcept {
    wide_for_flags made;
    for (std::size_t i = 0; i < width; ++i) made.lane[i] = f(i);
    return made;
  }

  static MULTITUDES_ALWAYS_INLINE wide_for_flags all(float x) noexcept {
    return each([&](std::size_t) { return x; });
  }
  static MULTITUDES_ALWAYS_INLINE wide_for_flags load(const float* p) noexcept {
    wide_for_flags made;
    std::memcpy(made.lane, p, sizeof(made.lane));
    return made;
  }
  MULTITUDES_ALWAYS_INLINE void store(float* p) const noexcept {
    std::memcpy(p, lane, sizeof(lane));
  }
  static MULTITUDES_ALWAYS_INLINE wide_for_flags load_some(const float* p, std::size_t n) noexcept {
    return each([&](std::size_t i) { return i < n ? p[i] : 0.0f; });
  }
  MULTITUDES_ALWAYS_INLINE void store_some(float* p, std::size_t n) const noexcept {
    for (std::size_t i = 0; i < width && i < n; ++i) p[i] = lane[i];
  }
  static MULTITUDES_ALWAYS_INLINE wide_for_flags first_of(std::size_t n, const wide_for_flags& yes,
                                                          const wide_for_flags& no) noexcept {
    return each([&](std::size_t i) { return i < n ? yes.lane[i] : no.lane[i]; });
  }

  friend MULTITUDES_ALWAYS_INLINE wide_for_flags operator+(const wide_for_flags& a,
                                                           const wide_for_flags& b) noexcept {
    return each([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
  }
  friend MULTITUDES_ALWAYS_INLINE wide_for_flags operator-(const wide_for_flags& a,
                                                           const wide_for_flags& b) noexcept {
    return each([&](std::size_t i) { return a.lane[i] - b.lane[i]; });
  }
  friend MULTITUDES_ALWAYS_INLINE wide_for_flags operator*(const wide_for_flags& a,
                                                           const wide_for_flags& b) noexcept {
    return each([&](std::size_t i) { return a.lane[i] * b.lane[i]; });
  }
  friend MULTITUDES_ALWAYS_INLINE wide_for_flags operator/(const wide_for_flags& a,
                                                           const wide_for_flags& b) noexcept {
    return each([&](std::size_t i) { return a.lane[i] / b.lane[i]; });
  }
  /// Rounded once; twice on sets without the instruction.
  static MULTITUDES_ALWAYS_INLINE wide_for_flags fma(const wide_for_flags& a,
                                                     const wide_for_flags& b,
                                                     const wide_for_flags& c) noexcept {
    if constexpr (is_scalar) {
      return each([&](std::size_t i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
    } else {
      using lanes = detail::lanes<I, float>;
      wide_for_flags made;
      for (std::size_t i = 0; i < width; i += lanes::count) {
        lanes::store(made.lane + i, lanes::fma(lanes::load(a.lane + i), lanes::load(b.lane + i),
                                               lanes::load(c.lane + i)));
      }
      return made;
    }
  }
  static MULTITUDES_ALWAYS_INLINE wide_for_flags at_least(const wide_for_flags& x,
                                                          const wide_for_flags& limit) noexcept {
    return each(
        [&](std::size_t i) { return limit.lane[i] > x.lane[i] ? limit.lane[i] : x.lane[i]; });
  }
  static MULTITUDES_ALWAYS_INLINE wide_for_flags at_most(const wide_for_flags& x,
                                                         const wide_for_flags& limit) noexcept {
    return each(
        [&](std::size_t i) { return limit.lane[i] < x.lane[i] ? limit.lane[i] : x.lane[i]; });
  }
  static MULTITUDES_ALWAYS_INLINE wide_for_flags unless_below(
      const wide_for_flags& x, const wide_for_flags& limit, const wide_for_flags& value) noexcept {
    return each([&](std::size_t i) { return x.lane[i] < limit.lane[i] ? 0.0f : value.lane[i]; });
  }
  MULTITUDES_ALWAYS_INLINE wide_for_flags magnitude() const noexcept {
    return each([&](std::size_t i) { return std::fabs(lane[i]); });
  }
  MULTITUDES_ALWAYS_INLINE wide_for_flags neighbors() const noexcept {
    return each([&](std::size_t i) { return lane[i ^ 1]; });
  }
  template <class T, class F>
  static MULTITUDES_ALWAYS_INLINE T fold(const T (&from)[width], F f) noexcept {
    T x[width];
    std::memcpy(x, from, sizeof(x));
    for (std::size_t n = width / 2; n > 0; n /= 2) {
      for (std::size_t i = 0; i < n; ++i) x[i] = f(x[i], x[i + n]);
    }
    return x[0];
  }
  MULTITUDES_ALWAYS_INLINE float sum() const noexcept {
    return fold(lane, [](float a, float b) { return a + b; });
  }
  MULTITUDES_ALWAYS_INLINE float first() const noexcept { return lane[0]; }
  MULTITUDES_ALWAYS_INLINE float largest() const noexcept {
    return fold(lane, [](float a, float b) { return a > b ? a : b; });
  }
  MULTITUDES_ALWAYS_INLINE wide_for_flags power_of_two() const noexcept {
    return each([&](std::size_t i) {
      return std::bit_cast<float>((std::bit_cast<std::uint32_t>(lane[i]) << 23) + 0x3f800000u);
    });
  }

  static MULTITUDES_ALWAYS_INLINE wide_for_flags load_halves(const std::byte* p) noexcept {
    std::uint16_t packed[width];
    std::memcpy(packed, p, sizeof(packed));
    return each([&](std::size_t i) { return half_to_float(packed[i]); });
  }
  MULTITUDES_ALWAYS_INLINE void store_halves(std::uint16_t* p) const noexcept {
    for (std::size_t i = 0; i < width; ++i) p[i] = float_to_half(lane[i]);
  }
  static MULTITUDES_ALWAYS_INLINE wide_for_flags load_chars(const std::byte* p) noexcept {
    std::int8_t packed[width];
    std::memcpy(packed, p, sizeof(packed));
    return each([&](std::size_t i) { return static_cast<float>(packed[i]); });
  }
  static MULTITUDES_ALWAYS_INLINE wide_for_flags load_bf16(const std::byte* p) noexcept {
    std::uint16_t packed[width];
    std::memcpy(packed, p, sizeof(packed));
    return each([&](std::size_t i) { return bf16_to_float(packed[i]); });
  }
  static MULTITUDES_ALWAYS_INLINE wide_for_flags low_halves(const std::uint32_t* p) noexcept {
    return each([&](std::size_t i) { return std::bit_cast<float>(p[i] << 16); });
  }
  static MULTITUDES_ALWAYS_INLINE wide_for_flags high_halves(const std::uint32_t* p) noexcept {
    return each([&](std::size_t i) { return std::bit_cast<float>(p[i] & 0xffff0000u); });
  }
  MULTITUDES_ALWAYS_INLINE int store_rounded(std::int8_t* p) const noexcept {
    int sum = 0;
    for (std::size_t i = 0; i < width; ++i) {
      // Adding 1.5 * 2^23 leaves the nearest integer, ties to even, in the low bits. Whatever is
      // not a number of the range becomes -128, as the instructions have it.
      const bool is_small = std::fabs(lane[i]) <= 127.5f;
      const auto low = std::bit_cast<std::int32_t>((is_small ? lane[i] : 0.0f) + 0x1.8p+23f);
      const std::int32_t rounded = is_small ? low - 0x4b400000 : -128;
      p[i] = static_cast<std::int8_t>(std::clamp(rounded, -128, 127));
      sum += rounded;
    }
    return sum;
  }

  static MULTITUDES_ALWAYS_INLINE ints from(std::int32_t x) noexcept {
    ints made;
    std::fill_n(made.lane, width, x);
    return made;
  }
  static MULTITUDES_ALWAYS_INLINE wide_for_flags to_float(const ints& x) noexcept {
    return each([&](std::size_t i) { return static_cast<float>(x.lane[i]); });
  }
  static MULTITUDES_ALWAYS_INLINE bytes load_bytes(const std::byte* p) noexcept {
    bytes made;
    std::memcpy(made.byte, p, sizeof(made.byte));
    return made;
  }
  static MULTITUDES_ALWAYS_INLINE void store_bytes(std::byte* p, const bytes& x) noexcept {
    std::memcpy(p, x.byte, sizeof(x.byte));
  }
  static MULTITUDES_ALWAYS_INLINE bytes low_nibbles(const bytes& x) noexcept {
    bytes made;
    for (std::size_t i = 0; i < 4 * width; ++i) {
      made.byte[i] = static_cast<std::uint8_t>(x.byte[i] << 4);
    }
    return made;
  }
  static MULTITUDES_ALWAYS_INLINE bytes high_nibbles(const bytes& x) noexcept {
    bytes made;
    for (std::size_t i = 0; i < 4 * width; ++i) {
      made.byte[i] = static_cast<std::uint8_t>(x.byte[i] & 0xf0);
    }
    return made;
  }
  static MULTITUDES_ALWAYS_INLINE ints dot(ints sum, const bytes& w,
                                           const std::int8_t* four) noexcept {
#if defined(__aarch64__)
    // Signed numbers, 128 less, have instructions; what is missing is the same for every lane.
    std::int32_t bits;
    std::memcpy(&bits, four, 4);
    const int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(bits));
    const int32x4_t offset = vdupq_n_s32(128 * (four[0] + four[1] + four[2] + four[3]));
    for (std::size_t i = 0; i < width; i += 4) {
      const uint8x16_t unsigned_weights = vld1q_u8(w.byte + 4 * i);
      const int8x16_t weights = vreinterpretq_s8_u8(veorq_u8(unsigned_weights, vdupq_n_u8(0x80)));
      const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(weights), vget_low_s8(x)));
      const int32x4_t high = vpaddlq_s16(vmull_high_s8(weights, x));
      const int32x4_t before = vaddq_s32(vld1q_s32(sum.lane + i), offset);
      vst1q_s32(sum.lane + i, vaddq_s32(before, vpaddq_s32(low, high)));
    }
#else
    for (std::size_t i = 0; i < width; ++i) {
      for (std::size_t k = 0; k < 4; ++k) sum.lane[i] += w.byte[4 * i + k] * four[k];
    }
#endif
    return sum;
  }
};

}  // namespace multitudes::simd::detail
MULTITUDES_END_OWN_REGION
