// SPDX-License-Identifier: MIT

#include "planted.hpp"

#include <multitudes/extract/discriminant.hpp>
#include <multitudes/extract/fit_pairs.hpp>
#include <multitudes/extract/mean_difference.hpp>
#include <multitudes/extract/principal_component.hpp>
#include <multitudes/stats/summary.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

/// The mean difference, from the wrong side.
struct backwards {
  static constexpr mt::looks_at needs = mt::looks_at::means;
  static constexpr std::string_view name = "backwards";
  void operator()(const mt::pair_statistics& pairs, std::span<double> out) const {
    for (std::size_t e = 0; e < out.size(); ++e) out[e] = -pairs.difference[e];
  }
};

mt::layer_evidence evidence_of(mt::kept_pairs rows, const mt::evidence_options& options = {}) {
  mt::inline_executor one;
  return (*mt::fit_pairs(mt::mean_difference{}, rows, one, options))[0].evidence;
}

}  // namespace

TEST_CASE("each pair is judged by the mean difference of all others") {
  const auto planted = plant({.n_pairs = 9, .width = 12, .trait = 0.3});
  std::vector<double> projections;
  for (std::size_t i = 0; i < 9; ++i) {
    std::vector<double> others(12);
    for (std::size_t k = 0; k < 9; ++k) {
      if (k == i) continue;
      for (std::size_t e = 0; e < 12; ++e) {
        others[e] += static_cast<double>(planted.rows.row(k, true, 0)[e]) -
                     static_cast<double>(planted.rows.row(k, false, 0)[e]);
      }
    }
    double along = 0, squares = 0;
    for (std::size_t e = 0; e < 12; ++e) {
      along += others[e] * (static_cast<double>(planted.rows.row(i, true, 0)[e]) -
                            static_cast<double>(planted.rows.row(i, false, 0)[e]));
      squares += others[e] * others[e];
    }
    projections.push_back(along / std::sqrt(squares));
  }
  const auto evidence = evidence_of(planted.rows);
  CHECK(evidence.effect_size ==
        doctest::Approx(*mt::stats::mean(projections) / *mt::stats::standard_deviation(projections))
            .epsilon(1e-9));
  const auto right =
      std::count_if(projections.begin(), projections.end(), [](double x) { return x > 0; });
  CHECK(evidence.accuracy == doctest::Approx(static_cast<double>(right) / 9));
}

TEST_CASE("no pair has a part in the direction that judges it, also in folds") {
  // Few pairs in a wide space: a direction tells those apart that it was made of, and no others.
  mt::inline_executor one;
  double accuracy = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    auto planted = plant({.n_pairs = 20, .width = 256, .trait = 0, .nuisance = 0, .seed = seed});
    const auto evidence = (*mt::fit_pairs(mt::ridge{}, planted.rows, one))[0].evidence;
    accuracy += evidence.accuracy / 10;
  }
  CHECK(accuracy < 0.7);
}

TEST_CASE("an extractor's sign does not matter: positive texts project higher") {
  mt::inline_executor one;
  auto planted = plant({.n_pairs = 12, .width = 16});
  const auto right = *mt::fit_pairs(mt::mean_difference{}, planted.rows, one);
  const auto turned = *mt::fit_pairs(backwards{}, planted.rows, one);
  CHECK(turned[0].unit == right[0].unit);
  CHECK(turned[0].evidence.effect_size == right[0].evidence.effect_size);
}

TEST_CASE("where there is nothing to find, no more than the stated share is above chance") {
  int n_above = 0;
  double shuffled = 0;
  double own = 0;
  constexpr int n = 200;
  for (int seed = 1; seed <= n; ++seed) {
    const auto evidence = evidence_of(
        plant({.n_pairs = 30, .width = 24, .trait = 0, .seed = static_cast<std::uint64_t>(seed)})
            .rows);
    n_above += evidence.is_above_chance();
    own += evidence.effect_size / n;
    for (const double s : evidence.shuffled) shuffled += s / (5 * n);
  }
  CHECK(n_above <= n / 20);
  CHECK(own == doctest::Approx(shuffled).epsilon(0.06).scale(1));
}

TEST_CASE("shuffled controls do not see the planted direction") {
  const auto evidence = evidence_of(plant({}).rows, {.n_shuffles = 20});
  REQUIRE(evidence.shuffled.size() == 20);
  for (const double s : evidence.shuffled) CHECK(std::abs(s) < 1);
  CHECK(evidence.effect_size > 3);
  CHECK(evidence.is_above_chance());
  const auto other = evidence_of(plant({}).rows, {.n_shuffles = 20, .seed = 2});
  CHECK(other.shuffled != evidence.shuffled);
  CHECK(other.effect_size == evidence.effect_size);
}

TEST_CASE("the link is calibrated on texts that it was not fitted on") {
  // Fit on one half of the pairs, ask about the other.
  auto planted = plant({.n_pairs = 2000, .width = 16, .trait = 0.5, .topic = 0.5, .noise = 0.5});
  mt::kept_pairs half(1000, 1, 16);
  for (std::size_t i = 0; i < 1000; ++i) {
    for (const bool side : {true, false}) {
      const auto row = planted.rows.row(i, side, 0);
      std::copy(row.begin(), row.end(), half.row(i, side, 0).begin());
    }
  }
  mt::inline_executor one;
  const auto fitted = (*mt::fit_pairs(mt::mean_difference{}, half, one))[0];
  double n_sure = 0, n_right = 0, expected = 0;
  for (std::size_t i = 1000; i < 2000; ++i) {
    for (const bool side : {true, false}) {
      double score = 0;
      for (std::size_t e = 0; e < 16; ++e) {
        score += static_cast<double>(fitted.unit[e]) *
                 static_cast<double>(planted.rows.row(i, side, 0)[e]);
      }
      const double p = fitted.evidence.link.probability(score);
      if (p < 0.6 || p > 0.9) continue;
      n_sure += 1;
      n_right += side;
      expected += p;
    }
  }
  REQUIRE(n_sure > 200);
  CHECK(n_right / n_sure == doctest::Approx(expected / n_sure).epsilon(0.07));
}

TEST_CASE("fewer than three pairs are refused, and judging can be left out") {
  mt::inline_executor one;
  auto two = plant({.n_pairs = 2, .width = 8});
  CHECK(mt::fit_pairs(mt::mean_difference{}, two.rows, one).error().code ==
        mt::errc::invalid_argument);
  auto three = plant({.n_pairs = 3, .width = 8});
  CHECK(mt::fit_pairs(mt::principal_component{}, three.rows, one).has_value());
  const auto unjudged = *mt::fit_pairs(mt::mean_difference{}, three.rows, one, {.n_folds = 0});
  const auto judged = *mt::fit_pairs(mt::mean_difference{}, three.rows, one);
  CHECK(unjudged[0].unit == judged[0].unit);
  CHECK(unjudged[0].evidence.effect_size == 0);
  CHECK(unjudged[0].evidence.positive_mean == judged[0].evidence.positive_mean);
}
