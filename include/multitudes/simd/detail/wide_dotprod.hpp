// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/config/regions.hpp>

#if MULTITUDES_DOTPROD_REGIONS

#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

MULTITUDES_BEGIN_DOTPROD_REGION
namespace multitudes::simd::detail::dotprod {

/// 16 floats in four registers, on AArch64 with its dot products of bytes. See wide_avx512.hpp for
/// the words.
struct wide {
  static constexpr std::size_t tile_rows = 2;
  static constexpr std::size_t page_queries = 2;
  static constexpr std::size_t dot_rows = 2;

  float32x4_t a, b, c, d;

  struct ints {
    int32x4_t a, b, c, d;
  };
  struct bytes {
    uint8x16_t a, b, c, d;
  };

  template <class F, class... X>
  static MULTITUDES_ALWAYS_INLINE wide each(F f, const X&... x) noexcept {
    return {f(x.a...), f(x.b...), f(x.c...), f(x.d...)};
  }
  template <class F>
  static MULTITUDES_ALWAYS_INLINE bytes each_of(F f, const bytes& x) noexcept {
    return {f(x.a), f(x.b), f(x.c), f(x.d)};
  }

  static MULTITUDES_ALWAYS_INLINE wide all(float x) noexcept {
    const float32x4_t r = vdupq_n_f32(x);
    return {r, r, r, r};
  }
  static MULTITUDES_ALWAYS_INLINE wide load(const float* p) noexcept {
    return {vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
  }
  MULTITUDES_ALWAYS_INLINE void store(float* p) const noexcept {
    vst1q_f32(p, a);
    vst1q_f32(p + 4, b);
    vst1q_f32(p + 8, c);
    vst1q_f32(p + 12, d);
  }
  static MULTITUDES_ALWAYS_INLINE wide load_some(const float* p, std::size_t n) noexcept {
    float lanes[16] = {};
    std::memcpy(lanes, p, (n < 16 ? n : 16) * sizeof(float));
    return load(lanes);
  }
  MULTITUDES_ALWAYS_INLINE void store_some(float* p, std::size_t n) const noexcept {
    float lanes[16];
    store(lanes);
    std::memcpy(p, lanes, (n < 16 ? n : 16) * sizeof(float));
  }
  static MULTITUDES_ALWAYS_INLINE wide first_of(std::size_t n, wide yes, wide no) noexcept {
    float lanes[16];
    no.store(lanes);
    yes.store_some(lanes, n);
    return load(lanes);
  }

  friend MULTITUDES_ALWAYS_INLINE wide operator+(wide x, wide y) noexcept {
    return {vaddq_f32(x.a, y.a), vaddq_f32(x.b, y.b), vaddq_f32(x.c, y.c), vaddq_f32(x.d, y.d)};
  }
  friend MULTITUDES_ALWAYS_INLINE wide operator-(wide x, wide y) noexcept {
    return {vsubq_f32(x.a, y.a), vsubq_f32(x.b, y.b), vsubq_f32(x.c, y.c), vsubq_f32(x.d, y.d)};
  }
  friend MULTITUDES_ALWAYS_INLINE wide operator*(wide x, wide y) noexcept {
    return {vmulq_f32(x.a, y.a), vmulq_f32(x.b, y.b), vmulq_f32(x.c, y.c), vmulq_f32(x.d, y.d)};
  }
  friend MULTITUDES_ALWAYS_INLINE wide operator/(wide x, wide y) noexcept {
    return {vdivq_f32(x.a, y.a), vdivq_f32(x.b, y.b), vdivq_f32(x.c, y.c), vdivq_f32(x.d, y.d)};
  }
  static MULTITUDES_ALWAYS_INLINE wide fma(wide x, wide y, wide z) noexcept {
    return {vfmaq_f32(z.a, x.a, y.a), vfmaq_f32(z.b, x.b, y.b), vfmaq_f32(z.c, x.c, y.c),
            vfmaq_f32(z.d, x.d, y.d)};
  }
  // Not the instructions for maximum and minimum, in which a NaN on either side wins.
  static MULTITUDES_ALWAYS_INLINE wide at_least(wide x, wide limit) noexcept {
    return each([](float32x4_t v, float32x4_t l) { return vbslq_f32(vcgtq_f32(l, v), l, v); }, x,
                limit);
  }
  static MULTITUDES_ALWAYS_INLINE wide at_most(wide x, wide limit) noexcept {
    return each([](float32x4_t v, float32x4_t l) { return vbslq_f32(vcltq_f32(l, v), l, v); }, x,
                limit);
  }
  static MULTITUDES_ALWAYS_INLINE wide unless_below(wide x, wide limit, wide value) noexcept {
    return each([](float32x4_t v, float32x4_t l,
                   float32x4_t y) { return vbslq_f32(vcltq_f32(v, l), vdupq_n_f32(0), y); },
                x, limit, value);
  }
  MULTITUDES_ALWAYS_INLINE wide magnitude() const noexcept {
    return {vabsq_f32(a), vabsq_f32(b), vabsq_f32(c), vabsq_f32(d)};
  }
  MULTITUDES_ALWAYS_INLINE wide neighbors() const noexcept {
    return {vrev64q_f32(a), vrev64q_f32(b), vrev64q_f32(c), vrev64q_f32(d)};
  }
  MULTITUDES_ALWAYS_INLINE float sum() const noexcept {
    const float32x4_t four = vaddq_f32(vaddq_f32(a, c), vaddq_f32(b, d));
    return vpadds_f32(vadd_f32(vget_low_f32(four), vget_high_f32(four)));
  }
  MULTITUDES_ALWAYS_INLINE float first() const noexcept { return vgetq_lane_f32(a, 0); }
  MULTITUDES_ALWAYS_INLINE float largest() const noexcept {
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(a, c), vmaxq_f32(b, d)));
  }
  MULTITUDES_ALWAYS_INLINE wide power_of_two() const noexcept {
    return each(
        [](float32x4_t x) {
          const int32x4_t exponent = vshlq_n_s32(vreinterpretq_s32_f32(x), 23);
          return vreinterpretq_f32_s32(vaddq_s32(exponent, vdupq_n_s32(0x3f800000)));
        },
        *this);
  }

