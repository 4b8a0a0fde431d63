// SPDX-License-Identifier: MIT
#include <multitudes/lab/claims/blame.hpp>
#include <multitudes/lab/claims/escape.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/tilt.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

TEST_CASE("An ideal reader whose prior was tilted is escaped from as late as predicted") {
  namespace claim = lab::detail::escape;
  const auto g = *gazette::make();
  const auto writers = true_population(g);
  constexpr std::size_t persona = 5, rival = 7, count = 20;
  const texts demos = claim::demonstrations(g, rival, count, 3);
  REQUIRE(demos.size() == count * (claim::most + 1));
  const replies ask({0, 3});
  const auto curve_at = [&](double nats) {
    const auto prior = tilted(writers, trait::name, persona, nats);
    ideal_scorer asked(g, prior);
    const auto all = ask.log_odds(asked, demos, persona, rival);
    REQUIRE(all);
    std::vector<double> mean(claim::most + 1);
    for (std::size_t i = 0; i < count; i += claim::group) {
      const auto part = claim::mean_curve(*all, i);
      for (std::size_t n = 0; n < mean.size(); ++n) mean[n] += part[n] * claim::group / count;
    }
    return mean;
  };
  const auto before = curve_at(0);
  const double b = claim::steepness(before);
  CHECK(std::abs(before[0]) < 1e-5);
  CHECK(b > 1);
  for (const double worth : {1.0, 2.0, 4.0, 5.0}) {
    const auto after = curve_at(worth);
    const double predicted = (before[0] + worth) / b;
    CHECK(claim::crossing(after) == doctest::Approx(predicted).epsilon(0.2));
    CHECK(claim::steepness(after) == doctest::Approx(b).epsilon(0.2));
  }
  // A valley that feedback has not deepened is left as early as before.
  CHECK(claim::crossing(before) < 0.01);
}

TEST_CASE("Crossings lie between demonstrations, at the beginning, or nowhere") {
  namespace claim = lab::detail::escape;
  CHECK(claim::crossing(std::vector<double>{3, 1, -1, -2}) == doctest::Approx(1.5));
  CHECK(claim::crossing(std::vector<double>{-1, -2}) == 0);
  CHECK(claim::crossing(std::vector<double>{3, 2, 1}) == 2);
  CHECK(claim::steepness(std::vector<double>{6, 4, 2, 0, 9}) == doctest::Approx(2));
}

TEST_CASE("What is left at a divergence is read between the points of a path") {
  namespace claim = lab::detail::blame;
  const std::vector<claim::view> path{{-2, 0, 0}, {-4, 0.5, 0}, {-3, 0.1, 0}};
  CHECK(claim::left_at(path, 0.1) == doctest::Approx(-3));
  CHECK(claim::left_at(path, 0.3) == doctest::Approx(-3.5));
  CHECK(claim::left_at(path, 0.05) == doctest::Approx(-2.5));
  CHECK(claim::left_at(path, 9) == doctest::Approx(-4));
  const auto moved = claim::compare({{0.25, 0.25, 0.5}}, {{0.1, 0.3, 0.6}}, 0);
  CHECK(moved[0].log_bad == doctest::Approx(std::log(0.1)));
  CHECK(moved[0].kl == doctest::Approx(0.1 * std::log(0.4) + 0.9 * std::log(1.2)));
  CHECK(moved[0].entropy == doctest::Approx(std::log(3.0) - 2.0 / 3 * std::log(2.0)));
}

}  // namespace
