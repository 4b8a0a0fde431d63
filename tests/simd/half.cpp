// SPDX-License-Identifier: MIT
#include <multitudes/simd/half.hpp>

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>

namespace simd = multitudes::simd;

namespace {

/// The value by definition of the format.
float half_by_definition(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  const float sign = half & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31) return sign * std::numeric_limits<float>::infinity();
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

}  // namespace

static_assert(simd::half_to_float(0x3c00) == 1.0f);
static_assert(simd::float_to_half(-2.0f) == 0xc000);
static_assert(simd::bf16_to_float(0x3f80) == 1.0f);
static_assert(simd::float_to_bf16(-2.0f) == 0xc000);

TEST_CASE("every half has the value that its definition says") {
  int wrong = 0;
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    const float got = simd::half_to_float(half);
    if ((h & 0x7fff) > 0x7c00) {
      wrong += !std::isnan(got) || std::signbit(got) != (h >= 0x8000);
    } else {
      wrong += std::bit_cast<std::uint32_t>(got) !=
               std::bit_cast<std::uint32_t>(half_by_definition(half));
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("every half survives the way through a float") {
  int wrong = 0;
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const std::uint32_t quiet = (h & 0x7fff) > 0x7c00 ? h | 0x0200 : h;
    wrong += simd::float_to_half(simd::half_to_float(static_cast<std::uint16_t>(h))) != quiet;
  }
  CHECK(wrong == 0);
}

TEST_CASE("floats between two halves go to the nearer, and the middle to the even one") {
  int wrong = 0;
  for (std::uint32_t h = 0; h < 0x7c00; ++h) {  // the last has infinity above it
    const float low = simd::half_to_float(static_cast<std::uint16_t>(h));
    // The neighbor above the largest half would be 65536.
    const float high =
        h == 0x7bff ? 65536.0f : simd::half_to_float(static_cast<std::uint16_t>(h + 1));
    const float middle = low + (high - low) / 2;  // exact
    for (const std::uint32_t sign : {0u, 0x8000u}) {
      const auto half = [&](float x) { return simd::float_to_half(sign ? -x : x); };
      wrong += half(middle) != (sign | (h + (h & 1)));
      wrong += half(std::nextafter(middle, 0.0f)) != (sign | h);
      wrong += half(std::nextafter(middle, 1e30f)) != (sign | (h + 1));
    }
  }
  CHECK(wrong == 0);
  CHECK(simd::float_to_half(1e30f) == 0x7c00);
  CHECK(simd::float_to_half(1e-30f) == 0);
  CHECK(simd::float_to_half(-std::numeric_limits<float>::denorm_min()) == 0x8000);
  CHECK(simd::float_to_half(-std::numeric_limits<float>::infinity()) == 0xfc00);
  CHECK((simd::float_to_half(std::numeric_limits<float>::quiet_NaN()) & 0x7fff) > 0x7c00);
}

TEST_CASE("every bfloat16 is the upper half of a float, and rounding to it is to nearest even") {
  int wrong = 0;
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    const bool nan = (h & 0x7fff) > 0x7f80;
    wrong += std::bit_cast<std::uint32_t>(simd::bf16_to_float(half)) != h << 16;
    wrong += simd::float_to_bf16(simd::bf16_to_float(half)) != (nan ? h | 0x0040 : h);
    if ((h & 0x7fff) < 0x7f80) {
      const auto round = [&](std::uint32_t low) {
        return simd::float_to_bf16(std::bit_cast<float>(h << 16 | low));
      };
      wrong += round(0x7fff) != h;
      wrong += round(0x8000) != h + (h & 1);
      wrong += round(0x8001) != h + 1;
    }
  }
  CHECK(wrong == 0);
  // A signalling NaN whose payload lies in the lower half must not become infinity.
  CHECK(simd::float_to_bf16(std::bit_cast<float>(0x7f800001u)) == 0x7fc0);
}
