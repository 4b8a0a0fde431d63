// SPDX-License-Identifier: MIT
#include "sweep.hpp"

#include <multitudes/simd/attention.hpp>

#include <doctest/doctest.h>

#include <cmath>

namespace simd = multitudes::simd;
using namespace multitudes_test;

namespace {

std::vector<float> waves(std::size_t n, float phase) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = std::sin(phase + 1.7f * static_cast<float>(i));
  return x;
}

}  // namespace

TEST_CASE("scores and sums of a page equal the twin's for every number of positions and width") {
  constexpr std::size_t stride = 33;
  for (const std::size_t width : std::vector<std::size_t>{1, 2, 7, 8, 15, 16, 17, 32, 48, 64}) {
    for (std::size_t n = 0; n <= 32; ++n) {
      CAPTURE(width);
      CAPTURE(n);
      const auto query = waves(width, 0.1f);
      const auto keys = waves(width * stride, 0.2f);
      const auto values = waves(n * (width + 3) + 1, 0.3f);
      std::vector<float> twin(n + 1, 7.0f);
      std::vector<float> sum_twin = waves(width + 1, 0.4f);
      simd::page_scores<simd::scalar, float>(query, keys.data(), stride, 0.5f,
                                             std::span(twin).first(n));
      simd::add_page<simd::scalar, float>(0.3f, std::span(twin).first(n), values.data(), width + 3,
                                          std::span(sum_twin).first(width));
      for_each_isa([&]<class I>() {
        std::vector<float> scores(n + 1, 7.0f);
        std::vector<float> sum = waves(width + 1, 0.4f);
        simd::page_scores<I, float>(query, keys.data(), stride, 0.5f, std::span(scores).first(n));
        simd::add_page<I, float>(0.3f, std::span(twin).first(n), values.data(), width + 3,
                                 std::span(sum).first(width));
        // The same chain of sums, rounded once or twice a step: at most one rounding a term,
        // each of a partial sum that is at most as large as the number of terms.
        const float tolerance = 6e-8f * static_cast<float>((width + 1) * (width + 1));
        for (std::size_t j = 0; j < n; ++j) CHECK(std::abs(scores[j] - twin[j]) <= tolerance);
        float sizes = 1;
        for (std::size_t j = 0; j < n; ++j) sizes += std::abs(twin[j]);
        for (std::size_t e = 0; e < width; ++e) {
          CHECK(std::abs(sum[e] - sum_twin[e]) <= 1.2e-7f * sizes * static_cast<float>(n + 1));
        }
        CHECK(scores[n] == 7.0f);
        CHECK(sum[width] == sum_twin[width]);
      });
    }
  }
}

TEST_CASE("a position's score has the same bits however many others are asked for") {
  const auto query = waves(24, 0.1f);
  const auto keys = waves(24 * 32, 0.2f);
  std::vector<float> all(32);
  simd::page_scores<simd::native, float>(query, keys.data(), 32, 0.5f, all);
  for (std::size_t n = 1; n < 32; ++n) {
    std::vector<float> some(n);
    simd::page_scores<simd::native, float>(query, keys.data(), 32, 0.5f, some);
    CHECK(std::equal(some.begin(), some.end(), all.begin()));
  }
}
