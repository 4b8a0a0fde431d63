// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/stats/gaussian_mixture.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::stats;

gaussian_mixture two_in_the_plane() {
  return *gaussian_mixture::make({{3, {0, 0}, {1, 0.5, 0.5, 2}}, {1, {4, 1}, {0.5, 0, 0, 0.25}}});
}

TEST_CASE("the density is the formula's") {
  const auto m = two_in_the_plane();
  const double x = 1.5;
  const double y = -0.5;
  // Of the first: determinant 1.75, inverse {2, -0.5, -0.5, 1} / 1.75.
  const double q = (2 * x * x - 2 * 0.5 * x * y + y * y) / 1.75;
  const double first = std::exp(-q / 2) / (2 * std::numbers::pi * std::sqrt(1.75));
  const double q2 = (x - 4) * (x - 4) / 0.5 + (y - 1) * (y - 1) / 0.25;
  const double second = std::exp(-q2 / 2) / (2 * std::numbers::pi * std::sqrt(0.125));
  const double total = 0.75 * first + 0.25 * second;
  const std::vector<double> at{x, y};
  CHECK(m.component_log_density(0, at) == doctest::Approx(std::log(first)));
  CHECK(m.log_density(at) == doctest::Approx(std::log(total)));
  const auto posterior = m.log_posterior(at);
  CHECK(std::exp(posterior[0]) == doctest::Approx(0.75 * first / total));
  CHECK(std::exp(posterior[1]) == doctest::Approx(0.25 * second / total));
}

TEST_CASE("far away, densities underflow but their logarithms do not") {
  const auto m = two_in_the_plane();
  const std::vector<double> far{1000, -2000};
  CHECK(std::isfinite(m.log_density(far)));
  CHECK(m.log_density(far) < -1e6);
  double sum = 0;
  for (const double p : m.log_posterior(far)) sum += std::exp(p);
  CHECK(sum == doctest::Approx(1));
}

TEST_CASE("draws have the weights, means and covariances of their components") {
  const auto m = two_in_the_plane();
  philox random(4);
  const int n = 20000;
  double count[2] = {};
  double sums[2][5] = {};
  std::vector<double> x(2);
  for (int i = 0; i < n; ++i) {
    const std::size_t k = m.sample(random, x);
    const double terms[] = {x[0], x[1], x[0] * x[0], x[0] * x[1], x[1] * x[1]};
    ++count[k];
    for (std::size_t j = 0; j < 5; ++j) sums[k][j] += terms[j];
  }
  CHECK(count[0] / n == doctest::Approx(0.75).epsilon(0.02));
  for (std::size_t k = 0; k < 2; ++k) {
    for (double& s : sums[k]) s /= count[k];
    const gaussian& part = m.components()[k];
    CHECK(std::abs(sums[k][0] - part.mean[0]) < 0.05);
    CHECK(std::abs(sums[k][1] - part.mean[1]) < 0.05);
    CHECK(std::abs(sums[k][2] - sums[k][0] * sums[k][0] - part.covariance[0]) < 0.06);
    CHECK(std::abs(sums[k][3] - sums[k][0] * sums[k][1] - part.covariance[1]) < 0.06);
    CHECK(std::abs(sums[k][4] - sums[k][1] * sums[k][1] - part.covariance[3]) < 0.08);
  }
}

TEST_CASE("a marginal is the integral over the other axes") {
  const auto m = two_in_the_plane();
  const std::size_t second[] = {1};
  const auto alone = *m.marginal(second);
  for (const double y : {-1.0, 0.3, 1.2}) {
    double sum = 0;
    for (int i = 0; i < 4000; ++i) {
      const std::vector<double> at{-12 + 0.007 * i, y};
      sum += 0.007 * std::exp(m.log_density(at));
    }
    CHECK(alone.log_density(std::vector<double>{y}) ==
          doctest::Approx(std::log(sum)).epsilon(1e-5));
  }
  const std::size_t swapped[] = {1, 0};
  CHECK(m.marginal(swapped)->log_density(std::vector<double>{-0.5, 1.5}) ==
        doctest::Approx(m.log_density(std::vector<double>{1.5, -0.5})));
  const std::size_t twice[] = {1, 1};
  const std::size_t outside[] = {2};
  CHECK(m.marginal(twice).error().place == "axis 1");
  CHECK(m.marginal(outside).error().code == errc::invalid_argument);
}

TEST_CASE("weights are shares, whatever they summed to") {
  const auto m = two_in_the_plane();
  CHECK(m.components()[0].weight == 0.75);
  CHECK(m.components()[1].weight == 0.25);
  CHECK(m.n_components() == 2);
  CHECK(m.dim() == 2);
}

TEST_CASE("logarithms are normalized, however large") {
  std::vector<double> logs{1000, 1000, -1e9};
  CHECK(normalize_logs(logs) == doctest::Approx(1000 + std::log(2)));
  CHECK(logs[0] == doctest::Approx(-std::log(2)));
  std::vector<double> none{-std::numeric_limits<double>::infinity()};
  CHECK(normalize_logs(none) == -std::numeric_limits<double>::infinity());
}

TEST_CASE("what is no mixture is refused with its reason") {
  const auto refusal = [](std::vector<gaussian> parts) {
    const auto m = gaussian_mixture::make(std::move(parts));
    REQUIRE_FALSE(m.has_value());
    return m.error();
  };
  CHECK(refusal({}).message() ==
        "make Gaussian mixture: components: found none, expected at least one of each");
  CHECK(refusal({{1, {}, {}}}).code == errc::invalid_argument);
  CHECK(refusal({{1, {0}, {1}}, {1, {0, 1}, {1, 0, 0, 1}}}).code == errc::shape_mismatch);
  CHECK(refusal({{1, {0}, {1, 2}}}).code == errc::shape_mismatch);
  CHECK(refusal({{0, {0}, {1}}}).place == "component 0, weight");
  CHECK(refusal({{-1, {0}, {1}}, {2, {0}, {1}}}).place == "component 0, weight");
  CHECK(refusal({{1, {0}, {0}}}).place == "component 0, covariance");
  CHECK(refusal({{1, {0, 0}, {1, 1, 1, 1}}}).place == "component 0, covariance");
  CHECK(refusal({{1, {std::nan("")}, {1}}}).code == errc::non_finite);
  CHECK(refusal({{std::numeric_limits<double>::infinity(), {0}, {1}}}).code == errc::non_finite);
}

}  // namespace
