// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/linalg/cholesky.hpp>
#include <multitudes/stats/shrinkage.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::stats;

/// Rows of independent normals whose standard deviation falls from `first` by `ratio`.
std::vector<double> centered_rows(std::size_t n, std::size_t dim, double first, double ratio,
                                  std::uint64_t seed) {
  philox random(seed);
  std::vector<double> rows(n * dim);
  for (std::size_t i = 0; i < n; ++i) {
    double sd = first;
    for (std::size_t j = 0; j < dim; ++j, sd *= ratio) {
      rows[i * dim + j] = sd * static_cast<double>(random.normal());
    }
  }
  for (std::size_t j = 0; j < dim; ++j) {
    double mean = 0;
    for (std::size_t i = 0; i < n; ++i) mean += rows[i * dim + j] / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) rows[i * dim + j] -= mean;
  }
  return rows;
}

double squared_error(const std::vector<double>& found, std::size_t dim, double first,
                     double ratio) {
  double sum = 0;
  double variance = first * first;
  for (std::size_t i = 0; i < dim; ++i, variance *= ratio * ratio) {
    for (std::size_t j = 0; j < dim; ++j) {
      const double gap = found[i * dim + j] - (i == j ? variance : 0);
      sum += gap * gap;
    }
  }
  return sum;
}

TEST_CASE("the shrinkage is the one of the definition, summed point by point") {
  const std::size_t n = 12;
  const std::size_t dim = 4;
  const auto rows = centered_rows(n, dim, 1, 0.5, 5);
  std::vector<double> s(dim * dim, 0.0);
  for (std::size_t p = 0; p < n; ++p) {
    for (std::size_t i = 0; i < dim * dim; ++i) {
      s[i] += rows[p * dim + i / dim] * rows[p * dim + i % dim] / n;
    }
  }
  double m = 0;
  for (std::size_t i = 0; i < dim; ++i) m += s[i * dim + i] / dim;
  double d2 = 0;
  for (std::size_t i = 0; i < dim * dim; ++i) {
    const double gap = s[i] - (i / dim == i % dim ? m : 0);
    d2 += gap * gap;
  }
  double b2 = 0;
  for (std::size_t p = 0; p < n; ++p) {
    for (std::size_t i = 0; i < dim * dim; ++i) {
      const double gap = rows[p * dim + i / dim] * rows[p * dim + i % dim] - s[i];
      b2 += gap * gap / (n * n);
    }
  }
  const auto found = *shrink_covariance({rows.data(), n, dim});
  CHECK(found.shrinkage == doctest::Approx(b2 / d2).epsilon(1e-10));
  for (std::size_t i = 0; i < dim * dim; ++i) {
    const double target = i / dim == i % dim ? m : 0;
    const double wanted = (1 - b2 / d2) * s[i] + b2 / d2 * target;
    CHECK(found.matrix[i] == doctest::Approx(wanted * n / (n - 1.0)).epsilon(1e-10));
  }
}

TEST_CASE("with fewer points than dimensions it is still positive definite and nearer the truth") {
  const std::size_t dim = 20;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto rows = centered_rows(8, dim, 1, 0.95, seed);
    const auto found = *shrink_covariance({rows.data(), 8, dim});
    CHECK(linalg::cholesky::factor({found.matrix.data(), dim, dim}).has_value());
    std::vector<double> plain(dim * dim, 0.0);
    for (std::size_t p = 0; p < 8; ++p) {
      for (std::size_t i = 0; i < dim * dim; ++i) {
        plain[i] += rows[p * dim + i / dim] * rows[p * dim + i % dim] / 7;
      }
    }
    CHECK(squared_error(found.matrix, dim, 1, 0.95) < squared_error(plain, dim, 1, 0.95));
  }
}

TEST_CASE("many points are hardly shrunk, and a sphere nearly all the way") {
  const auto many = centered_rows(4000, 3, 3, 0.3, 2);
  CHECK(shrink_covariance({many.data(), 4000, 3})->shrinkage < 0.01);
  const auto few = centered_rows(10, 30, 1, 1, 2);
  CHECK(shrink_covariance({few.data(), 10, 30})->shrinkage > 0.8);
}

TEST_CASE("each mean taken off costs a degree of freedom") {
  const auto rows = centered_rows(10, 2, 1, 1, 3);
  const auto one = *shrink_covariance({rows.data(), 10, 2}, 1);
  const auto four = *shrink_covariance({rows.data(), 10, 2}, 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(four.matrix[i] == doctest::Approx(one.matrix[i] * 9 / 6));
  }
}

TEST_CASE("points without spread have no covariance") {
  const std::vector<double> zeros(6, 0.0);
  CHECK(!shrink_covariance({zeros.data(), 3, 2}).has_value());
  const std::vector<double> some{1, -1, 2, -2};
  CHECK(!shrink_covariance({some.data(), 1, 4}).has_value());
  CHECK(!shrink_covariance({some.data(), 2, 2}, 2).has_value());
  CHECK(!shrink_covariance({some.data(), 4, 0}).has_value());
  const std::vector<double> bad{1, std::nan(""), -1, 2};
  CHECK(!shrink_covariance({bad.data(), 2, 2}).has_value());
}

}  // namespace
