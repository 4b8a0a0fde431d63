// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/calibration.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::stats;

/// Classes drawn from softmax(base + x), with scores `sharpness` times x.
forecast_set forecasts(std::size_t n, double sharpness, std::uint64_t seed,
                       std::vector<double> base = {}) {
  philox random(seed);
  forecast_set f{.n_classes = 3, .scores = {}, .base = std::move(base), .truth = {}};
  std::vector<double> p(3);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      const double x = 1.5 * static_cast<double>(random.normal());
      f.scores.push_back(sharpness * x);
      p[k] = x + (f.base.empty() ? 0.0 : f.base[k]);
    }
    normalize_logs(p);
    const auto u = static_cast<double>(random.uniform());
    f.truth.push_back(u < std::exp(p[0]) ? 0 : u < std::exp(p[0]) + std::exp(p[1]) ? 1 : 2);
  }
  return f;
}

TEST_CASE("the temperature that was put in is found again") {
  for (const double sharpness : {0.3, 1.0, 4.0}) {
    const auto f = forecasts(4000, sharpness, 1);
    const auto fit = *fit_temperature(f);
    CHECK(fit.temperature == doctest::Approx(sharpness).epsilon(0.06));
    CHECK(!fit.at_bound);
    CHECK(fit.log_score_after <= fit.log_score_before);
    // It is the minimum: no neighbor is better.
    CHECK(log_score(f, fit.temperature * 1.01) > fit.log_score_after);
    CHECK(log_score(f, fit.temperature * 0.99) > fit.log_score_after);
  }
}

TEST_CASE("the prior is not tempered") {
  const auto f = forecasts(6000, 5, 2, {std::log(0.8), std::log(0.15), std::log(0.05)});
  CHECK(fit_temperature(f)->temperature == doctest::Approx(5).epsilon(0.08));
  std::vector<double> p(3);
  f.log_probabilities(0, 1e12, p);
  CHECK(std::exp(p[0]) == doctest::Approx(0.8));
}

TEST_CASE("forecasts that are always right, or say nothing, have their temperature at the bound") {
  const forecast_set right{.n_classes = 2, .scores = {1, 0, 0, 1}, .truth = {0, 1}};
  CHECK(fit_temperature(right)->at_bound);
  CHECK(fit_temperature(right)->temperature == doctest::Approx(0.01));
  const forecast_set wrong{.n_classes = 2, .scores = {1, 0, 0, 1}, .truth = {1, 0}};
  CHECK(fit_temperature(wrong)->at_bound);
  CHECK(fit_temperature(wrong)->temperature == doctest::Approx(100));
  const forecast_set level{.n_classes = 2, .scores = {0, 0, 0, 0}, .truth = {1, 0}};
  CHECK(fit_temperature(level)->at_bound);
  CHECK(fit_temperature(level)->log_score_after == doctest::Approx(std::log(2)));
}

TEST_CASE("scores of hundreds of nats neither overflow nor stall the fit") {
  auto f = forecasts(500, 300, 3);
  // Newton's first steps leave the bracket here; 300 lies beyond it.
  CHECK(fit_temperature(f)->at_bound);
  f = forecasts(500, 60, 3);
  CHECK(fit_temperature(f)->temperature == doctest::Approx(60).epsilon(0.2));
}

TEST_CASE("chosen items keep their base and groups") {
  auto f = forecasts(5, 1, 4, {0, 0, 1});
  f.groups = {9, 8, 7, 6, 5};
  const std::size_t which[] = {4, 0};
  const auto some = select(f, which);
  CHECK(some.truth == std::vector<std::size_t>{f.truth[4], f.truth[0]});
  CHECK(some.groups == std::vector<std::size_t>{5, 9});
  CHECK(some.scores[3] == f.scores[0]);
  CHECK(some.base == f.base);
  CHECK(validate(some).has_value());
}

TEST_CASE("what are no forecasts is refused with its reason") {
  const auto place = [](forecast_set f) { return fit_temperature(f).error().place; };
  CHECK(place({}) == "forecasts");
  CHECK(place({.n_classes = 1, .scores = {0}, .truth = {0}}) == "forecasts");
  CHECK(place({.n_classes = 2, .scores = {0}, .truth = {0}}) == "forecasts");
  CHECK(place({.n_classes = 2, .scores = {0, 1, 2}, .truth = {0}}) == "forecasts");
  CHECK(place({.n_classes = 2, .scores = {0, std::nan("")}, .truth = {0}}) == "item 0");
  CHECK(place({.n_classes = 2, .scores = {0, 1}, .truth = {2}}) == "truth of item 0");
  CHECK(place({.n_classes = 2, .scores = {0, 1}, .truth = {0}, .groups = {1, 2}}) == "forecasts");
  CHECK(place({.n_classes = 2, .scores = {0, 1}, .base = {0}, .truth = {0}}) == "forecasts");
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(place({.n_classes = 2, .scores = {0, 1}, .base = {0, -infinity}, .truth = {0}}) == "base");
}

}  // namespace
