// SPDX-License-Identifier: MIT
#include <multitudes/stats/holm.hpp>

#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <tests/support/long_run.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using multitudes::philox;
using multitudes::stats::holm;

TEST_CASE("Holm's correction of four p values is the one of the textbook") {
  const auto found = holm(std::vector<double>{0.01, 0.04, 0.03, 0.005});
  const std::vector<double> wanted{0.03, 0.06, 0.06, 0.02};
  for (std::size_t i = 0; i < 4; ++i) CHECK(found[i] == doctest::Approx(wanted[i]).epsilon(1e-12));
}

TEST_CASE("one p value stays, none is none, and what is no p value counts as 1") {
  CHECK(holm(std::vector<double>{0.04}) == std::vector<double>{0.04});
  CHECK(holm({}).empty());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(holm(std::vector<double>{nan, 0.01}) == std::vector<double>{1, 0.02});
  CHECK(holm(std::vector<double>{-3, 7}) == std::vector<double>{0, 1});
}

TEST_CASE("correction raises, keeps the order, and ends at 1") {
  philox random(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> p(1 + random.below(30));
    for (double& x : p) x = std::pow(static_cast<double>(random.uniform()), 3);
    const auto found = holm(p);
    for (std::size_t i = 0; i < p.size(); ++i) {
      CHECK(found[i] >= p[i]);
      CHECK(found[i] <= 1);
      for (std::size_t k = 0; k < p.size(); ++k) {
        if (p[i] < p[k]) CHECK(found[i] <= found[k]);
        if (p[i] == p[k]) CHECK(found[i] == found[k]);
      }
    }
  }
}

TEST_CASE("what is rejected while other tests are not made yet stays rejected when they are") {
  philox random(2);
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<double> all(10);
    for (double& x : all) x = std::pow(static_cast<double>(random.uniform()), 4);
    std::vector<double> some = all;
    for (double& x : some) x = random.below(2) == 0 ? 1 : x;
    const auto early = holm(some);
    const auto late = holm(all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (some[i] == all[i]) CHECK(late[i] <= early[i]);
    }
  }
}

TEST_CASE("among true hypotheses any is rejected as rarely as asked, and among false ones more") {
  const int trials = multitudes_test::sample_count(4000, 40'000);
  int any = 0;
  philox random(3);
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<double> p(12);
    for (double& x : p) x = (static_cast<double>(random()) + 0.5) * 0x1p-32;
    const auto found = holm(p);
    any += std::any_of(found.begin(), found.end(), [](double x) { return x <= 0.05; }) ? 1 : 0;
  }
  // Independent tests: 1 - (1 - 0.05 / 12)^12 = 4.9 %, and four standard errors.
  const double error = std::sqrt(trials * 0.049 * 0.951);
  CHECK(std::abs(any - 0.049 * trials) < 4 * error);
}
