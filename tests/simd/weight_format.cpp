// SPDX-License-Identifier: MIT
#include <multitudes/simd/panel.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;
using simd::weight_format;

static_assert(simd::block_elements(weight_format::f32) == 1);
static_assert(simd::block_bytes(weight_format::f32) == 4);
static_assert(simd::block_bytes(weight_format::f16) == 2);
static_assert(simd::block_bytes(weight_format::bf16) == 2);
static_assert(simd::block_elements(weight_format::q8_0) == 32);
static_assert(simd::block_bytes(weight_format::q8_0) == 34);
static_assert(simd::block_elements(weight_format::q4_0) == 32);
static_assert(simd::block_bytes(weight_format::q4_0) == 18);
static_assert(simd::packed_bytes(weight_format::q4_0, 64) == 36);
static_assert(simd::weight_matrix{weight_format::q8_0, 3, 96, nullptr}.row_bytes() == 102);

namespace {

std::vector<int> packed(weight_format format, std::span<const float> x) {
  std::vector<std::byte> bytes(simd::packed_bytes(format, x.size()));
  simd::pack_row(format, x, bytes.data());
  std::vector<int> out;
  for (const std::byte b : bytes) out.push_back(std::to_integer<int>(b));
  return out;
}

}  // namespace

TEST_CASE("packed bytes by hand: F32, F16, BF16") {
  const std::array<float, 2> x{1.0f, -0.5f};
  CHECK(packed(weight_format::f32, x) == std::vector<int>{0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf});
  CHECK(packed(weight_format::f16, x) == std::vector<int>{0, 0x3c, 0, 0xb8});
  CHECK(packed(weight_format::bf16, x) == std::vector<int>{0x80, 0x3f, 0, 0xbf});
}

TEST_CASE("packed bytes by hand: Q8_0 rounds halves away from zero") {
  std::array<float, 32> x{127.0f, -127.0f, 2.5f, -2.5f, 0.4f, -0.6f};
  x[31] = 100.0f;
  std::vector<int> expected(34, 0);
  const int head[] = {0x00, 0x3c, 127, 256 - 127, 3, 256 - 3, 0, 256 - 1};
  std::copy(std::begin(head), std::end(head), expected.begin());
  expected[33] = 100;
  CHECK(packed(weight_format::q8_0, x) == expected);
  CHECK(packed(weight_format::q8_0, std::array<float, 32>{}) == std::vector<int>(34, 0));
}

TEST_CASE("packed bytes by hand: Q4_0 maps the extreme element to -8") {
  std::array<float, 32> x{-8.0f, 7.0f, 3.4f, -3.6f, 8.0f};
  x[16] = -1.0f;
  x[31] = 6.0f;
  // Elements 0..15 low, 16..31 high; zero is nibble 8. The later 8 does not replace the -8 and
  // is clamped to 7.
  std::vector<int> expected(18, 0x88);
  expected[0] = 0x00;
  expected[1] = 0x3c;
  expected[2] = 0x70;   // -8 low, -1 high
  expected[3] = 0x8f;   // 7
  expected[4] = 0x8b;   // 3.4 + 8.5 = 11.9
  expected[5] = 0x84;   // -3.6 + 8.5 = 4.9
  expected[6] = 0x8f;   // 8 + 8.5 = 16.5
  expected[17] = 0xe8;  // 6 high
  CHECK(packed(weight_format::q4_0, x) == expected);

  std::array<float, 32> positive{};
  positive[5] = 8.0f;  // the extreme is positive: the scale is -1
  expected.assign(18, 0x88);
  expected[0] = 0x00;
  expected[1] = 0xbc;
  expected[7] = 0x80;
  CHECK(packed(weight_format::q4_0, positive) == expected);
  expected.assign(18, 0x88);
  expected[0] = expected[1] = 0;
  expected[1] = 0x80;  // 0 / -8 is -0
  CHECK(packed(weight_format::q4_0, std::array<float, 32>{}) == expected);
}

