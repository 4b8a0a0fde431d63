// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/discriminant_axes.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::stats;

struct cloud {
  std::vector<double> points;
  std::vector<std::size_t> labels;
};

/// Three classes that differ along the second and third coordinate; the first is loud and says
/// nothing.
cloud three_classes(std::size_t n, std::size_t dim, std::uint64_t seed) {
  philox random(seed);
  cloud c;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t k = i % 3;
    for (std::size_t j = 0; j < dim; ++j) {
      double x = (j == 0 ? 10 : 1) * static_cast<double>(random.normal());
      if (j == 1) x += k == 0 ? 6 : 0;
      if (j == 2) x += k == 1 ? 3 : 0;
      c.points.push_back(x);
    }
    c.labels.push_back(k);
  }
  return c;
}

TEST_CASE("classes lie apart along the axes, in units of their own spread") {
  const auto c = three_classes(1500, 5, 1);
  const auto found = *find_discriminant_axes({c.points.data(), 1500, 5}, c.labels, 3, 4);
  CHECK(found.size() == 2);  // one fewer than classes
  CHECK(found.between[0] > found.between[1]);
  double mean[3][2] = {};
  double square[3][2] = {};
  for (std::size_t i = 0; i < 1500; ++i) {
    std::vector<double> y(2);
    found.project(std::span<const double>(c.points).subspan(i * 5, 5), y);
    for (std::size_t a = 0; a < 2; ++a) {
      mean[c.labels[i]][a] += y[a] / 500;
      square[c.labels[i]][a] += y[a] * y[a] / 500;
    }
  }
  for (std::size_t a = 0; a < 2; ++a) {
    double between = 0;
    double sum = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(square[k][a] - mean[k][a] * mean[k][a] == doctest::Approx(1).epsilon(0.15));
      between += mean[k][a] * mean[k][a] / 3;
      sum += mean[k][a];
    }
    CHECK(std::abs(sum) < 1e-9);
    CHECK(between == doctest::Approx(found.between[a]).epsilon(1e-6));
  }
  // The loud coordinate has next to no weight.
  CHECK(std::abs(found.axis(0)[0]) < 0.01 * std::abs(found.axis(0)[1]));
}

TEST_CASE("fewer points than dimensions still find axes that hold for new points") {
  const std::size_t dim = 40;
  const auto few = three_classes(24, dim, 2);
  const auto found = *find_discriminant_axes({few.points.data(), 24, dim}, few.labels, 3, 1);
  CHECK(found.size() == 1);
  const auto fresh = three_classes(600, dim, 3);
  double of_first = 0;
  double of_others = 0;
  double squares = 0;
  for (std::size_t i = 0; i < 600; ++i) {
    std::vector<double> y(1);
    found.project(std::span<const double>(fresh.points).subspan(i * dim, dim), y);
    (fresh.labels[i] == 0 ? of_first : of_others) += y[0] / (fresh.labels[i] == 0 ? 200 : 400);
    squares += y[0] * y[0] / 600;
  }
  CHECK(std::abs(of_first - of_others) > std::sqrt(squares));
}

TEST_CASE("what has no axes is refused with its reason") {
  const std::vector<double> p{0, 1, 2, 5, 6, 7, 1, 1};
  const auto place = [&](std::vector<std::size_t> labels, std::size_t n_classes,
                         std::size_t n_axes = 1) {
    return find_discriminant_axes({p.data(), 4, 2}, labels, n_classes, n_axes).error().place;
  };
  CHECK(place({0, 0, 1}, 2) == "labels");
  CHECK(place({0, 0, 0, 0}, 1) == "classes");
  CHECK(place({0, 0, 1, 1}, 2, 0) == "axes");
  CHECK(place({0, 0, 1, 2}, 2) == "label 3");
  CHECK(place({0, 0, 1, 1}, 3) == "class 2");
  CHECK(place({0, 1, 2, 3}, 4) == "points");
  const std::vector<double> same{0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1};
  const std::vector<std::size_t> sides{0, 0, 0, 1, 1, 1};
  CHECK(find_discriminant_axes({same.data(), 6, 2}, sides, 2, 1).error().place == "class means");
  const std::vector<double> bad{0, 1, 2, std::numeric_limits<double>::quiet_NaN()};
  CHECK(find_discriminant_axes({bad.data(), 4, 1}, std::vector<std::size_t>{0, 0, 1, 1}, 2, 1)
            .error()
            .code == errc::non_finite);
}

}  // namespace
