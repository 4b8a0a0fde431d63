// SPDX-License-Identifier: MIT

#include <multitudes/core/philox.hpp>
#include <multitudes/linalg/regression.hpp>

#include <doctest/doctest.h>

#include <cmath>

namespace la = multitudes::linalg;

namespace {

struct two_kinds {
  std::vector<std::vector<float>> positive;
  std::vector<std::vector<float>> negative;

  two_kinds(std::size_t n, std::size_t width, float gap, std::uint64_t seed)
      : positive(n, std::vector<float>(width)), negative(positive) {
    multitudes::philox random(seed);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t e = 0; e < width; ++e) {
        positive[i][e] = random.normal() + (e == 0 ? gap + 3 : 3);
        negative[i][e] = random.normal() + (e == 0 ? 3 - gap : 3);
      }
    }
  }
};

using views = std::vector<std::span<const float>>;
views views_of(const std::vector<std::vector<float>>& rows) { return {rows.begin(), rows.end()}; }

}  // namespace

TEST_CASE("conjugate gradients solve a system, and say what is left when they may not go on") {
  const auto a = [](std::span<const double> x, std::span<double> y) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      y[i] = static_cast<double>(i + 1) * x[i] + (i > 0 ? 0.25 * x[i - 1] : 0) +
             (i + 1 < x.size() ? 0.25 * x[i + 1] : 0);
    }
  };
  std::vector<double> b(40, 1.0);
  std::vector<double> x(40);
  std::vector<double> image(40);
  const auto how = la::conjugate_gradients(a, b, std::span(x), 1e-12);
  CHECK(how.residual <= 1e-12);
  a(x, image);
  for (const double y : image) CHECK(y == doctest::Approx(1).epsilon(1e-10));
  const auto cut = la::conjugate_gradients(a, b, std::span(x), 1e-12, 3);
  CHECK(cut.n_steps == 3);
  CHECK(cut.residual > 1e-12);
  std::fill(b.begin(), b.end(), 0.0);
  CHECK(la::conjugate_gradients(a, b, std::span(x)).n_steps == 0);
  CHECK(x == std::vector<double>(40));
}

TEST_CASE("logistic regression ends where the gradient of its loss vanishes") {
  const two_kinds data(50, 6, 0.7f, 1);
  const auto positive = views_of(data.positive);
  const auto negative = views_of(data.negative);
  const std::vector<double> center(6, 3.0);
  constexpr double penalty = 0.05;
  const auto plane = la::logistic_regression({positive, negative}, center, penalty);
  CHECK(plane.gradient <= 1e-8);
  CHECK(plane.weights[0] > 0.5);
  std::vector<double> slope(7);
  for (const bool side : {true, false}) {
    for (const auto& row : side ? positive : negative) {
      double z = plane.bias;
      for (std::size_t e = 0; e < 6; ++e) z += plane.weights[e] * static_cast<double>(row[e]);
      const double error = 1 / (1 + std::exp(-z)) - (side ? 1 : 0);
      for (std::size_t e = 0; e < 6; ++e) {
        slope[e] += error * (static_cast<double>(row[e]) - center[e]) / 100;
      }
      slope[6] += error / 100;
    }
  }
  for (std::size_t e = 0; e < 6; ++e) {
    CHECK(std::abs(slope[e] + penalty * plane.weights[e]) < 1e-8);
  }
  CHECK(std::abs(slope[6]) < 1e-8);
}

TEST_CASE("rows that can be told apart perfectly have finite weights under a penalty") {
  const two_kinds data(20, 30, 5.0f, 2);
  const auto positive = views_of(data.positive);
  const auto negative = views_of(data.negative);
  const std::vector<double> center(30, 3.0);
  const auto plane = la::logistic_regression({positive, negative}, center, 0.1);
  CHECK(plane.gradient <= 1e-8);
  for (const double w : plane.weights) CHECK(std::abs(w) < 10);
  const auto none = la::logistic_regression({positive, {}}, center, 0.1);
  CHECK(none.weights == std::vector<double>(30));
}

TEST_CASE("a link finds the slope that scores were drawn with") {
  multitudes::philox random(3);
  std::vector<double> positive;
  std::vector<double> negative;
  for (int i = 0; i < 20000; ++i) {
    const double score = 5 + 2 * static_cast<double>(random.normal());
    const double p = 1 / (1 + std::exp(-(1.5 * score - 7)));
    (static_cast<double>(random.uniform()) < p ? positive : negative).push_back(score);
  }
  const auto link = la::fit_link(positive, negative);
  CHECK(link.slope == doctest::Approx(1.5).epsilon(0.05));
  CHECK(link.bias == doctest::Approx(-7).epsilon(0.05));
  CHECK(link.probability(14.0 / 3) == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("links stay finite and never turn round") {
  const std::vector<double> high{5, 6, 7};
  const std::vector<double> low{1, 2};
  const auto perfect = la::fit_link(high, low);
  CHECK(perfect.slope > 0);
  CHECK(perfect.probability(7) < 1);
  CHECK(perfect.probability(7) > 0.6);
  CHECK(perfect.probability(1) < 0.4);
  const auto reversed = la::fit_link(low, high);
  CHECK(reversed.slope == 0);
  CHECK(reversed.probability(100) == doctest::Approx(0.4));
  CHECK(la::fit_link({}, low) == la::logistic_link{});
  const std::vector<double> same{3, 3};
  CHECK(la::fit_link(same, same) == la::logistic_link{0, 0});
  // Scores far from zero and far apart are as good as any others.
  const std::vector<double> far_high{1e9 + 5e6, 1e9 + 6e6, 1e9 + 7e6};
  const std::vector<double> far_low{1e9 + 1e6, 1e9 + 2e6};
  CHECK(la::fit_link(far_high, far_low).probability(1e9 + 7e6) ==
        doctest::Approx(perfect.probability(7)).epsilon(1e-6));
}
