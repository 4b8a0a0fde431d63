// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/observe/valley.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace mt = multitudes;
using multitudes::stats::gaussian;
using multitudes::stats::gaussian_mixture;

constexpr double infinity = std::numeric_limits<double>::infinity();

mt::valley_landscape landscape(std::vector<gaussian> parts, mt::valley_options how = {},
                               std::uint64_t seed = 1) {
  std::vector<std::string> labels;
  for (std::size_t k = 0; k < parts.size(); ++k) labels.push_back(std::string(1, "abcdefgh"[k]));
  const auto m = *gaussian_mixture::make(std::move(parts));
  mt::philox random(seed);
  auto found = mt::find_valleys(m, labels, how, random);
  REQUIRE_MESSAGE(found.has_value(), found.error().message());
  return *std::move(found);
}

TEST_CASE("of two equal normals, depth and mass are the formulas'") {
  for (const double apart : {4.0, 6.0}) {
    const auto land = landscape({{1, {-apart / 2}, {1}}, {1, {apart / 2}, {1}}});
    REQUIRE(land.valleys.size() == 2);
    CHECK(land.converged);
    for (const mt::valley& v : land.valleys) {
      // E(0) - E(bottom), the bottom being within e^(-apart²/2) of the mean.
      const double exact =
          apart * apart / 8 - std::log(2) + std::log1p(std::exp(-apart * apart / 2));
      CHECK(v.depth == doctest::Approx(exact).epsilon(1e-3));
      CHECK(std::abs(v.pass[0]) < 1e-6);
      CHECK(v.mass_between.contains(0.5));
      CHECK(v.mass_between.width() < 0.04);
      CHECK(v.personas.size() == 1);
    }
    CHECK(land.valleys[0].leads_to == 1);
    CHECK(land.personas[0].rival == 1);
    CHECK(land.personas[0].depth == land.valleys[0].depth);
    // Of its own draws, all but those beyond the middle stay at home.
    CHECK(land.personas[0].own_share ==
          doctest::Approx(0.5 * std::erfc(-apart / 2 / std::sqrt(2))).epsilon(0.01));
  }
}

TEST_CASE("prevalence deepens a valley by its own logarithm and shallows the other") {
  const auto equal = landscape({{1, {-3}, {1}}, {1, {3}, {1}}});
  const auto skewed = landscape({{9, {-3}, {1}}, {1, {3}, {1}}});
  CHECK(skewed.valleys[0].depth > equal.valleys[0].depth);
  CHECK(skewed.valleys[1].depth < equal.valleys[1].depth);
  CHECK(skewed.valleys[0].depth - skewed.valleys[1].depth ==
        doctest::Approx(std::log(9)).epsilon(0.01));
  CHECK(skewed.valleys[0].mass > 0.85);
  CHECK(skewed.valleys[0].radius.radius > skewed.valleys[1].radius.radius);
}

TEST_CASE("personas that share a valley are told so, and nothing lies between them") {
  const auto land =
      landscape({{1, {0, 0}, {1, 0, 0, 1}}, {3, {1, 0}, {1, 0, 0, 1}}, {1, {8, 0}, {1, 0, 0, 1}}});
  REQUIRE(land.valleys.size() == 2);
  CHECK(land.valleys[0].personas == std::vector<std::size_t>{1, 0});  // the prevalent one first
  CHECK(land.personas[0].valley == land.personas[1].valley);
  CHECK(land.personas[0].depth == 0);
  CHECK(land.personas[0].rival == 1);
  CHECK(land.valleys[0].depth > 3);  // the valley that they share is deep all the same
  CHECK(land.personas[2].depth > 3);
}

TEST_CASE("the only valley is infinitely deep, holds everything, and cannot be left") {
  const auto land = landscape({{1, {2, 2}, {1, 0, 0, 1}}});
  REQUIRE(land.valleys.size() == 1);
  CHECK(land.valleys[0].depth == infinity);
  CHECK(land.valleys[0].pass.empty());
  CHECK(land.valleys[0].mass == 1);
  CHECK(land.valleys[0].radius.radius == infinity);
  CHECK(land.personas[0].rival == 0);
  CHECK(land.personas[0].depth == infinity);
}

TEST_CASE("a push leaves the nearer and narrower valley first, in units of the population") {
  mt::valley_options how;
  how.unit_radius = 1;
  how.radii = {1, 2, 3, 4, 5, 6, 8, 10, 14};
  how.n_draws = 2000;
  const auto land = landscape({{1, {0}, {0.01}}, {1, {6}, {0.01}}}, how);
  // From about 0, half of the pushes go right: those beyond 3 leave. Half of all: never below.
  CHECK(land.valleys[0].radius.shares[1] == 1);
  CHECK(std::abs(land.valleys[0].radius.shares[3] - 0.5) < 0.12);
  how.unit_radius = 2;
  const auto wide = landscape({{1, {0}, {0.01}}, {1, {6}, {0.01}}}, how);
  CHECK(wide.valleys[0].radius.shares[0] == 1);
  CHECK(std::abs(wide.valleys[0].radius.shares[1] - 0.5) < 0.12);
  // By default the unit is the root mean square distance from the mean: here 3.
  how.unit_radius = 0;
  CHECK(landscape({{1, {0}, {0.01}}, {1, {6}, {0.01}}}, how).unit_radius ==
        doctest::Approx(std::sqrt(9.01)));
}

TEST_CASE("the masses add up, also of valleys where no persona's mean lies") {
  const auto side = [](double angle) {
    const double c = std::cos(angle);
    const double s = std::sin(angle);
    return gaussian{1,
                    {0.6 * s, -0.6 * c},
                    {c * c + 0.01 * s * s, 0.99 * c * s, 0.99 * c * s, s * s + 0.01 * c * c}};
  };
  const auto land = landscape({side(0), side(2.0944), side(4.18879)});
  double mass = 0;
  std::size_t unowned = 0;
  for (const mt::valley& v : land.valleys) {
    mass += v.mass;
    unowned += v.personas.empty() ? 1u : 0u;
  }
  CHECK(mass == doctest::Approx(1));
  CHECK(unowned > 0);
}

TEST_CASE("the same seed gives the same landscape, another nearly the same") {
  const std::vector<gaussian> parts{{1, {0, 0}, {1, 0.3, 0.3, 1}}, {1, {4, 1}, {1, 0, 0, 1}}};
  const auto a = landscape(parts);
  const auto b = landscape(parts);
  const auto c = landscape(parts, {}, 2);
  CHECK(a.valleys[0].mass == b.valleys[0].mass);
  CHECK(a.valleys[0].radius.shares == b.valleys[0].radius.shares);
  CHECK(a.valleys[0].mass != c.valleys[0].mass);
  CHECK(std::abs(a.valleys[0].mass - c.valleys[0].mass) < 0.05);
  CHECK(a.valleys[0].depth == c.valleys[0].depth);
}

TEST_CASE("settings that mean nothing are refused") {
  const auto m = *gaussian_mixture::make({{1, {0}, {1}}});
  mt::philox random(1);
  const std::vector<std::string> one{"a"};
  const auto place = [&](const mt::valley_options& how) {
    return mt::find_valleys(m, one, how, random).error().place;
  };
  CHECK(mt::find_valleys(m, {}, {}, random).error().place == "labels");
  CHECK(place({.n_draws = 0}) == "n_draws");
  CHECK(place({.radii = {1, 1}}) == "radii");
  CHECK(place({.radii = {0}}) == "radii");
  CHECK(place({.radii = {infinity}}) == "radii");
  CHECK(place({.unit_radius = -1}) == "unit_radius");
}

}  // namespace
