// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/observe/posterior.hpp>
#include <multitudes/report/line_chart.hpp>
#include <tests/report/xml_checker.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace mt = multitudes;

mt::multitude prior() {
  return *mt::multitude::make({{"bard", 0.5}, {"chemist", 0.3}, {"nobody", 0.2}});
}

mt::posterior_trace trace(std::vector<double> evidence) {
  return *mt::posterior_over(prior(), {3, std::move(evidence)});
}

TEST_CASE("the posterior is Bayes' rule, and a temperature divides the evidence only") {
  const std::vector<double> nats{1, 3, -2};
  const auto now = *mt::posterior_of(prior(), nats);
  const double total = 0.5 * std::exp(1) + 0.3 * std::exp(3) + 0.2 * std::exp(-2);
  CHECK(now.prevalence(1) == doctest::Approx(0.3 * std::exp(3) / total));
  const auto cool = *mt::posterior_of(prior(), nats, {.temperature = 2});
  const double other = 0.5 * std::exp(.5) + 0.3 * std::exp(1.5) + 0.2 * std::exp(-1);
  CHECK(cool.prevalence(1) == doctest::Approx(0.3 * std::exp(1.5) / other));
  CHECK(mt::posterior_of(prior(), nats, {.temperature = 1e9})->prevalence(0) ==
        doctest::Approx(0.5));
}

TEST_CASE("a trace is the posterior at every step") {
  const auto t = trace({0, 0, 0, 5, 0, 0, 0, 0, 9});
  REQUIRE(t.size() == 3);
  CHECK(t.labels == std::vector<std::string>{"bard", "chemist", "nobody"});
  CHECK(t.best(0) == 0);
  CHECK(t.best(1) == 0);
  CHECK(t.best(2) == 2);
  CHECK(t.log_odds(1, 0, 1) == doctest::Approx(5 + std::log(0.5 / 0.3)));
  CHECK(mt::posterior_over(prior(), {3, {}})->size() == 0);
}

TEST_CASE("equal posteriors are no distance apart, and certain ones at most log 2") {
  const auto a = trace({1, 2, 3});
  CHECK(mt::posterior_divergence(a.row(0), a.row(0)) < 1e-15);
  const auto b = trace({2000, 0, 0});
  const auto c = trace({0, 2000, 0});
  CHECK(mt::posterior_divergence(b.row(0), c.row(0)) == doctest::Approx(std::log(2)));
  CHECK(mt::posterior_divergence(a.row(0), b.row(0)) ==
        mt::posterior_divergence(b.row(0), a.row(0)));
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> sure{0, -infinity};
  const std::vector<double> even{-std::log(2), -std::log(2)};
  // Of (1, 0) and (1/2, 1/2) about (3/4, 1/4).
  CHECK(mt::posterior_divergence(sure, even) ==
        doctest::Approx(0.5 * std::log(4.0 / 3) + 0.25 * std::log(2.0 / 3) + 0.25 * std::log(2)));
}

TEST_CASE("agreement is over all steps, with intervals over texts") {
  std::vector<mt::posterior_trace> a;
  std::vector<mt::posterior_trace> b;
  for (int text = 0; text < 30; ++text) {
    const bool same = text % 3 != 0;
    a.push_back(trace({9, 0, 0, 9, 0, 0}));
    b.push_back(same ? trace({9, 0, 0, 9, 0, 0}) : trace({0, 9, 0, 0, 9, 0}));
  }
  mt::philox random(1);
  const auto found = *mt::agreement(a, b, 0.95, 400, random);
  CHECK(found.same_best == doctest::Approx(2.0 / 3));
  CHECK(found.same_best_between.contains(2.0 / 3));
  // Thirty texts, not sixty steps: 2 * 1.96 * sqrt(2 / 9 / 30).
  CHECK(found.same_best_between.width() == doctest::Approx(0.337).epsilon(0.25));
  CHECK(found.divergence > 0.2);
  CHECK(found.divergence < 0.24);
  CHECK(mt::agreement(a, std::span(b).first(2), 0.95, 1, random).error().place == "texts");
  b[1] = trace({0, 0, 0});
  CHECK(mt::agreement(a, b, 0.95, 1, random).error().place == "text 1");
  CHECK(mt::agreement({}, {}, 0.95, 1, random).error().found == "no steps");
}

TEST_CASE("forecasts carry the prior, so that a temperature leaves it alone") {
  mt::stats::forecast_set set;
  mt::add_forecast(set, prior(), std::vector<double>{10, 0, 0}, 0, 4);
  mt::add_forecast(set, prior(), std::vector<double>{0, 5, 0}, 1, 5);
  REQUIRE(mt::stats::validate(set).has_value());
  std::vector<double> p(3);
  set.log_probabilities(1, 5, p);
  const auto now = *mt::posterior_of(prior(), std::vector<double>{0, 5, 0}, {.temperature = 5});
  for (std::size_t k = 0; k < 3; ++k) CHECK(p[k] == doctest::Approx(now.log_prevalence(k)));
  CHECK(set.groups == std::vector<std::size_t>{4, 5});
}

TEST_CASE("a chart has a line for each persona") {
  const auto chart = mt::posterior_chart(trace({0, 0, 0, 5, 0, 0}), "who <speaks>", 8, 16);
  REQUIRE(chart.lines.size() == 3);
  CHECK(chart.lines[0].x == std::vector<double>{8, 24});
  CHECK(chart.lines[1].y[0] == doctest::Approx(0.3));
  CHECK(multitudes_test::xml_fault(mt::report::to_svg(chart)) == "");
}

TEST_CASE("evidence of another population, and temperatures of nothing, are refused") {
  CHECK(!mt::posterior_of(prior(), std::vector<double>{1, 2}).has_value());
  CHECK(mt::posterior_of(prior(), std::vector<double>{1, 2, 3}, {.temperature = 0}).error().place ==
        "temperature");
  CHECK(!mt::posterior_over(prior(), {2, {1, 2}}).has_value());
}

}  // namespace
