// SPDX-License-Identifier: MIT

#include <multitudes/core/philox.hpp>
#include <multitudes/extract/second_moments.hpp>

#include <doctest/doctest.h>

#include <cmath>

namespace mt = multitudes;

namespace {

std::vector<std::vector<float>> some_rows(std::size_t n, std::size_t width) {
  mt::philox random(5);
  std::vector<std::vector<float>> rows(n, std::vector<float>(width));
  for (auto& row : rows) {
    const float topic = 3 * random.normal();
    for (std::size_t e = 0; e < width; ++e) {
      row[e] = 100 + random.normal() + (e % 3 == 0 ? topic : 0);
    }
  }
  return rows;
}

/// Everything that can be asked, by plain loops over the rows.
struct plain {
  std::vector<double> mean, centered, about_zero;
  double trace = 0, squared_size = 0;

  plain(const std::vector<std::vector<float>>& rows, std::span<const double> x)
      : mean(x.size()), centered(x.size()), about_zero(x.size()) {
    const std::size_t width = x.size();
    for (const auto& row : rows) {
      for (std::size_t e = 0; e < width; ++e) {
        mean[e] += static_cast<double>(row[e]) / static_cast<double>(rows.size());
      }
    }
    std::vector<double> matrix(width * width);
    for (const auto& row : rows) {
      double inner = 0, outer = 0;
      for (std::size_t e = 0; e < width; ++e) {
        const auto r = static_cast<double>(row[e]);
        inner += (r - mean[e]) * x[e];
        outer += r * x[e];
        trace += (r - mean[e]) * (r - mean[e]);
        for (std::size_t k = 0; k < width; ++k) {
          matrix[e * width + k] += (r - mean[e]) * (static_cast<double>(row[k]) - mean[k]);
        }
      }
      for (std::size_t e = 0; e < width; ++e) {
        centered[e] += inner * (static_cast<double>(row[e]) - mean[e]);
        about_zero[e] += outer * static_cast<double>(row[e]);
      }
    }
    for (const double m : matrix) squared_size += m * m;
  }
};

void check_against(const mt::second_moments& m, const std::vector<std::vector<float>>& rows,
                   std::span<const double> x) {
  const plain truth(rows, x);
  REQUIRE(m.n_rows() == rows.size());
  const auto mean = m.mean();
  std::vector<double> out(x.size());
  m.apply(x, mean, out);
  for (std::size_t e = 0; e < x.size(); ++e) {
    CHECK(mean[e] == doctest::Approx(truth.mean[e]).epsilon(1e-12));
    CHECK(out[e] == doctest::Approx(truth.centered[e]).epsilon(1e-9));
  }
  m.apply(x, out);
  for (std::size_t e = 0; e < x.size(); ++e) {
    CHECK(out[e] == doctest::Approx(truth.about_zero[e]).epsilon(1e-11));
  }
  CHECK(m.trace(mean) == doctest::Approx(truth.trace).epsilon(1e-10));
  CHECK(m.squared_size(mean) == doctest::Approx(truth.squared_size).epsilon(1e-9));
}

}  // namespace

TEST_CASE("moments are those of the rows, as long as rows are kept and when the matrix is") {
  constexpr std::size_t width = 11;
  std::vector<double> x(width);
  for (std::size_t e = 0; e < width; ++e) x[e] = std::sin(static_cast<double>(e));
  for (const unsigned n : {1u, 11u, 12u, 43u, 44u, 45u, 120u}) {
    CAPTURE(n);
    const auto rows = some_rows(n, width);
    mt::second_moments m(width);
    for (const auto& row : rows) m.add(row);
    check_against(m, rows, x);
  }
}

TEST_CASE("merging is adding the other's rows") {
  constexpr std::size_t width = 9;
  std::vector<double> x(width, 0.5);
  x[4] = -2;
  for (const unsigned first : {0u, 3u, 30u}) {
    for (const unsigned second : {0u, 4u, 50u}) {
      if (first + second == 0) continue;
      CAPTURE(first);
      CAPTURE(second);
      const auto rows = some_rows(first + second, width);
      mt::second_moments a(width);
      mt::second_moments b(width);
      for (std::size_t i = 0; i < rows.size(); ++i) (i < first ? a : b).add(rows[i]);
      a.merge(b);
      check_against(a, rows, x);
    }
  }
}