TEST_CASE("unpacked values by hand") {
  std::array<std::byte, 2 * 34> q8{};
  q8[34 + 1] = std::byte{0x38};  // second block, scale 0.5
  q8[34 + 2] = std::byte{0x80};  // -128
  q8[34 + 33] = std::byte{0x03};
  const simd::weight_matrix w8{weight_format::q8_0, 1, 64, q8.data()};
  std::array<std::byte, 2 * 18> q4{};
  q4[1] = std::byte{0x40};        // scale 2; all nibbles 0 are -8
  q4[2] = std::byte{0xf7};        // element 0: -1, element 16: 7
  q4[18 + 1] = std::byte{0xc0};   // scale -2
  q4[18 + 17] = std::byte{0x19};  // element 15: 1, element 31: -7
  const simd::weight_matrix w4{weight_format::q4_0, 1, 64, q4.data()};
  std::array<float, 64> out{};
  simd::unpack_row<simd::native>(w8, 0, out);
  CHECK(out[0] == 0.0f);
  CHECK(out[32] == -64.0f);
  CHECK(out[33] == 0.0f);
  CHECK(out[63] == 1.5f);
  simd::unpack_row<simd::native>(w4, 0, out);
  CHECK(out[0] == -2.0f);
  CHECK(out[1] == -16.0f);
  CHECK(out[16] == 14.0f);
  CHECK(out[17] == -16.0f);
  CHECK(out[32 + 0] == 16.0f);
  CHECK(out[32 + 15] == -2.0f);
  CHECK(out[32 + 31] == 14.0f);
}

TEST_CASE("packing and unpacking returns each weight within half a step") {
  for (const auto format : {weight_format::f32, weight_format::f16, weight_format::bf16,
                            weight_format::q8_0, weight_format::q4_0}) {
    const std::size_t block = simd::block_elements(format);
    for (std::size_t blocks = 0; blocks <= (block == 1 ? 70u : 5u); ++blocks) {
      const std::size_t n = blocks * block;
      // Two rows at every alignment, so that row starts are misaligned as well.
      for (std::size_t offset = 0; offset < 4; ++offset) {
        std::vector<float> x(2 * n);
        fill<float>(x, static_cast<std::uint32_t>(n + 1));
        const std::size_t row_bytes = simd::packed_bytes(format, n);
        std::vector<std::byte> bytes(offset + 2 * row_bytes + 8, std::byte{0xa5});
        simd::pack_row(format, std::span<const float>(x).first(n), bytes.data() + offset);
        simd::pack_row(format, std::span<const float>(x).last(n),
                       bytes.data() + offset + row_bytes);
        CHECK(bytes.back() == std::byte{0xa5});
        CHECK(bytes[offset + 2 * row_bytes] == std::byte{0xa5});
        const simd::weight_matrix w{format, 2, n, bytes.data() + offset};
        for (std::size_t row = 0; row < 2; ++row) {
          guarded<float> got(n, offset), twin(n, 0);
          simd::unpack_row<simd::native>(w, row, got.span());
          simd::unpack_row<simd::scalar>(w, row, twin.span());
          bool good = got.intact();
          for (std::size_t i = 0; i < n; ++i) {
            const float exact = x[row * n + i];
            float largest = 0;
            for (std::size_t k = i / block * block; k < i / block * block + block; ++k) {
              largest = std::max(largest, std::fabs(x[row * n + k]));
            }
            // Half the distance of neighbors; the scale itself is a half with 11 bits, times
            // at most 127 or 8 steps. Q4_0's top step is clamped: a whole step there.
            const float bound = format == weight_format::f32    ? 0
                                : format == weight_format::f16  ? 0x1p-11f * largest
                                : format == weight_format::bf16 ? 0x1p-8f * largest
                                : format == weight_format::q8_0
                                    ? largest * (0.5f / 127 + 0x1p-11f) * 1.001f
                                    : largest * (1.0f / 8 + 0x1p-11f) * 1.001f;
            good &= near(got[i], exact, bound) && got[i] == twin[i];
          }
          CHECK(good);
        }
      }
    }
  }
}

TEST_CASE("every half unpacks to its value in vectors too") {
  std::vector<std::uint16_t> halves(65536);
  for (std::size_t h = 0; h < halves.size(); ++h) halves[h] = static_cast<std::uint16_t>(h);
  const simd::weight_matrix w{weight_format::f16, 1, 65536,
                              reinterpret_cast<const std::byte*>(halves.data())};
  std::vector<float> out(65536);
  simd::unpack_row<simd::native>(w, 0, out);
  int wrong = 0;
  for (std::size_t h = 0; h < halves.size(); ++h) {
    const float expected = simd::half_to_float(halves[h]);
    wrong += std::memcmp(&out[h], &expected, 4) != 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("no number is undefined to pack") {
  // The undefined-behavior sanitizer is the judge; the blocks are valid whatever they hold.
  const float odd[] = {std::numeric_limits<float>::quiet_NaN(),
                       std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max(),
                       std::numeric_limits<float>::denorm_min()};
  for (const auto format :
       {weight_format::f16, weight_format::bf16, weight_format::q8_0, weight_format::q4_0}) {
    for (const float value : odd) {
      std::array<float, 32> x{};
      x[3] = value;
      x[20] = -value / 2;
      CHECK(packed(format, x).size() == simd::packed_bytes(format, 32));
    }
  }
}
