// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/stats/mixture_modes.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::stats;

gaussian_mixture random_mixture(std::size_t n_parts, std::size_t dim, std::uint64_t seed) {
  philox random(seed);
  std::vector<gaussian> parts(n_parts);
  for (gaussian& part : parts) {
    part.weight = 0.3 + static_cast<double>(random.uniform());
    for (std::size_t i = 0; i < dim; ++i) {
      part.mean.push_back(4 * static_cast<double>(random.normal()));
    }
    std::vector<double> a(dim * dim);
    for (double& x : a) x = 0.5 * static_cast<double>(random.normal());
    part.covariance.assign(dim * dim, 0.0);
    for (std::size_t i = 0; i < dim; ++i) {
      part.covariance[i * dim + i] = 0.3;
      for (std::size_t j = 0; j < dim; ++j) {
        for (std::size_t k = 0; k < dim; ++k) {
          part.covariance[i * dim + j] += a[i * dim + k] * a[j * dim + k];
        }
      }
    }
  }
  return *gaussian_mixture::make(std::move(parts));
}

TEST_CASE("slopes and curvature are the differences of the energy") {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const auto m = random_mixture(3, 3, seed);
    const mixture_slopes slopes(m);
    philox random(seed, 1);
    std::vector<double> x(3);
    m.sample(random, x);
    std::vector<double> gradient(3);
    std::vector<double> metric(9);
    std::vector<double> curvature(9);
    slopes.evaluate(x, gradient, metric);
    slopes.curvature(x, curvature);
    const double h = 1e-4;
    for (std::size_t i = 0; i < 3; ++i) {
      auto up = x;
      auto down = x;
      up[i] += h;
      down[i] -= h;
      const double slope = (slopes.energy(up) - slopes.energy(down)) / (2 * h);
      CHECK(std::abs(slope + gradient[i]) < 1e-5 * (1 + std::abs(slope)));
      std::vector<double> g_up(3);
      std::vector<double> g_down(3);
      slopes.evaluate(up, g_up, metric);
      slopes.evaluate(down, g_down, metric);
      for (std::size_t j = 0; j < 3; ++j) {
        const double bend = -(g_up[j] - g_down[j]) / (2 * h);
        CHECK(std::abs(bend - curvature[i * 3 + j]) < 1e-4 * (1 + std::abs(bend)));
      }
    }
  }
}

TEST_CASE("no step of the walk goes uphill") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto m = random_mixture(5, 2, seed);
    const mixture_slopes slopes(m);
    philox random(seed, 2);
    std::vector<double> x(2);
    for (double& v : x) v = 8 * static_cast<double>(random.normal());
    for (int i = 0; i < 50; ++i) {
      const double before = slopes.energy(x);
      const auto step = slopes.downhill(x);
      for (std::size_t j = 0; j < 2; ++j) x[j] += step[j];
      CHECK(slopes.energy(x) <= before + 1e-12 * std::abs(before));
    }
  }
}

TEST_CASE("two equal normals have one mode up to two standard deviations apart, then two") {
  const auto n_modes = [](double apart) {
    const auto m = *gaussian_mixture::make({{1, {-apart / 2}, {1}}, {1, {apart / 2}, {1}}});
    return mixture_modes(m).modes().size();
  };
  CHECK(n_modes(0) == 1);
  CHECK(n_modes(1.9) == 1);
  CHECK(n_modes(2.1) == 2);
  CHECK(n_modes(8) == 2);
}

TEST_CASE("merged components share a mode, which knows them") {
  const auto m = *gaussian_mixture::make(
      {{1, {0, 0}, {1, 0, 0, 1}}, {1, {1, 0}, {1, 0, 0, 1}}, {1, {9, 0}, {1, 0, 0, 1}}});
  const mixture_modes found(m);
  REQUIRE(found.modes().size() == 2);
  CHECK(found.modes()[0].components == std::vector<std::size_t>{0, 1});
  CHECK(found.modes()[0].at[0] == doctest::Approx(0.5).epsilon(1e-5));
  CHECK(found.modes()[1].components == std::vector<std::size_t>{2});
  CHECK(found.mode_of_component(1) == 0);
  CHECK(found.mode_of_component(2) == 1);
}

TEST_CASE("a mode where no mean leads is found by walks that begin there") {
  // Three long thin normals, the sides of a triangle: they cross near its corners, where no mean
  // is.
  const auto side = [](double angle) {
    const double c = std::cos(angle);
    const double s = std::sin(angle);
    const double wide = 1;
    const double thin = 0.01;
    return gaussian{1,
                    {0.6 * s, -0.6 * c},
                    {wide * c * c + thin * s * s, (wide - thin) * c * s, (wide - thin) * c * s,
                     wide * s * s + thin * c * c}};
  };
  const auto m = *gaussian_mixture::make({side(0), side(2.0944), side(4.18879)});
  mixture_modes found(m);
  const std::size_t from_means = found.modes().size();
  philox random(3);
  std::vector<double> x(2);
  for (int i = 0; i < 300; ++i) {
    m.sample(random, x);
    found.descend(x);
  }
  CHECK(found.modes().size() > from_means);
  CHECK(found.modes().back().components.empty());
}

TEST_CASE("a walk that begins on the ridge itself still ends in a basin") {
  const auto m = *gaussian_mixture::make({{1, {-3, 0}, {1, 0, 0, 1}}, {1, {3, 0}, {1, 0, 0, 1}}});
  mixture_modes found(m);
  const std::vector<double> ridge{0, 5};
  const std::size_t basin = found.descend(ridge);
  CHECK(found.modes().size() == 2);
  CHECK(basin < 2);
}

TEST_CASE("every mode is a point of rest with the energy that it says") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto m = random_mixture(6, 3, seed);
    const mixture_modes found(m);
    for (const auto& mode : found.modes()) {
      const auto step = found.slopes().downhill(mode.at);
      for (const double x : step) CHECK(std::abs(x) < 1e-5);
      CHECK(mode.energy == doctest::Approx(found.slopes().energy(mode.at)));
      CHECK(!mode.components.empty());
    }
  }
}

}  // namespace
