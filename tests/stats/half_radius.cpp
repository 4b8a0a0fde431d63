// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/stats/half_radius.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace multitudes::stats;
using multitudes::philox;

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST_CASE("the half radius lies on the line between the radii around it") {
  philox random(1);
  const std::vector<double> radii{1, 2, 4};
  // Shares 1, 3/4, 1/4: half is crossed midway between 2 and 4.
  const std::vector<std::uint8_t> stays{1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0};
  const auto found = find_half_radius(radii, stays, 0.95, 200, random);
  CHECK(found.shares == std::vector<double>{1, 0.75, 0.25});
  CHECK(found.radius == doctest::Approx(3));
  CHECK(found.between.contains(3));
  const std::vector<std::uint8_t> none(12, 0);
  CHECK(find_half_radius(radii, none, 0.95, 10, random).radius == doctest::Approx(0.5));
}

TEST_CASE("pushes from one start are drawn together") {
  const std::vector<double> radii{1};
  std::vector<std::uint8_t> stays;
  for (int i = 0; i < 20; ++i) stays.insert(stays.end(), 10, i % 2 == 0 ? 1 : 0);
  philox a(1);
  philox b(1);
  const auto together = find_half_radius(radii, stays, 0.9, 200, a, 10);
  const auto apart = find_half_radius(radii, stays, 0.9, 200, b);
  CHECK(together.shares == apart.shares);
  CHECK(together.between.low < apart.between.low);
}

TEST_CASE("what always stays has no half radius, and nothing is known of nothing") {
  philox random(1);
  const std::vector<double> radii{1, 2};
  const std::vector<std::uint8_t> all(8, 1);
  CHECK(find_half_radius(radii, all, 0.95, 10, random).radius == infinity);
  CHECK(find_half_radius(radii, all, 0.95, 10, random).between.low == infinity);
  CHECK(find_half_radius({}, all, 0.95, 10, random).between == interval{0, infinity});
  CHECK(find_half_radius(radii, {}, 0.95, 10, random).radius == infinity);
}

TEST_CASE("the interval holds the truth about as often as it says") {
  // A start stays within a radius of its own, uniform on [0, 4]: the half radius is 2.
  const std::vector<double> radii{0.5, 1, 1.5, 2, 2.5, 3, 3.5};
  int covered = 0;
  const int trials = 200;
  for (int trial = 0; trial < trials; ++trial) {
    philox random(static_cast<std::uint64_t>(trial));
    std::vector<std::uint8_t> stays;
    for (int i = 0; i < 60; ++i) {
      const double own = 4 * static_cast<double>(random.uniform());
      for (const double r : radii) stays.push_back(r < own ? 1 : 0);
    }
    covered += find_half_radius(radii, stays, 0.9, 200, random).between.contains(2) ? 1 : 0;
  }
  CHECK(covered > 0.83 * trials);
  CHECK(covered < 0.97 * trials);
}

}  // namespace
