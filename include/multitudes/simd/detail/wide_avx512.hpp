// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/config/regions.hpp>

#if MULTITUDES_X86_REGIONS

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

MULTITUDES_BEGIN_REGION("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")
namespace multitudes::simd::detail::avx512 {

/// 16 floats in one register. Every set has the same words with the same meaning, to the bit.
struct wide {
  // Activations of a product, queries of attention and rows of inner products that the registers
  // hold at a time.
  static constexpr std::size_t tile_rows = 6;
  static constexpr std::size_t page_queries = 8;
  static constexpr std::size_t dot_rows = 8;

  __m512 r;

  struct ints {
    __m512i r;
  };
  struct bytes {
    __m512i r;
  };

  static MULTITUDES_ALWAYS_INLINE wide all(float x) noexcept { return {_mm512_set1_ps(x)}; }
  static MULTITUDES_ALWAYS_INLINE wide load(const float* p) noexcept {
    return {_mm512_loadu_ps(p)};
  }
  MULTITUDES_ALWAYS_INLINE void store(float* p) const noexcept { _mm512_storeu_ps(p, r); }
  static MULTITUDES_ALWAYS_INLINE __mmask16 mask(std::size_t n) noexcept {
    return static_cast<__mmask16>((1u << n) - 1u);
  }
  static MULTITUDES_ALWAYS_INLINE wide load_some(const float* p, std::size_t n) noexcept {
    return {_mm512_maskz_loadu_ps(mask(n), p)};
  }
  MULTITUDES_ALWAYS_INLINE void store_some(float* p, std::size_t n) const noexcept {
    _mm512_mask_storeu_ps(p, mask(n), r);
  }
  static MULTITUDES_ALWAYS_INLINE wide first_of(std::size_t n, wide yes, wide no) noexcept {
    return {_mm512_mask_mov_ps(no.r, mask(n), yes.r)};
  }

  friend MULTITUDES_ALWAYS_INLINE wide operator+(wide a, wide b) noexcept {
    return {_mm512_add_ps(a.r, b.r)};
  }
  friend MULTITUDES_ALWAYS_INLINE wide operator-(wide a, wide b) noexcept {
    return {_mm512_sub_ps(a.r, b.r)};
  }
  friend MULTITUDES_ALWAYS_INLINE wide operator*(wide a, wide b) noexcept {
    return {_mm512_mul_ps(a.r, b.r)};
  }
  friend MULTITUDES_ALWAYS_INLINE wide operator/(wide a, wide b) noexcept {
    return {_mm512_div_ps(a.r, b.r)};
  }
  static MULTITUDES_ALWAYS_INLINE wide fma(wide a, wide b, wide c) noexcept {
    return {_mm512_fmadd_ps(a.r, b.r, c.r)};
  }
  /// A NaN in `x` stays.
  static MULTITUDES_ALWAYS_INLINE wide at_least(wide x, wide limit) noexcept {
    return {_mm512_max_ps(limit.r, x.r)};
  }
  static MULTITUDES_ALWAYS_INLINE wide at_most(wide x, wide limit) noexcept {
    return {_mm512_min_ps(limit.r, x.r)};
  }
  /// `value`, and 0 where x is below the limit.
  static MULTITUDES_ALWAYS_INLINE wide unless_below(wide x, wide limit, wide value) noexcept {
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.r, limit.r, _CMP_NLT_UQ), value.r)};
  }
  MULTITUDES_ALWAYS_INLINE wide magnitude() const noexcept { return {_mm512_abs_ps(r)}; }
  /// Lanes change places with their neighbours: 1 0 3 2 …
  MULTITUDES_ALWAYS_INLINE wide neighbors() const noexcept { return {_mm512_permute_ps(r, 0xb1)}; }
  /// The sum of all lanes: halves, then quarters, eighths, pairs.
  MULTITUDES_ALWAYS_INLINE float sum() const noexcept {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(r), _mm512_extractf32x8_ps(r, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  MULTITUDES_ALWAYS_INLINE float first() const noexcept { return _mm512_cvtss_f32(r); }
  MULTITUDES_ALWAYS_INLINE float largest() const noexcept { return _mm512_reduce_max_ps(r); }
  /// 2 to the integer in the low bits of each lane.
  MULTITUDES_ALWAYS_INLINE wide power_of_two() const noexcept {
    return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(r), 23),
                                                 _mm512_set1_epi32(0x3f800000)))};
  }

  static MULTITUDES_ALWAYS_INLINE wide load_halves(const std::byte* p) noexcept {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  /// Each rounded to nearest, ties to even.
  MULTITUDES_ALWAYS_INLINE void store_halves(std::uint16_t* p) const noexcept {
    // Without optimisation the unmasked one is a macro that GCC warns of.
    constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtps_ph(mask(16), r, nearest));
  }
  static MULTITUDES_ALWAYS_INLINE wide load_chars(const std::byte* p) noexcept {
    const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(packed))};
  }
  static MULTITUDES_ALWAYS_INLINE wide load_bf16(const std::byte* p) noexcept {
    const __m256i packed = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(packed), 16))};
  }
  /// The numbers that bf16 in the low or high halves of 16 words stand for.
  static MULTITUDES_ALWAYS_INLINE wide low_halves(const std::uint32_t* p) noexcept {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16))};
  }
  static MULTITUDES_ALWAYS_INLINE wide high_halves(const std::uint32_t* p) noexcept {
    const __m512i high = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
    return {_mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), high))};
  }
  /// Rounds to the nearest integers, ties to even, and stores them as bytes; gives their sum.
  MULTITUDES_ALWAYS_INLINE int store_rounded(std::int8_t* p) const noexcept {
    const __m512i n = _mm512_cvtps_epi32(r);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(n));
    return _mm512_reduce_add_epi32(n);
  }

  /// Where a sum of dot products begins, for activations that have this offset.
  static MULTITUDES_ALWAYS_INLINE ints from(std::int32_t x) noexcept {
    return {_mm512_set1_epi32(x)};
  }
  static MULTITUDES_ALWAYS_INLINE wide to_float(ints x) noexcept {
    return {_mm512_cvtepi32_ps(x.r)};
  }
  static MULTITUDES_ALWAYS_INLINE bytes load_bytes(const std::byte* p) noexcept {
    return {_mm512_loadu_si512(p)};
  }
  static MULTITUDES_ALWAYS_INLINE void store_bytes(std::byte* p, bytes x) noexcept {
    _mm512_storeu_si512(p, x.r);
  }
  /// 16 times the low or high half of each byte.
  static MULTITUDES_ALWAYS_INLINE bytes low_nibbles(bytes x) noexcept {
    return {_mm512_and_si512(_mm512_slli_epi16(x.r, 4), _mm512_set1_epi8(-16))};
  }
  static MULTITUDES_ALWAYS_INLINE bytes high_nibbles(bytes x) noexcept {
    return {_mm512_and_si512(x.r, _mm512_set1_epi8(-16))};
  }
  /// Adds to lane i the products of its four bytes, unsigned, with four signed ones.
  static MULTITUDES_ALWAYS_INLINE ints dot(ints sum, bytes w, const std::int8_t* four) noexcept {
    std::int32_t x;
    __builtin_memcpy(&x, four, 4);
    return {_mm512_dpbusd_epi32(sum.r, w.r, _mm512_set1_epi32(x))};
  }
};

}  // namespace multitudes::simd::detail::avx512
MULTITUDES_END_REGION

#endif
