// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/alarm_threshold.hpp>
#include <multitudes/stats/cusum.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace multitudes::stats;
using multitudes::philox;

TEST_CASE("the threshold is the order statistic of the tables") {
  // For 95% of the population with 95% confidence: the largest of 59, the second of 93.
  std::vector<double> maxima;
  for (int i = 59; i > 0; --i) maxima.push_back(i);
  CHECK(*alarm_threshold(maxima) == 59);
  for (int i = 60; i <= 93; ++i) maxima.push_back(i);
  CHECK(*alarm_threshold(maxima) == 92);
  CHECK(least_calibration_size({}) == 59);
  CHECK(least_calibration_size({.false_alarms = 0.01, .confidence = 0.95}) == 299);
}

TEST_CASE("the promise holds in about as many calibrations as it says, or more") {
  // Maxima are uniform, so that a threshold's rate of false alarms is 1 less the threshold.
  int kept = 0;
  const int trials = 2000;
  for (int i = 0; i < trials; ++i) {
    philox random(static_cast<std::uint64_t>(i));
    std::vector<double> maxima(93);
    for (double& x : maxima) x = static_cast<double>(random.uniform());
    kept += 1 - *alarm_threshold(maxima) <= 0.05 ? 1 : 0;
  }
  CHECK(kept >= 0.93 * trials);
  CHECK(kept <= 0.97 * trials);  // 93 is a size at which hardly anything is given away
}

TEST_CASE("it holds for sequences whose scores hang together, where formulas do not") {
  const auto largest_sum = [](std::uint64_t seed) {
    philox random(seed, 2);
    cusum watch;
    double z = 0;
    double most = 0;
    for (int t = 0; t < 100; ++t) {
      z = 0.8 * z + 0.6 * static_cast<double>(random.normal());  // variance 1
      most = std::max(most, watch.update(z));
    }
    return most;
  };
  std::vector<double> maxima;
  for (std::uint64_t i = 0; i < 200; ++i) maxima.push_back(largest_sum(i));
  const double threshold = *alarm_threshold(maxima);
  // A formula for independent scores would promise 5% far below.
  CHECK(cusum_run_length(threshold / 2, 0.5, 0) > 2000);
  std::size_t alarms = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    alarms += largest_sum(10000 + i) > threshold ? 1u : 0u;
  }
  CAPTURE(alarms);
  CHECK(proportion_interval(alarms, 1000, 0.99).low <= 0.05);
  CHECK(alarms > 5);
}

TEST_CASE("too few sequences, or no promise, are refused") {
  const std::vector<double> few(58, 1.0);
  CHECK(alarm_threshold(few).error().message() ==
        "set alarm threshold: calibration: found 58 undisturbed sequences, expected at least 59; "
        "gather more, or promise less");
  CHECK(!alarm_threshold({}).has_value());
  CHECK(alarm_threshold(few, {.false_alarms = 0, .confidence = 0.5}).error().place ==
        "false_alarms");
  CHECK(alarm_threshold(few, {.false_alarms = 0.1, .confidence = 1}).error().place == "confidence");
  const std::vector<double> bad{1, std::numeric_limits<double>::infinity()};
  CHECK(alarm_threshold(bad).error().code == multitudes::errc::non_finite);
}

}  // namespace
