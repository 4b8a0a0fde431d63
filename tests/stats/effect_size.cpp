// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/effect_size.hpp>

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

namespace {

using namespace multitudes::stats;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("Cohen's d matches values worked out by hand") {
  // Variances 1 and 4, two degrees of freedom each: pooled 2.5; means 2 and 5.
  const std::vector<double> a{1, 2, 3};
  const std::vector<double> b{3, 5, 7};
  CHECK(cohens_d(a, b).value() == doctest::Approx(-3 / std::sqrt(2.5)));
  // Unequal sizes: (1 * 2 + 2 * 1) / 3 degrees of freedom; means 1 and 2.
  CHECK(cohens_d(std::vector<double>{0, 2}, a).value() == doctest::Approx(-1 / std::sqrt(4.0 / 3)));
}

TEST_CASE("Cohen's d of pairs matches a value worked out by hand") {
  // Differences 1, 2, 3: mean 2, standard deviation 1.
  const std::vector<double> a{2, 4, 6};
  const std::vector<double> b{1, 2, 3};
  CHECK(cohens_dz(a, b).value() == doctest::Approx(2));
}

TEST_CASE("swapping the samples flips the sign, and shift and scale change nothing") {
  multitudes::philox random(4);
  for (int i = 0; i < 50; ++i) {
    std::vector<double> a(5 + random.below(10));
    std::vector<double> b(a.size());
    for (double& x : a) x = static_cast<double>(random.normal()) + 1;
    for (double& x : b) x = static_cast<double>(random.normal());
    const double d = cohens_d(a, b).value();
    const double dz = cohens_dz(a, b).value();
    CHECK(cohens_d(b, a).value() == doctest::Approx(-d));
    CHECK(cohens_dz(b, a).value() == doctest::Approx(-dz));
    for (double& x : a) x = 7 * x - 3;
    for (double& x : b) x = 7 * x - 3;
    CHECK(cohens_d(a, b).value() == doctest::Approx(d));
    CHECK(cohens_dz(a, b).value() == doctest::Approx(dz));
  }
}

TEST_CASE("without spread there is no unit, so no effect size") {
  const std::vector<double> low(4, 0.1);
  const std::vector<double> high(4, 0.7);
  CHECK(cohens_d(low, low) == std::nullopt);
  CHECK(cohens_d(low, high) == std::nullopt);
  CHECK(cohens_dz(low, high) == std::nullopt);
  CHECK(cohens_d(low, std::vector<double>{1, 2}).has_value());
}

TEST_CASE("too few items, unequal lengths and non-finite items give nothing") {
  const std::vector<double> none;
  const std::vector<double> one{1};
  const std::vector<double> two{1, 2};
  const std::vector<double> three{1, 2, 4};
  const std::vector<double> bad{1, nan};
  CHECK(cohens_d(none, two) == std::nullopt);
  CHECK(cohens_d(two, one) == std::nullopt);
  CHECK(cohens_dz(one, one) == std::nullopt);
  CHECK(cohens_dz(none, none) == std::nullopt);
  CHECK(cohens_dz(two, three) == std::nullopt);
  CHECK(cohens_d(bad, two) == std::nullopt);
  CHECK(cohens_d(two, bad) == std::nullopt);
  CHECK(cohens_dz(bad, two) == std::nullopt);
  const double most = std::numeric_limits<double>::max();
  CHECK(cohens_d(std::vector<double>{most, -most}, two) == std::nullopt);
}

}  // namespace
