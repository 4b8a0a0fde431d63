// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "matrices.hpp"

#include <multitudes/linalg/symmetric.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <limits>

using namespace multitudes;
using namespace multitudes_test;

namespace {

matrix random_symmetric(philox& random, std::size_t n) {
  matrix m = random_matrix(random, n, n);
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = 0; c < r; ++c) m.view().row(r)[c] = m.view().row(c)[r];
  }
  return m;
}

}  // namespace

TEST_CASE("eigenvalues come largest first, with vectors whose sign is fixed") {
  const matrix m{3, 3, {2, 1, 0, 1, 2, 0, 0, 0, -5}};
  const auto e = linalg::eigen_symmetric(m.view());
  REQUIRE(e);
  CHECK(distance(e->values, std::vector<double>{3, 1, -5}) < 1e-14);
  const double half = std::sqrt(0.5);
  CHECK(distance(e->vector(0), std::vector<double>{half, half, 0}) < 1e-14);
  // Both entries are equally large: the first one is positive.
  CHECK(distance(e->vector(1), std::vector<double>{half, -half, 0}) < 1e-14);
  CHECK(distance(e->vector(2), std::vector<double>{0, 0, 1}) < 1e-14);
}

TEST_CASE("an eigenvector's sign does not hang on what turned the matrix there") {
  for (int i = 0; i < sample_count(200, 5000); ++i) {
    philox random(10, static_cast<std::uint64_t>(i));
    const matrix m = random_symmetric(random, 1 + random.below(12));
    const auto e = linalg::eigen_symmetric(m.view());
    REQUIRE(e);
    for (std::size_t k = 0; k < m.rows; ++k) {
      const auto v = e->vector(k);
      const auto largest = std::ranges::max_element(v, {}, [](double x) { return std::fabs(x); });
      REQUIRE(*largest > 0);
    }
  }
}

TEST_CASE("rounding does not choose the sign of a vector whose entries are equally large") {
  for (int i = 0; i < sample_count(500, 20000); ++i) {
    philox random(12, static_cast<std::uint64_t>(i));
    // (a, b; b, a) among other things: (1, 1) and (1, -1) are eigenvectors.
    matrix m{6, 6, std::vector<double>(36)};
    for (std::size_t r = 0; r < 6; ++r) m.view().row(r)[r] = static_cast<double>(random.normal());
    m.view().row(3)[4] = m.view().row(4)[3] = 5 + static_cast<double>(random.normal());
    m.view().row(4)[4] = m.view().row(3)[3];
    m.view().row(0)[1] = m.view().row(1)[0] = static_cast<double>(random.normal());
    const auto e = linalg::eigen_symmetric(m.view());
    REQUIRE(e);
    for (std::size_t k = 0; k < 6; ++k) {
      const auto v = e->vector(k);
      if (std::fabs(v[3]) > 0.7) REQUIRE(v[3] > 0);
    }
  }
}

TEST_CASE("a matrix is the sum of its eigenvalues times its eigenvectors") {
  for (int i = 0; i < sample_count(100, 5000); ++i) {
    philox random(11, static_cast<std::uint64_t>(i));
    const matrix m = random_symmetric(random, random.below(20));
    const auto e = linalg::eigen_symmetric(m.view());
    REQUIRE(e);
    REQUIRE(std::ranges::is_sorted(e->values, std::greater<>()));
    REQUIRE(deviation({e->vectors.data(), m.rows, m.rows}) < 1e-13);
    const auto same = linalg::symmetric_function(*e, [](double x) { return x; });
    REQUIRE(same);
    REQUIRE(distance(*same, m.values) < 1e-12);
  }
}

TEST_CASE("the inverse square root, used twice, undoes a matrix") {
  const matrix m{2, 2, {5, 2, 2, 3}};
  const auto e = linalg::eigen_symmetric(m.view());
  REQUIRE(e);
  const auto root = linalg::symmetric_function(*e, [](double x) { return 1 / std::sqrt(x); });
  REQUIRE(root);
  const std::vector<double>& r = *root;
  const std::vector<double> inverse{r[0] * r[0] + r[1] * r[2], r[0] * r[1] + r[1] * r[3],
                                    r[2] * r[0] + r[3] * r[2], r[2] * r[1] + r[3] * r[3]};
  CHECK(distance(inverse, std::vector<double>{3.0 / 11, -2.0 / 11, -2.0 / 11, 5.0 / 11}) < 1e-15);
}

TEST_CASE("matrices at the ends of the range of doubles are solved") {
  for (const double scale : {1e-300, 1e300}) {
    const matrix m{2, 2, {2 * scale, scale, scale, 2 * scale}};
    const auto e = linalg::eigen_symmetric(m.view());
    REQUIRE(e);
    CHECK(e->values[0] / scale == doctest::Approx(3));
    CHECK(e->values[1] / scale == doctest::Approx(1));
  }
  const matrix zeros{3, 3, std::vector<double>(9, 0.0)};
  const auto e = linalg::eigen_symmetric(zeros.view());
  REQUIRE(e);
  CHECK(e->values == std::vector<double>{0, 0, 0});
}

TEST_CASE("what is not a symmetric matrix of numbers is refused") {
  matrix m{2, 2, {1, 2, 2.001, 1}};
  auto e = linalg::eigen_symmetric(m.view());
  REQUIRE(!e);
  CHECK(e.error().code == errc::invalid_argument);
  CHECK(e.error().message() ==
        "find eigenvalues: row 1, column 0: found another number than in row 0, column 1, "
        "expected a symmetric matrix");
  m.values[2] = std::numeric_limits<double>::infinity();
  CHECK(linalg::eigen_symmetric(m.view()).error().code == errc::non_finite);
  const matrix wide{1, 2, {1, 2}};
  CHECK(linalg::eigen_symmetric(wide.view()).error().code == errc::shape_mismatch);
  CHECK(linalg::eigen_symmetric({})->size() == 0);
}

TEST_CASE("a function that has no value at an eigenvalue is refused") {
  const matrix m{2, 2, {1, 0, 0, 0}};
  const auto e = linalg::eigen_symmetric(m.view());
  REQUIRE(e);
  const auto f = linalg::symmetric_function(*e, [](double x) { return 1 / x; });
  REQUIRE(!f);
  CHECK(f.error().code == errc::non_finite);
}
