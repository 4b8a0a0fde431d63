// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/line_fit.hpp>

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

namespace {

using namespace multitudes::stats;

TEST_CASE("a line fit matches values worked out by hand") {
  // Sums about the means (2.5, 4): xx 5, xy 6, yy 10; left over 10 - 36 / 5 = 2.8.
  const std::vector<double> x{1, 2, 3, 4};
  const std::vector<double> y{2, 3, 6, 5};
  const line fit = fit_line(x, y).value();
  CHECK(fit.slope == doctest::Approx(1.2));
  CHECK(fit.intercept == doctest::Approx(1.0));
  CHECK(fit.r_squared == doctest::Approx(0.72));
  CHECK(fit.slope_error == doctest::Approx(std::sqrt(2.8 / 2 / 5)));
}

TEST_CASE("points on a line are fitted exactly") {
  const std::vector<double> x{-2, 0, 1, 8};
  const std::vector<double> y{7, 3, 1, -13};
  const line fit = fit_line(x, y).value();
  CHECK(fit.slope == doctest::Approx(-2));
  CHECK(fit.intercept == doctest::Approx(3));
  CHECK(fit.r_squared == doctest::Approx(1));
  CHECK(fit.slope_error == doctest::Approx(0));
}

TEST_CASE("a flat line explains nothing") {
  const line fit = fit_line(std::vector<double>{1, 2, 3}, std::vector<double>(3, 0.1)).value();
  CHECK(fit.slope == 0);
  CHECK(fit.intercept == 0.1);
  CHECK(fit.r_squared == 0);
  CHECK(fit.slope_error == 0);
}

TEST_CASE("residuals of a fit sum to zero and are orthogonal to x") {
  multitudes::philox random(9);
  for (int i = 0; i < 100; ++i) {
    std::vector<double> x(3 + random.below(20));
    std::vector<double> y(x.size());
    for (double& value : x) value = static_cast<double>(random.normal());
    for (double& value : y) value = 100 + static_cast<double>(random.normal());
    const line fit = fit_line(x, y).value();
    double sum = 0;
    double with_x = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
      const double residual = y[k] - fit.intercept - fit.slope * x[k];
      sum += residual;
      with_x += residual * x[k];
    }
    CHECK(std::abs(sum) < 1e-10);
    CHECK(std::abs(with_x) < 1e-10);
    CHECK(fit.r_squared >= 0);
    CHECK(fit.r_squared <= 1);
  }
}

TEST_CASE("the standard error of a slope is the spread of slopes over repeated noise") {
  multitudes::philox random(12);
  std::vector<double> x(20);
  for (std::size_t k = 0; k < x.size(); ++k) x[k] = static_cast<double>(k);
  std::vector<double> slopes;
  double claimed = 0;
  for (int i = 0; i < 1000; ++i) {
    std::vector<double> y(x.size());
    for (std::size_t k = 0; k < x.size(); ++k) y[k] = 2 * x[k] + double{random.normal()};
    const line fit = fit_line(x, y).value();
    slopes.push_back(fit.slope);
    claimed += fit.slope_error / 1000;
  }
  // A standard deviation from 1,000 values is itself uncertain by 2.2%; four of those.
  CHECK(claimed == doctest::Approx(standard_deviation(slopes).value()).epsilon(0.09));
}

TEST_CASE("lines that the points do not determine are nothing") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double most = std::numeric_limits<double>::max();
  const std::vector<double> up{1, 2, 3};
  const std::vector<double> flat(3, 0.1);
  CHECK(fit_line(std::vector<double>{}, std::vector<double>{}) == std::nullopt);
  CHECK(fit_line(std::vector<double>{1, 2}, std::vector<double>{1, 2}) == std::nullopt);
  CHECK(fit_line(up, std::vector<double>{1, 2}) == std::nullopt);
  CHECK(fit_line(flat, up) == std::nullopt);
  CHECK(fit_line(up, std::vector<double>{1, nan, 3}) == std::nullopt);
  CHECK(fit_line(std::vector<double>{1, nan, 3}, up) == std::nullopt);
  CHECK(fit_line(up, std::vector<double>{-most, 0, most}) == std::nullopt);
}

}  // namespace
