// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/stats/correlation.hpp>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using namespace multitudes::stats;
using multitudes::philox;
using numbers = std::vector<double>;

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST_CASE("correlations are those of small examples") {
  CHECK(*correlation(numbers{1, 2, 3}, numbers{2, 4, 6}) == doctest::Approx(1));
  CHECK(*correlation(numbers{1, 2, 3}, numbers{3, 2, 1}) == doctest::Approx(-1));
  CHECK(*correlation(numbers{1, 2, 3, 4}, numbers{1, 3, 2, 4}) == doctest::Approx(0.8));
  CHECK(*rank_correlation(numbers{1, 2, 3, 100}, numbers{1, 3, 2, 1000}) == doctest::Approx(0.8));
}

TEST_CASE("equal items share their ranks, and infinite ones have one") {
  CHECK(ranks(numbers{5, 1, 5, infinity}) == numbers{1.5, 0, 1.5, 3});
  CHECK(*rank_correlation(numbers{1, 2, infinity}, numbers{-infinity, 0, 7}) == doctest::Approx(1));
}

TEST_CASE("what has no correlation has none") {
  CHECK(!correlation(numbers{1, 2}, numbers{1, 2}).has_value());
  CHECK(!correlation(numbers{1, 2, 3}, numbers{1, 2}).has_value());
  CHECK(!correlation(numbers{1, 1, 1}, numbers{1, 2, 3}).has_value());
  CHECK(!correlation(numbers{1, 2, infinity}, numbers{1, 2, 3}).has_value());
  CHECK(!rank_correlation(numbers{1, 2, std::nan("")}, numbers{1, 2, 3}).has_value());
}

TEST_CASE("the interval holds the correlation and narrows with more pairs") {
  philox random(1);
  const auto pairs = [&](std::size_t n) {
    std::vector<numbers> xy(2);
    for (std::size_t i = 0; i < n; ++i) {
      xy[0].push_back(static_cast<double>(random.normal()));
      xy[1].push_back(xy[0].back() + static_cast<double>(random.normal()));
    }
    return xy;
  };
  const auto few = pairs(8);
  const auto many = pairs(200);
  const interval wide = rank_correlation_interval(few[0], few[1], 0.95, 400, random);
  const interval narrow = rank_correlation_interval(many[0], many[1], 0.95, 400, random);
  CHECK(wide.contains(*rank_correlation(few[0], few[1])));
  CHECK(narrow.low > 0.5);
  CHECK(narrow.high < 0.85);
  CHECK(wide.width() > 2 * narrow.width());
  CHECK(rank_correlation_interval(few[0], numbers{1}, 0.95, 10, random) == interval{-1, 1});
}

}  // namespace
