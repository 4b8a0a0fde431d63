// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "matrices.hpp"

#include <multitudes/linalg/principal_axes.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace multitudes;
using namespace multitudes_test;

TEST_CASE("the axes of a cloud are those along which it is long") {
  const matrix cloud{4, 3, {3, 0, 0, -3, 0, 0, 0, 0, 1, 0, 0, -1}};
  const auto axes = linalg::principal_axes(cloud.view());
  REQUIRE(axes);
  REQUIRE(axes->size() == 2);
  CHECK(distance(axes->mean_squares, std::vector<double>{4.5, 0.5}) < 1e-14);
  CHECK(distance(axes->axis(0), std::vector<double>{1, 0, 0}) < 1e-15);
  CHECK(distance(axes->axis(1), std::vector<double>{0, 0, 1}) < 1e-15);
}

TEST_CASE("few rows and many give the moments back") {
  for (int i = 0; i < sample_count(100, 3000); ++i) {
    philox random(40, static_cast<std::uint64_t>(i));
    const std::size_t n = 1 + random.below(15), width = 1 + random.below(15);
    const matrix cloud = random_matrix(random, n, width);
    const auto axes = linalg::principal_axes(cloud.view());
    REQUIRE(axes);
    REQUIRE(axes->size() == std::min(n, width));
    REQUIRE(deviation({axes->axes.data(), axes->size(), width}) < 1e-13);
    std::vector<double> wanted(width * width), found(width * width);
    for (std::size_t a = 0; a < width; ++a) {
      for (std::size_t b = 0; b < width; ++b) {
        for (std::size_t r = 0; r < n; ++r) {
          wanted[a * width + b] +=
              cloud.view().row(r)[a] * cloud.view().row(r)[b] / static_cast<double>(n);
        }
        for (std::size_t k = 0; k < axes->size(); ++k) {
          found[a * width + b] += axes->mean_squares[k] * axes->axis(k)[a] * axes->axis(k)[b];
        }
      }
    }
    REQUIRE(distance(found, wanted) < 1e-12);
    for (std::size_t k = 0; k < axes->size(); ++k) {
      const auto v = axes->axis(k);
      REQUIRE(*std::ranges::max_element(v, {}, [](double x) { return std::fabs(x); }) > 0);
    }
  }
}

TEST_CASE("what the rows do not determine is left out") {
  const matrix flat{3, 3, {1, 1, 0, 2, 2, 0, -1, -1, 1e-7}};
  const auto axes = linalg::principal_axes(flat.view());
  REQUIRE(axes);
  CHECK(axes->size() == 1);
  const matrix zeros{2, 5, std::vector<double>(10, 0.0)};
  CHECK(linalg::principal_axes(zeros.view())->size() == 0);
  CHECK(linalg::principal_axes({})->size() == 0);
}

TEST_CASE("rows that are not finite, or whose squares are not, are refused") {
  const matrix huge{1, 2, {1e200, 1}};
  CHECK(linalg::principal_axes(huge.view()).error().code == errc::non_finite);
  const matrix nan{1, 2, {std::numeric_limits<double>::quiet_NaN(), 1}};
  CHECK(linalg::principal_axes(nan.view()).error().code == errc::non_finite);
}
