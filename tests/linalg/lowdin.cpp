// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "matrices.hpp"

#include <multitudes/linalg/lowdin.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace multitudes;
using namespace multitudes_test;

namespace {

double squared_distance(const matrix& a, const matrix& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    sum += (a.values[i] - b.values[i]) * (a.values[i] - b.values[i]);
  }
  return sum;
}

}  // namespace

TEST_CASE("two vectors are pushed apart by the same angle") {
  const double degree = std::acos(-1.0) / 180;
  matrix m{
      2,
      2,
      {std::cos(10 * degree), std::sin(10 * degree), std::cos(40 * degree), std::sin(40 * degree)}};
  REQUIRE(linalg::lowdin(m.view()));
  const std::vector<double> wanted{std::cos(-20 * degree), std::sin(-20 * degree),
                                   std::cos(70 * degree), std::sin(70 * degree)};
  CHECK(distance(m.values, wanted) < 1e-15);
}

TEST_CASE("it is the inverse root of the inner products, times the rows") {
  philox random(20);
  const matrix rows = random_matrix(random, 4, 7);
  matrix inner{4, 4, {}};
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      inner.values.push_back(product(rows.view().row(i), rows.view().row(j)));
    }
  }
  const auto e = linalg::eigen_symmetric(inner.view());
  REQUIRE(e);
  const auto root = linalg::symmetric_function(*e, [](double x) { return 1 / std::sqrt(x); });
  REQUIRE(root);
  matrix wanted{4, 7, std::vector<double>(28)};
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      for (std::size_t c = 0; c < 7; ++c) {
        wanted.view().row(i)[c] += (*root)[i * 4 + j] * rows.view().row(j)[c];
      }
    }
  }
  matrix made = rows;
  REQUIRE(linalg::lowdin(made.view()));
  CHECK(distance(made.values, wanted.values) < 1e-13);
}

TEST_CASE("no orthonormal set is nearer") {
  for (int i = 0; i < sample_count(200, 5000); ++i) {
    philox random(21, static_cast<std::uint64_t>(i));
    const std::size_t width = 2 + random.below(10);
    const std::size_t n = 1 + random.below(static_cast<std::uint32_t>(width));
    const matrix rows = random_matrix(random, n, width);
    matrix nearest = rows;
    REQUIRE(linalg::lowdin(nearest.view()));
    REQUIRE(deviation(nearest.view()) < 1e-13);
    const double best = squared_distance(rows, nearest);
    matrix other = rows;
    REQUIRE(linalg::gram_schmidt(other.view()));
    REQUIRE(squared_distance(rows, other) >= best - 1e-12);
    // Turning the set a little within the plane of two of its rows, or out of it, is worse.
    for (int turn = 0; turn < 5; ++turn) {
      matrix turned = nearest;
      const auto a = turned.view().row(random.below(static_cast<std::uint32_t>(n)));
      for (double& x : a) x += 0.01 * static_cast<double>(random.normal());
      REQUIRE(linalg::gram_schmidt(turned.view()));
      REQUIRE(squared_distance(rows, turned) >= best - 1e-12);
    }
  }
}

TEST_CASE("permuting the rows permutes the result") {
  philox random(22);
  matrix a = random_matrix(random, 3, 5);
  matrix b = a;
  std::rotate(b.values.begin(), b.values.begin() + 5, b.values.end());
  REQUIRE(linalg::lowdin(a.view()));
  REQUIRE(linalg::lowdin(b.view()));
  std::rotate(a.values.begin(), a.values.begin() + 5, a.values.end());
  CHECK(distance(a.values, b.values) < 1e-14);
}

TEST_CASE("nearly dependent rows still end orthonormal") {
  matrix m{3, 3, {1, 1, 1, 1, 1, 1 + 1e-5, 1, 1 + 1e-5, 1}};
  for (double& x : m.values) x *= 1.7e308;
  REQUIRE(linalg::lowdin(m.view()));
  CHECK(deviation(m.view()) < 1e-13);
}

TEST_CASE("dependent rows have no nearest set, and stay") {
  const auto refused = [](matrix m) {
    const matrix before = m;
    const auto done = linalg::lowdin(m.view());
    REQUIRE(!done);
    CHECK(distance(m.values, before.values) == 0);
    return done.error().code;
  };
  CHECK(refused({2, 2, {1, 2, 2, 4}}) == errc::invalid_argument);
  CHECK(refused({2, 2, {1, 2, 0, 0}}) == errc::invalid_argument);
  CHECK(refused({1, 2, {0, 0}}) == errc::invalid_argument);
  CHECK(refused({2, 1, {1, 2}}) == errc::invalid_argument);
  CHECK(refused({1, 0, {}}) == errc::invalid_argument);
  matrix nan{1, 1, {std::numeric_limits<double>::quiet_NaN()}};
  CHECK(linalg::lowdin(nan.view()).error().code == errc::non_finite);
  CHECK(linalg::lowdin({}));
}
