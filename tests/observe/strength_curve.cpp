// SPDX-License-Identifier: MIT
#include <multitudes/observe/strength_curve.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace multitudes;

namespace {

const std::vector<double> strengths{0, 0.5, 1, 2};
const std::vector<double> nats{0, 2, 6, 5};

}  // namespace

TEST_CASE("a strength curve is straight between its points and flat beyond them") {
  const auto curve = strength_curve::make(strengths, nats);
  REQUIRE(curve);
  CHECK(curve->nats_at(0.25) == doctest::Approx(1));
  CHECK(curve->nats_at(0.75) == doctest::Approx(4));
  CHECK(curve->nats_at(1.5) == doctest::Approx(5.5));
  CHECK(curve->nats_at(9) == 5);
  CHECK(curve->nats_at(-1) == 0);
}

TEST_CASE("a strength curve finds the least strength for a shift") {
  const auto curve = strength_curve::make(strengths, nats);
  REQUIRE(curve);
  CHECK(curve->strength_for(0) == 0.0);
  CHECK(curve->strength_for(1) == doctest::Approx(0.25));
  CHECK(curve->strength_for(5.5) == doctest::Approx(0.9375));
  CHECK(curve->strength_for(6) == doctest::Approx(1));
  CHECK_FALSE(curve->strength_for(6.1));
  CHECK_FALSE(curve->strength_for(-1));
}

TEST_CASE("a strength curve for a persona that works backwards has strengths for that") {
  const std::vector<double> back{0, -1, -3, -4};
  const auto curve = strength_curve::make(strengths, back);
  REQUIRE(curve);
  CHECK(curve->strength_for(-2) == doctest::Approx(0.75));
  CHECK_FALSE(curve->strength_for(0.1));
}

TEST_CASE("a strength curve refuses what is no curve") {
  using list = std::vector<double>;
  const auto code = [](const list& s, const list& n) {
    return strength_curve::make(s, n).error().code;
  };
  CHECK(code({0, 1}, {0}) == errc::invalid_argument);
  CHECK(code({0}, {0}) == errc::invalid_argument);
  CHECK(code({0, 1, 1}, {0, 1, 2}) == errc::invalid_argument);
  CHECK(code({0.1, 1}, {0, 1}) == errc::invalid_argument);
  CHECK(code({0, 1}, {0.5, 1}) == errc::invalid_argument);
  CHECK(code({0, 1}, {0, std::numeric_limits<double>::infinity()}) == errc::non_finite);
}
