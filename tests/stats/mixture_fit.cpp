// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/stats/mixture_fit.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::stats;

struct labeled_points {
  std::vector<double> points;
  std::vector<std::size_t> labels;
  [[nodiscard]] matrix_view<const double> view(std::size_t dim) const {
    return {points.data(), labels.size(), dim};
  }
};

labeled_points draw(const gaussian_mixture& from, std::size_t n, std::uint64_t seed) {
  philox random(seed);
  labeled_points drawn;
  std::vector<double> x(from.dim());
  for (std::size_t i = 0; i < n; ++i) {
    drawn.labels.push_back(from.sample(random, x));
    drawn.points.insert(drawn.points.end(), x.begin(), x.end());
  }
  return drawn;
}

TEST_CASE("labeled points give back the mixture that they were drawn from") {
  const auto truth =
      *gaussian_mixture::make({{3, {0, 0}, {1, 0.6, 0.6, 1}}, {1, {5, 1}, {0.5, 0, 0, 2}}});
  const auto drawn = draw(truth, 6000, 1);
  const auto full =
      *fit_labeled_mixture(drawn.view(2), drawn.labels, 2, {.form = covariance_form::full});
  for (std::size_t k = 0; k < 2; ++k) {
    const gaussian& found = full.components()[k];
    const gaussian& wanted = truth.components()[k];
    CHECK(std::abs(found.weight - wanted.weight) < 0.02);
    for (std::size_t i = 0; i < 2; ++i) CHECK(std::abs(found.mean[i] - wanted.mean[i]) < 0.12);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(std::abs(found.covariance[i] - wanted.covariance[i]) < 0.15);
    }
  }
  const auto shared = *fit_labeled_mixture(drawn.view(2), drawn.labels, 2);
  for (std::size_t i = 0; i < 4; ++i) {
    const double pooled =
        0.75 * truth.components()[0].covariance[i] + 0.25 * truth.components()[1].covariance[i];
    CHECK(std::abs(shared.components()[0].covariance[i] - pooled) < 0.12);
    CHECK(shared.components()[0].covariance[i] == shared.components()[1].covariance[i]);
  }
  const auto diagonal =
      *fit_labeled_mixture(drawn.view(2), drawn.labels, 2, {.form = covariance_form::diagonal});
  CHECK(diagonal.components()[0].covariance[1] == 0);
  CHECK(diagonal.components()[0].covariance[0] == full.components()[0].covariance[0]);
}

TEST_CASE("the order of points does not matter, and prevalences may be given") {
  const auto truth = *gaussian_mixture::make({{1, {0}, {1}}, {1, {3}, {1}}});
  const auto drawn = draw(truth, 60, 2);
  labeled_points reversed{{drawn.points.rbegin(), drawn.points.rend()},
                          {drawn.labels.rbegin(), drawn.labels.rend()}};
  const auto a = *fit_labeled_mixture(drawn.view(1), drawn.labels, 2, {.weights = {9, 1}});
  const auto b =
      *fit_labeled_mixture(reversed.view(1), reversed.labels, 2, {.weights = {0.9, 0.1}});
  CHECK(a.components()[0].weight == doctest::Approx(0.9));
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(a.components()[k].mean[0] == doctest::Approx(b.components()[k].mean[0]));
    CHECK(a.components()[k].covariance[0] == doctest::Approx(b.components()[k].covariance[0]));
  }
}

TEST_CASE("few points in many dimensions still classify new ones, because of the shrinkage") {
  const std::size_t dim = 12;
  std::vector<gaussian> parts(2);
  for (std::size_t k = 0; k < 2; ++k) {
    parts[k].mean.assign(dim, k == 0 ? 0.0 : 1.2);
    parts[k].covariance.assign(dim * dim, 0.0);
    for (std::size_t i = 0; i < dim; ++i) parts[k].covariance[i * dim + i] = 1;
  }
  const auto truth = *gaussian_mixture::make(parts);
  const auto training = draw(truth, 20, 3);  // ten of each, fewer than dimensions
  for (const auto form : {covariance_form::shared, covariance_form::full}) {
    const auto fit = *fit_labeled_mixture(training.view(dim), training.labels, 2, {.form = form});
    const auto fresh = draw(truth, 500, 4);
    int right = 0;
    for (std::size_t i = 0; i < 500; ++i) {
      const auto p = fit.log_posterior(fresh.view(dim).row(i));
      right += (p[1] > p[0]) == (fresh.labels[i] == 1) ? 1 : 0;
    }
    CHECK(right > 430);  // the best possible is 98%
  }
}

TEST_CASE("degenerate data are refused with their reason") {
  const std::vector<double> points{0, 1, 2, 3};
  const auto refusal = [&](std::vector<double> p, std::vector<std::size_t> labels,
                           std::size_t n_classes, const mixture_fit_options& how = {}) {
    const auto m = fit_labeled_mixture({p.data(), p.size(), 1}, labels, n_classes, how);
    REQUIRE_FALSE(m.has_value());
    return m.error();
  };
  CHECK(refusal(points, {0, 0, 0, 1}, 2).message() ==
        "fit Gaussian mixture: class 1: found 1 points, expected at least two; read more texts of "
        "it, or leave it out");
  CHECK(refusal(points, {0, 0, 1, 2}, 2).place == "label 3");
  CHECK(refusal(points, {0, 0, 1}, 2).code == errc::shape_mismatch);
  CHECK(refusal({}, {}, 1).code == errc::invalid_argument);
  CHECK(refusal({1, 1, 2, 2}, {0, 0, 1, 1}, 2).found == "points without spread");
  CHECK(refusal({1, 2, 3, 3}, {0, 0, 1, 1}, 2, {.form = covariance_form::full}).place == "class 1");
  CHECK(refusal({1, 2, std::nan(""), 3}, {0, 0, 1, 1}, 2).place == "point 2");
  CHECK(refusal(points, {0, 0, 1, 1}, 2, {.weights = {1}}).place == "weights");
  CHECK(refusal(points, {0, 0, 1, 1}, 2, {.weights = {1, 0}}).place == "component 1, weight");
}

}  // namespace
