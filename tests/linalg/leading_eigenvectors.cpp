// SPDX-License-Identifier: MIT

#include <multitudes/core/philox.hpp>
#include <multitudes/linalg/leading_eigenvectors.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace la = multitudes::linalg;

namespace {

/// A symmetric matrix with known eigenvalues: reflections of a diagonal one.
struct known_matrix {
  std::vector<double> values;
  std::vector<std::vector<double>> mirrors;  // unit

  known_matrix(std::vector<double> v, std::uint64_t seed) : values(std::move(v)) {
    multitudes::philox random(seed);
    for (int i = 0; i < 3; ++i) {
      std::vector<double> mirror(values.size());
      for (double& e : mirror) e = static_cast<double>(random.normal());
      la::detail::make_unit(mirror);
      mirrors.push_back(std::move(mirror));
    }
  }
  void reflect(std::span<double> x, bool back) const {
    for (std::size_t i = 0; i < mirrors.size(); ++i) {
      const auto& m = mirrors[back ? mirrors.size() - 1 - i : i];
      const double share = 2 * la::detail::dot(m, x);
      for (std::size_t e = 0; e < x.size(); ++e) x[e] -= share * m[e];
    }
  }
  void operator()(std::span<const double> x, std::span<double> y) const {
    std::copy(x.begin(), x.end(), y.begin());
    reflect(y, false);
    for (std::size_t e = 0; e < y.size(); ++e) y[e] *= values[e];
    reflect(y, true);
  }
  std::vector<double> vector(std::size_t i) const {
    std::vector<double> v(values.size());
    v[i] = 1;
    reflect(v, true);
    return v;
  }
};

std::vector<double> ones(std::size_t n) { return std::vector<double>(n, 1.0); }

}  // namespace

TEST_CASE("the leading eigenvectors come in order, with the sign of the start") {
  std::vector<double> values(60);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1 / static_cast<double>(1 + i);
  const known_matrix a(values, 1);
  const auto start = ones(60);
  const auto found = la::leading_eigenvectors(a, 3, start);
  REQUIRE(found.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    CHECK(found[i].value == doctest::Approx(values[i]).epsilon(1e-12));
    CHECK(found[i].residual <= 1e-9);
    CHECK(std::abs(la::detail::dot(found[i].vector, a.vector(i))) ==
          doctest::Approx(1).epsilon(1e-12));
    CHECK(la::detail::dot(found[i].vector, start) > 0);
  }
}

TEST_CASE("eigenvalues that lie close together are told apart") {
  std::vector<double> values(200, 0.5);
  values[0] = 1;
  values[1] = 0.999;
  for (std::size_t i = 2; i < values.size(); ++i) values[i] -= static_cast<double>(i) * 1e-3;
  const known_matrix a(values, 2);
  const auto found = la::leading_eigenvectors(a, 1, ones(200));
  CHECK(found[0].residual <= 1e-9);
  CHECK(std::abs(la::detail::dot(found[0].vector, a.vector(0))) > 1 - 1e-9);
}

TEST_CASE("the stated residual is the true one") {
  const known_matrix a({5, 4, 3, 2, 1, 0.5, 0.25}, 3);
  const auto found = la::leading_eigenvectors(a, 1, ones(7), {.n_steps = 2, .n_restarts = 1});
  std::vector<double> image(7);
  a(found[0].vector, image);
  double left = 0;
  for (std::size_t e = 0; e < 7; ++e) {
    const double d = image[e] - found[0].value * found[0].vector[e];
    left += d * d;
  }
  CHECK(found[0].residual > 1e-6);
  CHECK(found[0].residual == doctest::Approx(std::sqrt(left) / found[0].value).epsilon(1e-6));
}

TEST_CASE("equal eigenvalues give orthogonal vectors, and a low rank ends the list") {
  const known_matrix a({2, 2, 1, 0, 0, 0}, 4);
  const auto found = la::leading_eigenvectors(a, 5, std::vector<double>{1, 2, 3, 4, 5, 6});
  REQUIRE(found.size() >= 3);
  CHECK(found[0].value == doctest::Approx(2));
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      largest = std::max(largest, std::abs(la::detail::dot(found[i].vector, found[k].vector)));
    }
  }
  CHECK(largest < 1e-12);
  CHECK(found.back().value < 1e-12);
}

TEST_CASE("zeros, one element and numbers that are none have no eigenvector, and do not hang") {
  const auto nothing = [](std::span<const double> x, std::span<double> y) {
    std::fill_n(y.begin(), x.size(), 0.0);
  };
  const auto broken = [](std::span<const double> x, std::span<double> y) {
    std::fill_n(y.begin(), x.size(), std::numeric_limits<double>::quiet_NaN());
  };
  const auto seven = [](std::span<const double> x, std::span<double> y) { y[0] = 7 * x[0]; };
  CHECK(la::leading_eigenvectors(nothing, 1, ones(5))[0].value == 0);
  CHECK(la::leading_eigenvectors(nothing, 1, ones(5))[0].vector == std::vector<double>(5));
  CHECK(la::leading_eigenvectors(broken, 1, ones(5))[0].value == 0);
  CHECK(la::leading_eigenvectors(seven, 1, std::vector<double>(1))[0].value == 0);  // no start
  const auto one = la::leading_eigenvectors(seven, 4, ones(1));
  REQUIRE(one.size() == 1);
  CHECK(one[0].value == doctest::Approx(7));
  CHECK(one[0].vector == ones(1));
}
