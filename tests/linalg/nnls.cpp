// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "matrices.hpp"

#include <multitudes/linalg/nnls.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace multitudes;
using namespace multitudes_test;

namespace {

std::vector<double> rest(const matrix& parts, std::span<const double> target,
                         std::span<const double> weights) {
  std::vector<double> r(target.begin(), target.end());
  for (std::size_t i = 0; i < parts.rows; ++i) {
    for (std::size_t c = 0; c < r.size(); ++c) r[c] -= weights[i] * parts.view().row(i)[c];
  }
  return r;
}

/// The best of all subsets' least squares that have no negative weight, by the normal equations.
double best_by_trying(const matrix& parts, std::span<const double> target) {
  const std::size_t n = parts.rows;
  double best = product(target, target);
  for (std::size_t subset = 1; subset < (std::size_t{1} << n); ++subset) {
    std::vector<std::size_t> in;
    for (std::size_t i = 0; i < n; ++i) {
      if (subset >> i & 1) in.push_back(i);
    }
    const std::size_t k = in.size();
    std::vector<std::vector<double>> a(k, std::vector<double>(k + 1));
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = 0; j < k; ++j) {
        a[i][j] = product(parts.view().row(in[i]), parts.view().row(in[j]));
      }
      a[i][k] = product(parts.view().row(in[i]), target);
    }
    bool solved = true;
    for (std::size_t p = 0; p < k; ++p) {
      for (std::size_t q = p + 1; q < k; ++q) {
        if (std::fabs(a[q][p]) > std::fabs(a[p][p])) std::swap(a[p], a[q]);
      }
      solved = solved && std::fabs(a[p][p]) > 1e-9;
      if (!solved) break;
      for (std::size_t q = 0; q < k; ++q) {
        if (q == p) continue;
        const double f = a[q][p] / a[p][p];
        for (std::size_t c = p; c <= k; ++c) a[q][c] -= f * a[p][c];
      }
    }
    if (!solved) continue;
    std::vector<double> weights(n, 0.0);
    for (std::size_t i = 0; i < k; ++i) weights[in[i]] = a[i][k] / a[i][i];
    if (std::ranges::any_of(weights, [](double w) { return w < 0; })) continue;
    const auto r = rest(parts, target, weights);
    best = std::min(best, product(r, r));
  }
  return best;
}

}  // namespace

TEST_CASE("a part that would need a negative weight gets none") {
  const matrix parts{2, 2, {1, 0, 0, 1}};
  const auto w = linalg::nnls(parts.view(), std::vector<double>{3, -2});
  REQUIRE(w);
  CHECK(distance(*w, std::vector<double>{3, 0}) < 1e-15);
}

TEST_CASE("weights that were mixed in are found again") {
  double worst = 0;
  for (int i = 0; i < sample_count(300, 10000); ++i) {
    philox random(30, static_cast<std::uint64_t>(i));
    const std::size_t n = 1 + random.below(12);
    const matrix parts = random_matrix(random, n, n + 8 + random.below(20));
    std::vector<double> weights(n);
    for (double& w : weights) {
      w = random.below(3) == 0 ? 0.0 : static_cast<double>(random.uniform());
    }
    std::vector<double> target(parts.cols, 0.0);
    target = rest(parts, target, weights);
    for (double& x : target) x = -x;
    const auto found = linalg::nnls(parts.view(), target);
    REQUIRE(found);
    worst = std::max(worst, distance(*found, weights));
  }
  INFO("worst ", worst);
  CHECK(worst < 1e-11);
}

TEST_CASE("no choice of parts does better, also with correlated and too many parts") {
  for (int i = 0; i < sample_count(150, 5000); ++i) {
    philox random(31, static_cast<std::uint64_t>(i));
    const std::size_t n = 1 + random.below(7), width = 1 + random.below(9);
    matrix parts = random_matrix(random, n, width);
    if (i % 2) {
      for (std::size_t r = 1; r < n; ++r) {
        for (std::size_t c = 0; c < width; ++c) {
          parts.view().row(r)[c] = parts.view().row(0)[c] + 0.05 * parts.view().row(r)[c];
        }
      }
    }
    const matrix target = random_matrix(random, 1, width);
    const auto w = linalg::nnls(parts.view(), target.values);
    REQUIRE(w);
    REQUIRE(std::ranges::all_of(*w, [](double x) { return x >= 0; }));
    const auto r = rest(parts, target.values, *w);
    REQUIRE(product(r, r) <= best_by_trying(parts, target.values) + 1e-9);
    const double scale = std::sqrt(product(target.values, target.values));
    for (std::size_t k = 0; k < n; ++k) {
      const auto part = parts.view().row(k);
      const double gain = product(r, part) / scale / std::sqrt(product(part, part));
      REQUIRE(gain < 0x1p-39);
      if ((*w)[k] > 0) REQUIRE(std::fabs(gain) < 0x1p-39);
    }
  }
}

TEST_CASE("of equal parts the first takes all, and zeros take nothing") {
  const matrix parts{4, 2, {0, 0, 1, 1, 1, 1, 2, 2}};
  const auto w = linalg::nnls(parts.view(), std::vector<double>{3, 3});
  REQUIRE(w);
  CHECK(distance(*w, std::vector<double>{0, 3, 0, 0}) < 1e-14);
}

TEST_CASE("nothing to fit, and nothing to fit with, give weights of zero") {
  const matrix parts{2, 2, {1, 0, 0, 1}};
  CHECK(*linalg::nnls(parts.view(), std::vector<double>{0, 0}) == std::vector<double>{0, 0});
  CHECK(*linalg::nnls(parts.view(), std::vector<double>{-1, -1}) == std::vector<double>{0, 0});
  CHECK(linalg::nnls({nullptr, 0, 2}, std::vector<double>{1, 2})->empty());
  CHECK(*linalg::nnls({nullptr, 3, 0}, {}) == std::vector<double>{0, 0, 0});
}

TEST_CASE("the sizes of parts and target do not matter, as long as the weight is a double") {
  const matrix parts{2, 2, {1e-200, 0, 0, 1e200}};
  const auto small = linalg::nnls(parts.view(), std::vector<double>{1e-100, 0});
  REQUIRE(small);
  CHECK((*small)[0] / 1e100 == doctest::Approx(1));
  const auto large = linalg::nnls(parts.view(), std::vector<double>{0, 1e50});
  REQUIRE(large);
  CHECK((*large)[1] / 1e-150 == doctest::Approx(1));
  const auto too_large = linalg::nnls(parts.view(), std::vector<double>{1e200, 0});
  REQUIRE(!too_large);
  CHECK(too_large.error().code == errc::non_finite);
  CHECK(too_large.error().place == "weight 0");
}

TEST_CASE("parts and targets that do not fit or are not finite are refused") {
  matrix parts{1, 2, {1, 2}};
  CHECK(linalg::nnls(parts.view(), std::vector<double>{1}).error().code == errc::shape_mismatch);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(linalg::nnls(parts.view(), std::vector<double>{1, nan}).error().code == errc::non_finite);
  parts.values[1] = nan;
  CHECK(linalg::nnls(parts.view(), std::vector<double>{1, 1}).error().place == "row 0, column 1");
}
