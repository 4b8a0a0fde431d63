// SPDX-License-Identifier: MIT
#include <multitudes/simd/row_blocks.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;

namespace {

template <class Element>
void check_places(float (*rounded)(float)) {
  sweep<float>([&](std::size_t n, std::size_t offset) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{3}}) {
      std::vector<Element> blocks(simd::elements_of_rows<Element>(count, n) + 1, Element(7));
      std::vector<guarded<float>> rows;
      for (std::size_t r = 0; r < count; ++r) {
        rows.push_back(random_numbers<float>(n, offset, static_cast<std::uint32_t>(r)));
        simd::put_row<Element>(rows[r].span(), r, count, blocks.data());
      }
      CHECK(blocks.back() == Element(7));
      bool same = true;
      for (std::size_t r = 0; r < count; ++r) {
        for (std::size_t i = 0; i < (n + 31) / 32 * 32; ++i) {
          same = same && simd::number_of_row(blocks.data(), count, r, i) ==
                             (i < n ? rounded(rows[r][i]) : 0.0f);
        }
      }
      CHECK(same);
    }
  });
}

}  // namespace

TEST_CASE("every row is found where it was put, and zeros behind its last number") {
  check_places<float>([](float x) { return x; });
  check_places<std::uint32_t>([](float x) { return simd::bf16_to_float(simd::float_to_bf16(x)); });
}

TEST_CASE("blocks of all rows follow each other, and a single row lies as it is") {
  CHECK(simd::block_of_row<float>(3, 2, 0) == 64);
  CHECK(simd::block_of_row<float>(3, 0, 32) == 96);
  CHECK(simd::block_of_row<std::uint32_t>(3, 1, 40) == 64);
  CHECK(simd::block_of_row<float>(1, 0, 64) == 64);
}
