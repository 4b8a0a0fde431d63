// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/config/regions.hpp>

#if MULTITUDES_X86_REGIONS

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

MULTITUDES_BEGIN_REGION("avx2,fma,f16c")
namespace multitudes::simd::detail::avx2 {

/// 16 floats in two registers. See wide_avx512.hpp for the words.
struct wide {
  static constexpr std::size_t tile_rows = 2;
  static constexpr std::size_t page_queries = 2;
  static constexpr std::size_t dot_rows = 2;

  __m256 a, b;

  struct ints {
    __m256i a, b;
  };
  struct bytes {
    __m256i a, b;
  };

  static MULTITUDES_ALWAYS_INLINE wide all(float x) noexcept {
    return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
  }
  static MULTITUDES_ALWAYS_INLINE wide load(const float* p) noexcept {
    return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
  }
  MULTITUDES_ALWAYS_INLINE void store(float* p) const noexcept {
    _mm256_storeu_ps(p, a);
    _mm256_storeu_ps(p + 8, b);
  }
  /// All bits of the lanes first + i < n.
  static MULTITUDES_ALWAYS_INLINE __m256i mask(std::size_t n, int first) noexcept {
    const __m256i lanes =
        _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(first));
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lanes);
  }
  static MULTITUDES_ALWAYS_INLINE wide load_some(const float* p, std::size_t n) noexcept {
    return {_mm256_maskload_ps(p, mask(n, 0)), _mm256_maskload_ps(p + 8, mask(n, 8))};
  }
  MULTITUDES_ALWAYS_INLINE void store_some(float* p, std::size_t n) const noexcept {
    _mm256_maskstore_ps(p, mask(n, 0), a);
    _mm256_maskstore_ps(p + 8, mask(n, 8), b);
  }
  static MULTITUDES_ALWAYS_INLINE wide first_of(std::size_t n, wide yes, wide no) noexcept {
    return {_mm256_blendv_ps(no.a, yes.a, _mm256_castsi256_ps(mask(n, 0))),
            _mm256_blendv_ps(no.b, yes.b, _mm256_castsi256_ps(mask(n, 8)))};
  }

  friend MULTITUDES_ALWAYS_INLINE wide operator+(wide x, wide y) noexcept {
    return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)};
  }
  friend MULTITUDES_ALWAYS_INLINE wide operator-(wide x, wide y) noexcept {
    return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)};
  }
  friend MULTITUDES_ALWAYS_INLINE wide operator*(wide x, wide y) noexcept {
    return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)};
  }
  friend MULTITUDES_ALWAYS_INLINE wide operator/(wide x, wide y) noexcept {
    return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)};
  }
  static MULTITUDES_ALWAYS_INLINE wide fma(wide x, wide y, wide z) noexcept {
    return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
  }
  static MULTITUDES_ALWAYS_INLINE wide at_least(wide x, wide limit) noexcept {
    return {_mm256_max_ps(limit.a, x.a), _mm256_max_ps(limit.b, x.b)};
  }
  static MULTITUDES_ALWAYS_INLINE wide at_most(wide x, wide limit) noexcept {
    return {_mm256_min_ps(limit.a, x.a), _mm256_min_ps(limit.b, x.b)};
  }
  static MULTITUDES_ALWAYS_INLINE wide unless_below(wide x, wide limit, wide value) noexcept {
    return {_mm256_and_ps(_mm256_cmp_ps(x.a, limit.a, _CMP_NLT_UQ), value.a),
            _mm256_and_ps(_mm256_cmp_ps(x.b, limit.b, _CMP_NLT_UQ), value.b)};
  }
  MULTITUDES_ALWAYS_INLINE wide magnitude() const noexcept {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, a), _mm256_andnot_ps(sign, b)};
  }
  MULTITUDES_ALWAYS_INLINE wide neighbors() const noexcept {
    return {_mm256_permute_ps(a, 0xb1), _mm256_permute_ps(b, 0xb1)};
  }
  MULTITUDES_ALWAYS_INLINE float sum() const noexcept {
    const __m256 eight = _mm256_add_ps(a, b);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  MULTITUDES_ALWAYS_INLINE float first() const noexcept { return _mm256_cvtss_f32(a); }
  MULTITUDES_ALWAYS_INLINE float largest() const noexcept {
    const __m256 eight = _mm256_max_ps(a, b);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
  static MULTITUDES_ALWAYS_INLINE __m256 power_of_two(__m256 low) noexcept {
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(low), 23),
                                                _mm256_set1_epi32(0x3f800000)));
  }
  MULTITUDES_ALWAYS_INLINE wide power_of_two() const noexcept {
    return {power_of_two(a), power_of_two(b)};
  }

  static MULTITUDES_ALWAYS_INLINE wide load_halves(const std::byte* p) noexcept {
    const auto* at = reinterpret_cast<const __m128i*>(p);
    return {_mm256_cvtph_ps(_mm_loadu_si128(at)), _mm256_cvtph_ps(_mm_loadu_si128(at + 1))};
  }
  MULTITUDES_ALWAYS_INLINE void store_halves(std::uint16_t* p) const noexcept {
    constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    auto* at = reinterpret_cast<__m128i*>(p);
    _mm_storeu_si128(at, _mm256_cvtps_ph(a, nearest));
    _mm_storeu_si128(at + 1, _mm256_cvtps_ph(b, nearest));
  }
  static MULTITUDES_ALWAYS_INLINE wide load_chars(const std::byte* p) noexcept {
    const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(packed)),
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(packed, packed)))};
  }
  static MULTITUDES_ALWAYS_INLINE __m256 widen_bf16(const std::byte* p) noexcept {
    const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(packed), 16));
  }
  static MULTITUDES_ALWAYS_INLINE wide load_bf16(const std::byte* p) noexcept {
    return {widen_bf16(p), widen_bf16(p + 16)};
  }
  static MULTITUDES_ALWAYS_INLINE __m256i load_words(const std::uint32_t* p) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static MULTITUDES_ALWAYS_INLINE wide low_halves(const std::uint32_t* p) noexcept {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(load_words(p), 16)),
            _mm256_castsi256_ps(_mm256_slli_epi32(load_words(p + 8), 16))};
  }
  static MULTITUDES_ALWAYS_INLINE wide high_halves(const std::uint32_t* p) noexcept {
    const __m256i high = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
    return {_mm256_castsi256_ps(_mm256_and_si256(load_words(p), high)),
            _mm256_castsi256_ps(_mm256_and_si256(load_words(p + 8), high))};
  }
  MULTITUDES_ALWAYS_INLINE int store_rounded(std::int8_t* p) const noexcept {
    const __m256i low = _mm256_cvtps_epi32(a), high = _mm256_cvtps_epi32(b);
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    const __m128i packed =
        _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
    const __m256i eight = _mm256_add_epi32(low, high);
    const __m128i four =
        _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
  }

  static MULTITUDES_ALWAYS_INLINE ints from(std::int32_t x) noexcept {
    return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
  }
  static MULTITUDES_ALWAYS_INLINE wide to_float(ints x) noexcept {
    return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)};
  }
  static MULTITUDES_ALWAYS_INLINE bytes load_bytes(const std::byte* p) noexcept {
    const auto* at = reinterpret_cast<const __m256i*>(p);
    return {_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)};
  }
  static MULTITUDES_ALWAYS_INLINE void store_bytes(std::byte* p, bytes x) noexcept {
    auto* at = reinterpret_cast<__m256i*>(p);
    _mm256_storeu_si256(at, x.a);
    _mm256_storeu_si256(at + 1, x.b);
  }
  static MULTITUDES_ALWAYS_INLINE bytes low_nibbles(bytes x) noexcept {
    const __m256i high = _mm256_set1_epi8(-16);
    return {_mm256_and_si256(_mm256_slli_epi16(x.a, 4), high),
            _mm256_and_si256(_mm256_slli_epi16(x.b, 4), high)};
  }
  static MULTITUDES_ALWAYS_INLINE bytes high_nibbles(bytes x) noexcept {
    const __m256i high = _mm256_set1_epi8(-16);
    return {_mm256_and_si256(x.a, high), _mm256_and_si256(x.b, high)};
  }
  /// Without an instruction for it: pairs of products must not leave 16 bits, which those of two
  /// unsigned bytes would. The halves of a byte's range are multiplied one after the other.
  static MULTITUDES_ALWAYS_INLINE __m256i dot(__m256i sum, __m256i w, __m256i x) noexcept {
    const __m256i ones = _mm256_set1_epi16(1), seven_bits = _mm256_set1_epi8(127);
    const __m256i low = _mm256_and_si256(w, seven_bits);
    // 128 where the highest bit is set: -128 * x in 16 bits, as the sign of 128 is lost otherwise.
    const __m256i top = _mm256_andnot_si256(seven_bits, w);
    const __m256i pairs = _mm256_maddubs_epi16(low, x);
    const __m256i high_pairs = _mm256_maddubs_epi16(top, x);
    return _mm256_add_epi32(
        sum, _mm256_add_epi32(_mm256_madd_epi16(pairs, ones), _mm256_madd_epi16(high_pairs, ones)));
  }
  static MULTITUDES_ALWAYS_INLINE ints dot(ints sum, bytes w, const std::int8_t* four) noexcept {
    std::int32_t x;
    __builtin_memcpy(&x, four, 4);
    const __m256i inputs = _mm256_set1_epi32(x);
    return {dot(sum.a, w.a, inputs), dot(sum.b, w.b, inputs)};
  }
};

}  // namespace multitudes::simd::detail::avx2
MULTITUDES_END_REGION

#endif
