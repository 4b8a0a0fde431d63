// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/summary.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

namespace {

using namespace multitudes::stats;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<double> normal_items(std::size_t n, std::uint64_t seed) {
  multitudes::philox random(seed);
  std::vector<double> items(n);
  for (double& x : items) x = static_cast<double>(random.normal());
  return items;
}

TEST_CASE("mean and standard deviation match values worked out by hand") {
  const std::vector<double> items{2, 4, 4, 4, 5, 5, 7, 9};  // squared distances sum to 32
  CHECK(mean(items).value() == doctest::Approx(5));
  CHECK(standard_deviation(items).value() == doctest::Approx(std::sqrt(32.0 / 7.0)));
}

TEST_CASE("quantiles interpolate between neighbors") {
  const std::vector<double> items{40, 10, 30, 20};
  CHECK(quantile(items, 0.0) == 10);
  CHECK(quantile(items, 1.0) == 40);
  CHECK(quantile(items, 0.25).value() == doctest::Approx(17.5));
  CHECK(quantile(items, 0.9).value() == doctest::Approx(37));
  CHECK(median(items).value() == doctest::Approx(25));
  CHECK(median(std::vector<double>{3, 1, 2}) == 2);
  CHECK(items == std::vector<double>{40, 10, 30, 20});
}

TEST_CASE("one item is its own mean and quantile and has no standard deviation") {
  const std::vector<double> one{-3.5};
  CHECK(mean(one) == -3.5);
  CHECK(median(one) == -3.5);
  CHECK(quantile(one, 0.123) == -3.5);
  CHECK(standard_deviation(one) == std::nullopt);
}

TEST_CASE("equal items have exactly no spread, whatever their binary form") {
  const std::vector<double> items(7, 0.1);
  CHECK(standard_deviation(items) == 0.0);
  CHECK(mean(items) == 0.1);
}

TEST_CASE("a small spread on a large mean keeps its digits") {
  const std::vector<double> items{1e9 + 1, 1e9 + 2, 1e9 + 3};
  CHECK(standard_deviation(items).value() == doctest::Approx(1).epsilon(1e-12));
}

TEST_CASE("summaries of nothing, of NaN and of infinity are nothing") {
  const std::vector<double> none;
  CHECK(mean(none) == std::nullopt);
  CHECK(standard_deviation(none) == std::nullopt);
  CHECK(median(none) == std::nullopt);
  for (const double bad : {nan, infinity, -infinity}) {
    for (std::size_t place = 0; place < 3; ++place) {
      std::vector<double> items{1, 2, 3};
      items[place] = bad;
      CHECK(mean(items) == std::nullopt);
      CHECK(standard_deviation(items) == std::nullopt);
      CHECK(median(items) == std::nullopt);
      CHECK(quantile(items, 1.0) == std::nullopt);
    }
  }
}

TEST_CASE("a quantile outside 0 to 1 is nothing") {
  const std::vector<double> items{1, 2, 3};
  for (const double q : {-0.01, 1.01, nan, infinity}) CHECK(quantile(items, q) == std::nullopt);
}

TEST_CASE("results that overflow are nothing, and quantiles do not overflow") {
  const double most = std::numeric_limits<double>::max();
  const std::vector<double> items{-most, most, most};
  CHECK(standard_deviation(items) == std::nullopt);
  CHECK(quantile(items, 0.25).value() == doctest::Approx(0));
  CHECK(quantile(items, 0.75) == most);
}

TEST_CASE("quantiles rise with q and stay between the smallest and the largest item") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<double> items = normal_items(1 + seed % 13, seed);
    double last = *std::min_element(items.begin(), items.end());
    CHECK(quantile(items, 0.0) == last);
    for (int i = 1; i <= 40; ++i) {
      const double next = quantile(items, i / 40.0).value();
      CHECK(next >= last - 1e-12);
      last = next;
    }
    CHECK(last == *std::max_element(items.begin(), items.end()));
  }
}

TEST_CASE("shifting moves the mean and not the spread; scaling scales both") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<double> items = normal_items(2 + seed, seed);
    std::vector<double> changed = items;
    for (double& x : changed) x = -3 * x + 10;
    CHECK(mean(changed).value() == doctest::Approx(-3 * mean(items).value() + 10));
    CHECK(standard_deviation(changed).value() ==
          doctest::Approx(3 * standard_deviation(items).value()));
  }
}

}  // namespace
