// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "matrices.hpp"

#include <multitudes/linalg/orthonormal.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace multitudes;
using namespace multitudes_test;

TEST_CASE("Gram and Schmidt keep the first row's direction and clean the others of it") {
  matrix m{3, 3, {2, 0, 0, 5, -3, 0, 1, 1, 1}};
  const auto rank = linalg::gram_schmidt(m.view());
  REQUIRE(rank);
  CHECK(*rank == 3);
  CHECK(m.values == std::vector<double>{1, 0, 0, 0, -1, 0, 0, 0, 1});
}

TEST_CASE("rows that depend on those before become zeros") {
  matrix m{5, 3, {0, 0, 0, 1, 1, 0, -2, -2, 0, 0, 0, 4, 3, 3, 3}};
  const auto rank = linalg::gram_schmidt(m.view());
  REQUIRE(rank);
  CHECK(*rank == 2);
  for (const std::size_t i : {0u, 2u, 4u}) CHECK(product(m.view().row(i), m.view().row(i)) == 0);
  CHECK(m.view().row(1)[0] == doctest::Approx(std::sqrt(0.5)));
  CHECK(m.view().row(3)[2] == 1);
}

TEST_CASE("no more rows are kept than there are dimensions, whatever the tolerance") {
  philox random(1);
  matrix m = random_matrix(random, 9, 4);
  const auto rank = linalg::gram_schmidt(m.view(), 0);
  REQUIRE(rank);
  CHECK(*rank == 4);
}

TEST_CASE("what is left of a row is measured against the row's own length") {
  matrix m{2, 10000, std::vector<double>(20000, 1.0)};
  m.values[10000] += 2e-5;  // more than 2^-20, but less than 2^-20 of a length of 100
  CHECK(*linalg::gram_schmidt(m.view()) == 1);
  std::ranges::fill(m.values, 1.0);
  m.values[10000] += 2e-4;
  CHECK(*linalg::gram_schmidt(m.view()) == 2);
}

TEST_CASE("rows of any shape and size become orthonormal to width * 2^-50") {
  double worst = 0;
  for (int i = 0; i < sample_count(200, 10000); ++i) {
    philox random(2, static_cast<std::uint64_t>(i));
    const std::size_t width = 1 + random.below(40);
    matrix m = random_matrix(random, 1 + random.below(static_cast<std::uint32_t>(width)), width);
    // Barely independent rows, at scales that differ wildly.
    for (std::size_t r = 1; r < m.rows; ++r) {
      const double nearness = std::pow(10.0, -static_cast<double>(random.below(6)));
      const double scale = std::pow(10.0, static_cast<double>(random.below(600)) - 300);
      for (std::size_t c = 0; c < width; ++c) {
        m.view().row(r)[c] =
            (m.view().row(0)[c] / std::fabs(m.view().row(0)[0]) + nearness * m.view().row(r)[c]) *
            scale;
      }
    }
    const std::size_t n = m.rows;
    const auto rank = linalg::gram_schmidt(m.view());
    REQUIRE(rank);
    matrix kept{0, width, {}};
    for (std::size_t r = 0; r < n; ++r) {
      const auto row = m.view().row(r);
      if (product(row, row) == 0) continue;
      ++kept.rows;
      kept.values.insert(kept.values.end(), row.begin(), row.end());
    }
    REQUIRE(kept.rows == *rank);
    worst = std::max(worst, deviation(kept.view()) / static_cast<double>(width));
  }
  INFO("worst ", worst);
  CHECK(worst < 0x1p-50);
}

TEST_CASE("a stride between rows is respected") {
  std::vector<double> values{3, 4, 99, 4, 3, 99};
  const auto rank = linalg::gram_schmidt({values.data(), 2, 2, 3});
  REQUIRE(rank);
  CHECK(*rank == 2);
  CHECK(values[0] == doctest::Approx(0.6));
  CHECK(values[3] == doctest::Approx(0.8));
  CHECK(values[2] == 99);
  CHECK(values[5] == 99);
}

TEST_CASE("rows that are not finite are refused and stay") {
  matrix m{2, 2, {1, 2, 3, std::numeric_limits<double>::quiet_NaN()}};
  const auto rank = linalg::gram_schmidt(m.view());
  REQUIRE(!rank);
  CHECK(rank.error().message() ==
        "orthonormalize rows: row 1, column 1: found NaN, expected a finite number");
  CHECK(m.values[1] == 2);
  CHECK(*linalg::gram_schmidt({}) == 0);
}
