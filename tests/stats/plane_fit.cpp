// SPDX-License-Identifier: MIT
#include <multitudes/stats/plane_fit.hpp>

#include <multitudes/core/philox.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace multitudes;

namespace {

struct points {
  std::vector<double> x, y, z;
};

points cloud(double noise, std::size_t n = 60) {
  philox random(3);
  points p;
  for (std::size_t i = 0; i < n; ++i) {
    p.x.push_back(static_cast<double>(random.normal()));
    p.y.push_back(0.5 * p.x.back() + static_cast<double>(random.normal()));
    p.z.push_back(2 - 3 * p.x.back() + 0.25 * p.y.back() +
                  noise * static_cast<double>(random.normal()));
  }
  return p;
}

}  // namespace

TEST_CASE("points on a plane give the plane") {
  const points p = cloud(0);
  const auto fit = stats::fit_plane(p.x, p.y, p.z);
  REQUIRE(fit);
  CHECK(fit->intercept == doctest::Approx(2));
  CHECK(fit->x_slope == doctest::Approx(-3));
  CHECK(fit->y_slope == doctest::Approx(0.25));
  CHECK(fit->r_squared == doctest::Approx(1));
  CHECK(fit->at(1, 4) == doctest::Approx(0));
}

TEST_CASE("no other plane is nearer to noisy points") {
  const points p = cloud(1);
  const auto fit = stats::fit_plane(p.x, p.y, p.z);
  REQUIRE(fit);
  const auto distance = [&](const stats::plane& f) {
    double sum = 0;
    for (std::size_t i = 0; i < p.x.size(); ++i) {
      const double d = p.z[i] - f.at(p.x[i], p.y[i]);
      sum += d * d;
    }
    return sum;
  };
  const double best = distance(*fit);
  for (const double step : {-0.01, 0.01}) {
    CHECK(distance({fit->intercept + step, fit->x_slope, fit->y_slope}) > best);
    CHECK(distance({fit->intercept, fit->x_slope + step, fit->y_slope}) > best);
    CHECK(distance({fit->intercept, fit->x_slope, fit->y_slope + step}) > best);
  }
  CHECK(fit->r_squared > 0.8);
  CHECK(fit->r_squared < 0.99);
}

TEST_CASE("what does not determine a plane gives nothing") {
  const points p = cloud(0, 3);
  CHECK_FALSE(stats::fit_plane(p.x, p.y, p.z));
  points line = cloud(0);
  for (std::size_t i = 0; i < line.x.size(); ++i) line.y[i] = 3 * line.x[i] + 1;
  CHECK_FALSE(stats::fit_plane(line.x, line.y, line.z));
  points flat = cloud(0);
  flat.x.assign(flat.x.size(), 7);
  CHECK_FALSE(stats::fit_plane(flat.x, flat.y, flat.z));
  points broken = cloud(0);
  broken.z[5] = std::numeric_limits<double>::infinity();
  CHECK_FALSE(stats::fit_plane(broken.x, broken.y, broken.z));
  broken.z.pop_back();
  CHECK_FALSE(stats::fit_plane(broken.x, broken.y, broken.z));
}
