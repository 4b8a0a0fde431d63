// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/stats/bootstrap.hpp>
#include <tests/support/long_run.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace {

using namespace multitudes::stats;
using multitudes::philox;

std::vector<double> normal_items(std::size_t n, std::uint64_t seed) {
  philox random(seed, 1);
  std::vector<double> items(n);
  for (double& x : items) x = static_cast<double>(random.normal());
  return items;
}

interval of_mean(std::span<const double> items, double confidence, std::uint64_t seed) {
  philox random(seed);
  return bootstrap(items, mean, confidence, 400, random);
}

TEST_CASE("the same seed gives the same interval and another seed another") {
  const std::vector<double> items = normal_items(20, 7);
  CHECK(of_mean(items, 0.9, 1) == of_mean(items, 0.9, 1));
  CHECK(of_mean(items, 0.9, 1) != of_mean(items, 0.9, 2));
}

TEST_CASE("a bootstrap draws one number for each item of each resample") {
  const std::vector<double> items = normal_items(20, 7);
  philox random(3);
  (void)bootstrap(items, mean, 0.9, 50, random);
  CHECK(random.drawn() == 20 * 50);
}

TEST_CASE("a statistic may return a plain number") {
  const std::vector<double> items = normal_items(20, 7);
  philox random(1);
  const auto plain_mean = [](std::span<const double> some) { return mean(some).value(); };
  CHECK(bootstrap(items, plain_mean, 0.9, 400, random) == of_mean(items, 0.9, 1));
}

TEST_CASE("a mean's interval has the width that the normal distribution predicts") {
  const std::vector<double> items = normal_items(400, 11);
  const interval found = of_mean(items, 0.95, 5);
  const double predicted = 2 * 1.96 * standard_deviation(items).value() / std::sqrt(400.0);
  CHECK(found.contains(mean(items).value()));
  // The 2.5% quantile of 400 resamples has a standard error of some 7% of the half width.
  CHECK(found.width() == doctest::Approx(predicted).epsilon(0.2));
}

TEST_CASE("more confidence never gives a narrower interval") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<double> items = normal_items(15, seed);
    interval inner = of_mean(items, 0.1, seed);
    for (const double confidence : {0.5, 0.8, 0.9, 0.99}) {
      const interval outer = of_mean(items, confidence, seed);
      CHECK(outer.low <= inner.low);
      CHECK(outer.high >= inner.high);
      inner = outer;
    }
  }
}

TEST_CASE("equal items give an interval without width") {
  const std::vector<double> items(9, 0.1);
  CHECK(of_mean(items, 0.95, 1) == interval{0.1, 0.1});
}

TEST_CASE("the interval of a normal mean covers the truth about as often as it claims") {
  // Thirty items leave the percentile bootstrap a little too narrow (the normal quantile instead
  // of Student's, and n for n - 1): 93.6% and 48.7% instead of 95% and 50%. Four standard errors of
  // the binomial count are allowed around that.
  const int trials = multitudes_test::sample_count(300, 3000);
  int covered_95 = 0;
  int covered_50 = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const auto seed = static_cast<std::uint64_t>(trial);
    const std::vector<double> items = normal_items(30, seed);
    covered_95 += of_mean(items, 0.95, seed).contains(0) ? 1 : 0;
    covered_50 += of_mean(items, 0.50, seed).contains(0) ? 1 : 0;
  }
  const auto near = [trials](int count, double share) {
    const double error = std::sqrt(trials * share * (1 - share));
    return std::abs(count - trials * share) <= 4 * error;
  };
  INFO("95%: " << covered_95 << ", 50%: " << covered_50 << " of " << trials);
  CHECK(near(covered_95, 0.936));
  CHECK(near(covered_50, 0.487));
}

TEST_CASE("where nothing is known the interval is the whole line") {
  const std::vector<double> items{1, 2, 3};
  philox random(1);
  const interval all = interval::whole_line();
  CHECK(bootstrap(std::vector<double>{}, mean, 0.9, 100, random) == all);
  CHECK(bootstrap(std::vector<double>{1}, mean, 0.9, 100, random) == all);
  CHECK(bootstrap(items, mean, 0.9, 0, random) == all);
  CHECK(bootstrap(items, mean, 0.9, -1, random) == all);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double confidence : {0.0, 1.0, -1.0, 95.0, nan}) {
    CHECK(bootstrap(items, mean, confidence, 100, random) == all);
  }
  const auto undefined = [nan](std::span<const double>) { return nan; };
  CHECK(bootstrap(items, undefined, 0.9, 100, random) == all);
  CHECK(bootstrap(std::vector<double>{1, nan}, mean, 0.9, 100, random) == all);
}

}  // namespace
