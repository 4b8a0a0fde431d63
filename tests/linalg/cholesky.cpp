// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/linalg/cholesky.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace multitudes;
using linalg::cholesky;

/// A A^T of a random A, and a little of the identity.
std::vector<double> covariance(std::size_t n, std::uint64_t seed) {
  philox random(seed);
  std::vector<double> a(n * n);
  for (double& x : a) x = static_cast<double>(random.normal());
  std::vector<double> c(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    c[i * n + i] = 0.1;
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t k = 0; k < n; ++k) c[i * n + j] += a[i * n + k] * a[j * n + k];
    }
  }
  return c;
}

TEST_CASE("the factor times its transpose is the matrix") {
  for (std::size_t n = 1; n <= 9; ++n) {
    const auto c = covariance(n, n);
    const auto f = cholesky::factor({c.data(), n, n});
    REQUIRE(f.has_value());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < n; ++k) sum += f->lower().row(i)[k] * f->lower().row(j)[k];
        CHECK(sum == doctest::Approx(c[i * n + j]).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("solving gives back what the matrix was multiplied with") {
  const std::size_t n = 7;
  const auto c = covariance(n, 3);
  const auto f = *cholesky::factor({c.data(), n, n});
  philox random(1);
  std::vector<double> x(n);
  for (double& element : x) element = static_cast<double>(random.normal());
  std::vector<double> b(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) b[i] += c[i * n + j] * x[j];
  }
  f.solve(b);
  for (std::size_t i = 0; i < n; ++i) CHECK(b[i] == doctest::Approx(x[i]).epsilon(1e-9));
  // multiply and solve_lower undo each other, and the inverse is what solve_lower applies.
  std::vector<double> y(n);
  f.multiply(x, y);
  const auto inverse = f.inverse_lower();
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += inverse[i * n + j] * y[j];
    CHECK(sum == doctest::Approx(x[i]).epsilon(1e-9));
  }
  f.solve_lower(y);
  for (std::size_t i = 0; i < n; ++i) CHECK(y[i] == doctest::Approx(x[i]).epsilon(1e-9));
}

TEST_CASE("the determinant is the product that a small matrix shows") {
  const std::vector<double> c{4, 0, 2, 5};  // the upper half is not read
  CHECK(cholesky::factor({c.data(), 2, 2})->log_determinant() ==
        doctest::Approx(std::log(4 * 5 - 2 * 2)));
}

TEST_CASE("matrices without a factor are refused") {
  const auto refused = [](std::vector<double> m, std::size_t rows, std::size_t cols) {
    return !cholesky::factor({m.data(), rows, cols}).has_value();
  };
  CHECK(refused({1, 2, 2, 1}, 2, 2));  // indefinite
  CHECK(refused({1, 1, 1, 1}, 2, 2));  // singular
  CHECK(refused({0}, 1, 1));
  CHECK(refused({-1}, 1, 1));
  CHECK(refused({1, 0, 0, 1, 0, 0}, 2, 3));
  CHECK(refused({std::nan("")}, 1, 1));
  CHECK(refused({std::numeric_limits<double>::infinity()}, 1, 1));
  CHECK(!refused({}, 0, 0));
}

}  // namespace
