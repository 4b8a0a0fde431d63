// SPDX-License-Identifier: MIT
#include <multitudes/observe/weight_scale.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace multitudes;

namespace {

std::vector<weight_observation> grid() {
  std::vector<weight_observation> all;
  for (const double n : {0.0, 1.0, 2.0, 3.0}) {
    for (const double s : {0.0, 0.5, 1.0}) all.push_back({n, s, -4 + 1.5 * n + 6 * s});
  }
  return all;
}

}  // namespace

TEST_CASE("a scale of weight recovers the law it was measured under") {
  const auto scale = weight_scale::fit(grid());
  REQUIRE(scale);
  CHECK(scale->at_rest() == doctest::Approx(-4));
  CHECK(scale->nats_per_demonstration() == doctest::Approx(1.5));
  CHECK(scale->nats_per_strength() == doctest::Approx(6));
  CHECK(scale->r_squared() == doctest::Approx(1));
  CHECK(scale->log_odds(2, 0.5) == doctest::Approx(2));
}

TEST_CASE("its four units convert into each other") {
  const auto scale = weight_scale::fit(grid());
  REQUIRE(scale);
  CHECK(scale->strength_for(3) == doctest::Approx(0.5));
  CHECK(scale->demonstrations_for(3) == doctest::Approx(2));
  CHECK(scale->demonstrations_for_strength(0.5) == doctest::Approx(2));
  // Even odds and one nat: the logistic function of 1.
  CHECK(weight_scale::shifted_prevalence(0.5, 1) == doctest::Approx(0.731059));
  CHECK(weight_scale::shifted_prevalence(0.2, 0) == doctest::Approx(0.2));
  CHECK(weight_scale::shifted_prevalence(weight_scale::shifted_prevalence(0.2, 3), -3) ==
        doctest::Approx(0.2));
}

TEST_CASE("observations that say too little are refused") {
  auto all = grid();
  CHECK(weight_scale::fit(std::span(all).first(3)).error().code == errc::invalid_argument);
  for (auto& m : all) m.demonstrations = m.strength;
  CHECK(weight_scale::fit(all).error().code == errc::invalid_argument);
  all = grid();
  all[4].log_odds = std::numeric_limits<double>::quiet_NaN();
  const auto refused = weight_scale::fit(all);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::non_finite);
  CHECK(refused.error().place == "observation 4");
}
