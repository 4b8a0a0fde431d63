// SPDX-License-Identifier: MIT
#include <multitudes/simd/rotary.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;

namespace {

template <class I, class T>
void turn(std::span<T> head, std::span<const T> cosines, std::span<const T> sines,
          simd::rotary_layout layout) {
  simd::rotate_heads<I, T>(head, head.size(), cosines, sines, layout);
}

}  // namespace

TEST_CASE_TEMPLATE("rotate agrees with its twin and leaves the rest alone", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t m, std::size_t offset) {
      guarded<T> cosines(m, offset), sines(m, 3 - offset);
      for (std::size_t i = 0; i < m; ++i) {
        cosines[i] = std::cos(static_cast<T>(i) + T(0.3));
        sines[i] = std::sin(static_cast<T>(i) + T(0.3));
      }
      for (const auto layout :
           {simd::rotary_layout::interleaved, simd::rotary_layout::half_split}) {
        const auto before = random_numbers<T>(2 * m + 5, offset, 1);
        auto got = before, twin = before;
        turn<I, T>(got.span(), cosines.span(), sines.span(), layout);
        turn<simd::scalar, T>(twin.span(), cosines.span(), sines.span(), layout);
        bool good = got.intact();
        for (std::size_t i = 0; i < 2 * m; ++i) {
          // Magnitudes up to 1.5, two products and a sum on either side.
          good &= near(got[i], twin[i], 3 * epsilon<T>);
        }
        for (std::size_t i = 2 * m; i < 2 * m + 5; ++i) good &= got[i] == before[i];
        CHECK(good);
      }
    });
  });
}

TEST_CASE("a quarter turn sends (1, 2) to (-2, 1) in either layout") {
  const std::vector<float> cosines{0, 1}, sines{1, 0};
  std::vector<float> head{1, 2, 3, 4, 5};
  turn<simd::native, float>(head, cosines, sines, simd::rotary_layout::interleaved);
  CHECK(head == std::vector<float>{-2, 1, 3, 4, 5});
  head = {1, 3, 2, 4, 5};
  turn<simd::native, float>(head, cosines, sines, simd::rotary_layout::half_split);
  CHECK(head == std::vector<float>{-2, 3, 1, 4, 5});
}

TEST_CASE_TEMPLATE("the heads of a row turn as each alone", T, float, double) {
  for_each_isa([]<class I>() {
    for (const std::size_t head_dim : {1u, 2u, 4u, 6u, 8u, 16u, 18u, 32u, 40u}) {
      for (const std::size_t m : {head_dim / 4, head_dim / 2}) {
        for (const std::size_t n_heads : {1u, 2u, 3u, 7u}) {
          CAPTURE(head_dim);
          CAPTURE(m);
          CAPTURE(n_heads);
          const auto cosines = random_numbers<T>(m, 0, 1), sines = random_numbers<T>(m, 0, 2);
          for (const auto layout :
               {simd::rotary_layout::interleaved, simd::rotary_layout::half_split}) {
            auto row = random_numbers<T>(n_heads * head_dim, 1, 3), alone = row;
            simd::rotate_heads<I, T>(row.span(), head_dim, cosines.span(), sines.span(), layout);
            for (std::size_t h = 0; h < n_heads; ++h) {
              // Beside an element that stays, so that no register holds several heads.
              std::vector<T> head(head_dim + 1);
              const auto place = alone.span().subspan(h * head_dim, head_dim);
              std::copy(place.begin(), place.end(), head.begin());
              turn<I, T>(head, cosines.span(), sines.span(), layout);
              std::copy(head.begin(), head.end() - 1, place.begin());
            }
            CHECK(row.intact());
            // Sets without a fused multiply-add leave it to the compiler, under wider flags than
            // theirs, where to fuse: there the last bits may differ.
            const auto is_same = [](T x, T y) {
              return std::same_as<I, simd::native> ? x == y : std::abs(x - y) <= T(1e-6);
            };
            CHECK(std::equal(row.span().begin(), row.span().end(), alone.span().begin(), is_same));
          }
        }
      }
    }
  });
}
