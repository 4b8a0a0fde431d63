// SPDX-License-Identifier: MIT
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/unit_odds.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

double after(ideal_scorer& bayes, const gazette& g, const behavior_meter& way, int n) {
  philox random(1, 1);
  prompt p(g);
  p.item(item_kind::mention, {}, random);
  for (int k = 0; k < std::abs(n); ++k) way.demonstrate(p, n > 0, random);
  const texts all{{p.tokens().begin(), p.tokens().end()}};
  const auto odds = way.log_odds_after(bayes, all);
  REQUIRE(odds);
  return (*odds)[0];
}

TEST_CASE("Of the ideal reader the meters read the odds that Bayes' rule gives") {
  const gazette g = *gazette::make();
  const population writers = true_population(g);
  ideal_scorer bayes(g, writers);
  const auto listener = behavior_meter::of_listeners(g);
  const auto style = behavior_meter::of_styles(g, 1, 5);
  const auto domain = behavior_meter::of_domains(g, 2, 6);
  REQUIRE(listener);
  REQUIRE(style);
  REQUIRE(domain);
  for (const behavior_meter* way : {&*listener, &*style, &*domain}) {
    CAPTURE(way->name());
    CHECK(after(bayes, g, *way, 1) > 0.5);
    CHECK(after(bayes, g, *way, -1) < -0.5);
    CHECK(after(bayes, g, *way, 2) >= after(bayes, g, *way, 1));
  }
  CHECK(after(bayes, g, *style, 0) == doctest::Approx(0).epsilon(0.01));
  CHECK(after(bayes, g, *domain, 0) == doctest::Approx(0).epsilon(0.01));
  // Its own domain somebody asks about 0.5625 of the time, any other 0.0625.
  const double not_known = std::log(0.0625 / 0.5625) + std::log(0.96 / 0.02);
  for (const int n : {1, 2, -1, -2}) {
    const double odds = std::exp(-std::abs(n) * not_known);  // of the less likely, against a third
    const double against_all = std::log(odds / 7) - std::log(1 / (6 + odds));
    CHECK(after(bayes, g, *domain, n) == doctest::Approx(n > 0 ? -against_all : against_all));
  }
  // Bunglers bring something too: two in three bring, of whom half comply (nobody is known yet).
  const double unknown = std::log(2.0 / 3 * 0.95 + 1.0 / 3 * 0.1);
  const double brings = std::exp(unknown), belief = (brings - 0.1) / 0.85;
  CHECK(after(bayes, g, *listener, 0) == doctest::Approx(std::log(belief / (1 - belief))));
}

TEST_CASE("Sums are predicted by a sum, and products are not") {
  std::vector<dose_point> sum, product;
  for (int n = -2; n <= 2; ++n) {
    for (int k = -2; k <= 2; ++k) {
      const double x = n, y = 0.5 * k;
      sum.push_back({x, y, 0.3 + 2 * x - y});
      product.push_back({x, y, x * y});
    }
  }
  const auto exact = predict_by_sum(sum);
  REQUIRE(exact.size() == 12);
  for (const auto& [predicted, measured] : exact) CHECK(predicted == doctest::Approx(measured));
  sum[12].log_odds = sum[13].log_odds = 99;  // not to be read
  const auto without = predict_by_sum(sum);
  REQUIRE(without.size() == 11);
  for (const auto& [predicted, measured] : without) CHECK(predicted == doctest::Approx(measured));
  double apart = 0, whole = 0;
  for (const auto& [predicted, measured] : predict_by_sum(product)) {
    apart += (predicted - measured) * (predicted - measured);
    whole += measured * measured;
  }
  CHECK(apart > 0.9 * whole);
}

}  // namespace
