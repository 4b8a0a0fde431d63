// SPDX-License-Identifier: MIT
#include <multitudes/simd/widen.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <cstring>

namespace simd = multitudes::simd;
using namespace multitudes_test;

namespace {

constexpr std::size_t tile = simd::detail::tile;

bool same_bits(const float (&a)[tile], const float (&b)[tile]) {
  return std::memcmp(a, b, sizeof(a)) == 0;
}

}  // namespace

TEST_CASE("every byte and every pair of nibbles widens as in the plain loop") {
  for_each_isa([]<class I>() {
    for (const float scale : {1.0f, -0.37f, 0x1p-24f}) {
      for (int first = 0; first < 256; first += 16) {
        std::int8_t bytes[tile];
        std::uint8_t nibbles[tile / 2];
        for (int i = 0; i < 32; ++i) bytes[i] = static_cast<std::int8_t>(first + i - 128);
        for (int i = 0; i < 16; ++i) nibbles[i] = static_cast<std::uint8_t>(first + i);
        float got[tile], expected[tile];
        simd::detail::widen_bytes<I>(bytes, scale, got);
        for (std::size_t i = 0; i < tile; ++i) expected[i] = static_cast<float>(bytes[i]) * scale;
        CHECK(same_bits(got, expected));
        simd::detail::widen_nibbles<I>(nibbles, scale, got);
        for (std::size_t i = 0; i < 16; ++i) {
          expected[i] = static_cast<float>(nibbles[i] % 16 - 8) * scale;
          expected[16 + i] = static_cast<float>(nibbles[i] / 16 - 8) * scale;
        }
        CHECK(same_bits(got, expected));
      }
    }
  });
}

TEST_CASE("every half widens as in the plain loop") {
  for_each_isa([]<class I>() {
    int wrong = 0;
    for (std::uint32_t first = 0; first < 65536; first += tile) {
      std::uint16_t halves[tile];
      for (std::uint32_t i = 0; i < tile; ++i) halves[i] = static_cast<std::uint16_t>(first + i);
      float got[tile], expected[tile];
      simd::detail::widen_halves<I>(halves, got);
      for (std::size_t i = 0; i < tile; ++i) expected[i] = simd::half_to_float(halves[i]);
      wrong += !same_bits(got, expected);
    }
    CHECK(wrong == 0);
  });
}
