// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/stats/mixture_em.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::stats;

std::vector<double> draw_points(const gaussian_mixture& from, std::size_t n, std::uint64_t seed) {
  philox random(seed);
  std::vector<double> points;
  std::vector<double> x(from.dim());
  for (std::size_t i = 0; i < n; ++i) {
    from.sample(random, x);
    points.insert(points.end(), x.begin(), x.end());
  }
  return points;
}

const std::vector<gaussian> three = {
    {2, {0, 0}, {1, 0.5, 0.5, 1}}, {1, {6, 0}, {0.5, 0, 0, 0.5}}, {1, {0, 7}, {2, 0, 0, 0.3}}};

TEST_CASE("unlabeled points give back the mixture that they were drawn from") {
  const auto truth = *gaussian_mixture::make(three);
  const auto points = draw_points(truth, 3000, 1);
  philox random(2);
  const auto found = *fit_mixture({points.data(), 3000, 2}, {.n_components = 3}, random);
  CHECK(found.converged);
  for (const gaussian& wanted : truth.components()) {
    const auto parts = found.mixture.components();
    const auto distance = [&](const gaussian& g) {
      return std::hypot(g.mean[0] - wanted.mean[0], g.mean[1] - wanted.mean[1]);
    };
    const auto nearest = std::min_element(
        parts.begin(), parts.end(),
        [&](const gaussian& a, const gaussian& b) { return distance(a) < distance(b); });
    CHECK(distance(*nearest) < 0.15);
    CHECK(std::abs(nearest->weight - wanted.weight) < 0.03);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(std::abs(nearest->covariance[i] - wanted.covariance[i]) < 0.2);
    }
  }
}

TEST_CASE("no step loses any of the objective") {
  const auto points = draw_points(*gaussian_mixture::make(three), 200, 3);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    philox random(seed);
    const auto found = *fit_mixture({points.data(), 200, 2},
                                    {.n_components = 5, .restarts = 1, .tolerance = 1e-12}, random);
    for (std::size_t i = 1; i < found.objective.size(); ++i) {
      CHECK(found.objective[i] >= found.objective[i - 1] - 1e-7);
    }
  }
}

TEST_CASE("the same seed gives the same bits") {
  const auto points = draw_points(*gaussian_mixture::make(three), 100, 3);
  const auto run = [&] {
    philox random(7);
    return *fit_mixture({points.data(), 100, 2}, {.n_components = 3}, random);
  };
  CHECK(run().objective == run().objective);
  CHECK(run().mixture.components()[0].mean == run().mixture.components()[0].mean);
}

TEST_CASE("components do not collapse onto points that are equal") {
  std::vector<double> points = draw_points(*gaussian_mixture::make({{1, {0}, {1}}}), 40, 5);
  points.insert(points.end(), 10, 25.0);
  philox random(1);
  const auto found = *fit_mixture({points.data(), 50, 1}, {.n_components = 2}, random);
  const auto parts = found.mixture.components();
  const std::size_t right = parts[0].mean[0] > parts[1].mean[0] ? 0 : 1;
  CHECK(parts[right].mean[0] == doctest::Approx(25).epsilon(1e-6));
  CHECK(parts[right].covariance[0] > 0.1);
}

TEST_CASE("what cannot be fitted is refused") {
  philox random(1);
  const std::vector<double> points{1, 2, 3, 4};
  const auto place = [&](std::vector<double> p, const em_options& how) {
    return fit_mixture({p.data(), p.size(), 1}, how, random).error().place;
  };
  CHECK(place(points, {.n_components = 3}) == "points");
  CHECK(place(points, {.n_components = 0}) == "points");
  CHECK(place({1, 1, 1, 1}, {}) == "points");
  CHECK(place({}, {}) == "points");
  CHECK(place({1, 2, 3, std::nan("")}, {}) == "point 3");
  CHECK(place(points, {.prior_points = 0}) == "options");
  CHECK(place(points, {.restarts = 0}) == "options");
  CHECK(place(points, {.max_iterations = 0}) == "options");
  CHECK(place(points, {.tolerance = std::nan("")}) == "options");
}

}  // namespace
