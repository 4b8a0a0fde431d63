// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/config/regions.hpp>
#include <multitudes/simd/detail/wide_avx2.hpp>

#if MULTITUDES_X86_REGIONS

#include <cpuid.h>
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

MULTITUDES_BEGIN_REGION("avxvnni,avx2,fma,f16c")
namespace multitudes::simd::detail::avxvnni {

/// Dot products of bytes in registers of 256 bits, where AVX2 is all else that there is.
struct dots {
  using ints = avx2::wide::ints;
  using bytes = avx2::wide::bytes;
  static constexpr std::size_t tile_rows = 2;

  static MULTITUDES_ALWAYS_INLINE ints from(std::int32_t offset) noexcept {
    return avx2::wide::from(offset);
  }
  static MULTITUDES_ALWAYS_INLINE ints dot(ints sum, bytes w, const std::int8_t* four) noexcept {
    std::int32_t x;
    __builtin_memcpy(&x, four, 4);
    const __m256i inputs = _mm256_set1_epi32(x);
    return {_mm256_dpbusd_avx_epi32(sum.a, w.a, inputs),
            _mm256_dpbusd_avx_epi32(sum.b, w.b, inputs)};
  }
};

}  // namespace multitudes::simd::detail::avxvnni
MULTITUDES_END_REGION

namespace multitudes::simd::detail {

/// Of processors that have AVX2; compilers' own questions do not all know this name.
inline bool has_avxvnni_instructions() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1u << 4)) != 0;
}

}  // namespace multitudes::simd::detail

#endif
