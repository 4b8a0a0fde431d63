// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/half.hpp>
#include <multitudes/simd/isa.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

// Narrow numbers to floats, 32 at a time. xsimd has no word for it that all its versions share,
// so the wide x86 sets say it in their own; the loops say the same, to the bit.
namespace multitudes::simd::detail {

inline constexpr std::size_t tile = 32;

// See isa.hpp: the same false warning, here for our own calls.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#if defined(__AVX2__)
/// Sets with a widening of bytes that is worth naming.
template <class I>
concept widens_bytes = std::derived_from<I, xsimd::avx2> || std::derived_from<I, xsimd::avx512f>;

/// 16 signed bytes, scaled.
template <widens_bytes I>
MULTITUDES_ALWAYS_INLINE void widen_16(__m128i bytes, float scale, float* to) noexcept {
#if defined(__AVX512F__)
  if constexpr (std::derived_from<I, xsimd::avx512f>) {
    const __m512 floats = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
    _mm512_storeu_ps(to, _mm512_mul_ps(floats, _mm512_set1_ps(scale)));
    return;
  }
#endif
  const __m256 factor = _mm256_set1_ps(scale);
  const __m256 low = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
  const __m256 high = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes)));
  _mm256_storeu_ps(to, _mm256_mul_ps(low, factor));
  _mm256_storeu_ps(to + 8, _mm256_mul_ps(high, factor));
}
#endif

/// `to[i] = from[i] * scale`.
template <instruction_set I>
MULTITUDES_ALWAYS_INLINE void widen_bytes(const std::int8_t (&from)[tile], float scale,
                                          float* to) noexcept {
#if defined(__AVX2__)
  if constexpr (widens_bytes<I>) {
    for (std::size_t i = 0; i < tile; i += 16) {
      widen_16<I>(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)), scale, to + i);
    }
    return;
  }
#endif
  for (std::size_t i = 0; i < tile; ++i) to[i] = static_cast<float>(from[i]) * scale;
}

/// `to[i] = (nibble i - 8) * scale`: the low nibbles, then the high ones.
template <instruction_set I>
MULTITUDES_ALWAYS_INLINE void widen_nibbles(const std::uint8_t (&from)[tile / 2], float scale,
                                            float* to) noexcept {
#if defined(__AVX2__)
  if constexpr (widens_bytes<I>) {
    const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i mask = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
    const __m128i low = _mm_and_si128(packed, mask);
    const __m128i high = _mm_and_si128(_mm_srli_epi16(packed, 4), mask);
    widen_16<I>(_mm_sub_epi8(low, eight), scale, to);
    widen_16<I>(_mm_sub_epi8(high, eight), scale, to + tile / 2);
    return;
  }
#endif
  // Two loops: GCC vectorizes them, but not one that does both.
  for (std::size_t i = 0; i < tile / 2; ++i) {
    to[i] = static_cast<float>((from[i] & 15) - 8) * scale;
  }
  for (std::size_t i = 0; i < tile / 2; ++i) {
    to[tile / 2 + i] = static_cast<float>((from[i] >> 4) - 8) * scale;
  }
}

/// `to[i]` = the value of the half `from[i]`.
template <instruction_set I>
MULTITUDES_ALWAYS_INLINE void widen_halves(const std::uint16_t (&from)[tile], float* to) noexcept {
#if defined(__AVX512F__)
  if constexpr (std::derived_from<I, xsimd::avx512f>) {
    for (std::size_t i = 0; i < tile; i += 16) {
      const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
      _mm512_storeu_ps(to + i, _mm512_cvtph_ps(halves));
    }
    return;
  }
#endif
#if defined(__AVX2__) && defined(__F16C__)
  if constexpr (std::derived_from<I, xsimd::avx2>) {
    for (std::size_t i = 0; i < tile; i += 8) {
      const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
      _mm256_storeu_ps(to + i, _mm256_cvtph_ps(halves));
    }
    return;
  }
#endif
  for (std::size_t i = 0; i < tile; ++i) to[i] = half_to_float(from[i]);
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace multitudes::simd::detail
