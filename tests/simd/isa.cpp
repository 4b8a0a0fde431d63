// SPDX-License-Identifier: MIT
#include <multitudes/simd/isa.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

namespace simd = multitudes::simd;

struct looks_like_an_isa {
  static constexpr bool supported() { return true; }
  static constexpr const char* name() { return "none"; }
};

static_assert(simd::instruction_set<simd::scalar>);
static_assert(!simd::vector_isa<simd::scalar>);
static_assert(simd::instruction_set<simd::native>);
static_assert(!simd::instruction_set<int>);
static_assert(!simd::vector_isa<looks_like_an_isa>);
#if !defined(__AVX512F__)
static_assert(!simd::vector_isa<xsimd::avx512f>);
#endif
#if defined(__SSE2__)
static_assert(simd::vector_isa<simd::native>);
static_assert(simd::vector_isa<xsimd::sse2>);
#endif

static_assert(simd::float_range<std::vector<float>&>);
static_assert(simd::float_range<std::span<const double>>);
static_assert(simd::float_range<const std::array<float, 3>&>);
static_assert(!simd::float_range<std::vector<int>&>);
static_assert(!simd::float_range<float>);

TEST_CASE("the flags' own set has a name") {
  CHECK(simd::scalar::name() == std::string("scalar"));
#if defined(__AVX512BW__)
  CHECK(std::string(simd::native::name()).find("avx512") != std::string::npos);
#elif defined(__SSE2__) && !defined(__SSE3__)
  CHECK(simd::native::name() == std::string("sse2"));
#endif
}