  static MULTITUDES_ALWAYS_INLINE uint16x4_t four_words(const void* p, std::size_t i) noexcept {
    std::uint16_t words[4];
    std::memcpy(words, static_cast<const std::byte*>(p) + 8 * i, sizeof(words));
    return vld1_u16(words);
  }
  static MULTITUDES_ALWAYS_INLINE float32x4_t halves(const std::byte* p, std::size_t i) noexcept {
    return vcvt_f32_f16(vreinterpret_f16_u16(four_words(p, i)));
  }
  static MULTITUDES_ALWAYS_INLINE wide load_halves(const std::byte* p) noexcept {
    return {halves(p, 0), halves(p, 1), halves(p, 2), halves(p, 3)};
  }
  MULTITUDES_ALWAYS_INLINE void store_halves(std::uint16_t* p) const noexcept {
    vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(a)));
    vst1_u16(p + 4, vreinterpret_u16_f16(vcvt_f16_f32(b)));
    vst1_u16(p + 8, vreinterpret_u16_f16(vcvt_f16_f32(c)));
    vst1_u16(p + 12, vreinterpret_u16_f16(vcvt_f16_f32(d)));
  }
  static MULTITUDES_ALWAYS_INLINE wide load_chars(const std::byte* p) noexcept {
    std::int8_t packed[16];
    std::memcpy(packed, p, sizeof(packed));
    const int8x16_t chars = vld1q_s8(packed);
    const int16x8_t low = vmovl_s8(vget_low_s8(chars)), high = vmovl_s8(vget_high_s8(chars));
    return to_float({vmovl_s16(vget_low_s16(low)), vmovl_s16(vget_high_s16(low)),
                     vmovl_s16(vget_low_s16(high)), vmovl_s16(vget_high_s16(high))});
  }
  static MULTITUDES_ALWAYS_INLINE float32x4_t bf16(const std::byte* p, std::size_t i) noexcept {
    return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(four_words(p, i)), 16));
  }
  static MULTITUDES_ALWAYS_INLINE wide load_bf16(const std::byte* p) noexcept {
    return {bf16(p, 0), bf16(p, 1), bf16(p, 2), bf16(p, 3)};
  }
  static MULTITUDES_ALWAYS_INLINE wide low_halves(const std::uint32_t* p) noexcept {
    const auto one = [](uint32x4_t x) { return vreinterpretq_f32_u32(vshlq_n_u32(x, 16)); };
    return {one(vld1q_u32(p)), one(vld1q_u32(p + 4)), one(vld1q_u32(p + 8)),
            one(vld1q_u32(p + 12))};
  }
  static MULTITUDES_ALWAYS_INLINE wide high_halves(const std::uint32_t* p) noexcept {
    const auto one = [](uint32x4_t x) {
      return vreinterpretq_f32_u32(vandq_u32(x, vdupq_n_u32(0xffff0000u)));
    };
    return {one(vld1q_u32(p)), one(vld1q_u32(p + 4)), one(vld1q_u32(p + 8)),
            one(vld1q_u32(p + 12))};
  }
  /// What is not a number of the range becomes -128, as on the other processors.
  static MULTITUDES_ALWAYS_INLINE int32x4_t rounded(float32x4_t x) noexcept {
    const uint32x4_t is_small = vcleq_f32(vabsq_f32(x), vdupq_n_f32(127.5f));
    return vbslq_s32(is_small, vcvtnq_s32_f32(x), vdupq_n_s32(-128));
  }
  MULTITUDES_ALWAYS_INLINE int store_rounded(std::int8_t* p) const noexcept {
    const int32x4_t w = rounded(a), x = rounded(b), y = rounded(c), z = rounded(d);
    const int16x8_t low = vcombine_s16(vqmovn_s32(w), vqmovn_s32(x));
    const int16x8_t high = vcombine_s16(vqmovn_s32(y), vqmovn_s32(z));
    vst1q_s8(p, vcombine_s8(vqmovn_s16(low), vqmovn_s16(high)));
    return vaddvq_s32(vaddq_s32(vaddq_s32(w, x), vaddq_s32(y, z)));
  }

  /// Signed numbers have the instruction: weights count as 128 less, which is just what the offsets
  /// of activations make up for elsewhere.
  static MULTITUDES_ALWAYS_INLINE ints from(std::int32_t) noexcept {
    const int32x4_t r = vdupq_n_s32(0);
    return {r, r, r, r};
  }
  static MULTITUDES_ALWAYS_INLINE wide to_float(ints x) noexcept {
    return {vcvtq_f32_s32(x.a), vcvtq_f32_s32(x.b), vcvtq_f32_s32(x.c), vcvtq_f32_s32(x.d)};
  }
  static MULTITUDES_ALWAYS_INLINE bytes load_bytes(const std::byte* p) noexcept {
    const auto* at = reinterpret_cast<const std::uint8_t*>(p);
    return {vld1q_u8(at), vld1q_u8(at + 16), vld1q_u8(at + 32), vld1q_u8(at + 48)};
  }
  static MULTITUDES_ALWAYS_INLINE void store_bytes(std::byte* p, bytes x) noexcept {
    auto* at = reinterpret_cast<std::uint8_t*>(p);
    vst1q_u8(at, x.a);
    vst1q_u8(at + 16, x.b);
    vst1q_u8(at + 32, x.c);
    vst1q_u8(at + 48, x.d);
  }
  static MULTITUDES_ALWAYS_INLINE bytes low_nibbles(bytes x) noexcept {
    return each_of([](uint8x16_t r) { return vshlq_n_u8(r, 4); }, x);
  }
  static MULTITUDES_ALWAYS_INLINE bytes high_nibbles(bytes x) noexcept {
    return each_of([](uint8x16_t r) { return vandq_u8(r, vdupq_n_u8(0xf0)); }, x);
  }
  static MULTITUDES_ALWAYS_INLINE ints dot(ints sum, bytes w, const std::int8_t* four) noexcept {
    std::int32_t bits;
    std::memcpy(&bits, four, 4);
    const int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(bits));
    const bytes s = each_of([](uint8x16_t r) { return veorq_u8(r, vdupq_n_u8(0x80)); }, w);
    return {vdotq_s32(sum.a, vreinterpretq_s8_u8(s.a), x),
            vdotq_s32(sum.b, vreinterpretq_s8_u8(s.b), x),
            vdotq_s32(sum.c, vreinterpretq_s8_u8(s.c), x),
            vdotq_s32(sum.d, vreinterpretq_s8_u8(s.d), x)};
  }
};

}  // namespace multitudes::simd::detail::dotprod
MULTITUDES_END_DOTPROD_REGION

namespace multitudes::simd::detail {

inline bool has_dotprod() noexcept {
#if defined(__ARM_FEATURE_DOTPROD)
  return true;  // or the program would not run here
#elif defined(__linux__)
  return (::getauxval(AT_HWCAP) & (1ul << 20)) != 0;  // HWCAP_ASIMDDP, which is not in every header
#else
  return false;
#endif
}

}  // namespace multitudes::simd::detail

#endif
