// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/proportion.hpp>

#include <cmath>
#include <cstddef>

namespace {

using namespace multitudes::stats;

TEST_CASE("tails are the sums of the binomial formula") {
  for (const double p : {0.01, 0.3, 0.5, 0.9}) {
    for (std::size_t n = 1; n <= 12; ++n) {
      double tail = 0;
      for (std::size_t k = n;; --k) {
        double choose = 1;
        for (std::size_t i = 1; i <= k; ++i) {
          choose *= static_cast<double>(n - k + i) / static_cast<double>(i);
        }
        tail += choose * std::pow(p, static_cast<double>(k)) *
                std::pow(1 - p, static_cast<double>(n - k));
        CHECK(binomial_tail(n, k, p) == doctest::Approx(tail).epsilon(1e-10));
        if (k == 0) break;
      }
    }
  }
  CHECK(binomial_tail(5, 6, 0.5) == 0);
  CHECK(binomial_tail(5, 1, 0) == 0);
  CHECK(binomial_tail(5, 5, 1) == 1);
}

TEST_CASE("tails of many trials neither underflow nor lose their middle") {
  CHECK(binomial_tail(100000, 50000, 0.5) == doctest::Approx(0.5).epsilon(0.01));
  const double far = binomial_tail(2000, 1400, 0.5);
  CHECK(far > 0);
  CHECK(far < 1e-60);
}

TEST_CASE("intervals are Clopper and Pearson's") {
  // 0 of 10 and 10 of 10 have closed forms; 5 of 10 is in every table.
  CHECK(proportion_interval(0, 10, 0.95).high ==
        doctest::Approx(1 - std::pow(0.025, 0.1)).epsilon(1e-9));
  CHECK(proportion_interval(10, 10, 0.95).low == doctest::Approx(std::pow(0.025, 0.1)));
  CHECK(proportion_interval(0, 10, 0.95).low == 0);
  CHECK(proportion_interval(10, 10, 0.95).high == 1);
  CHECK(proportion_interval(5, 10, 0.95).low == doctest::Approx(0.1871).epsilon(1e-3));
  CHECK(proportion_interval(5, 10, 0.95).high == doctest::Approx(0.8129).epsilon(1e-3));
}

TEST_CASE("an interval covers the truth at least as often as it says") {
  for (const double p : {0.02, 0.4}) {
    double covered = 0;
    for (std::size_t k = 0; k <= 30; ++k) {
      if (!proportion_interval(k, 30, 0.9).contains(p)) continue;
      covered += binomial_tail(30, k, p) - binomial_tail(30, k + 1, p);
    }
    CHECK(covered >= 0.9);
  }
}

TEST_CASE("where nothing is known the interval is everything") {
  CHECK(proportion_interval(0, 0, 0.95) == interval{0, 1});
  CHECK(proportion_interval(3, 2, 0.95) == interval{0, 1});
  CHECK(proportion_interval(1, 2, 1) == interval{0, 1});
}

}  // namespace
