// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/stats/mixture_passes.hpp>
#include <tests/support/long_run.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::stats;

/// How low one must flood a grid from above for two points to be joined: cells are added from the
/// lowest energy up, and joined to those neighbors that are there already.
class flood {
 public:
  flood(const mixture_slopes& slopes, double low, double high, std::size_t n) : n_(n), low_(low) {
    step_ = (high - low) / static_cast<double>(n - 1);
    energy_.resize(n * n);
    for (std::size_t i = 0; i < n * n; ++i) energy_[i] = slopes.energy(at(i));
    order_.resize(n * n);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::sort(order_.begin(), order_.end(),
              [&](std::size_t x, std::size_t y) { return energy_[x] < energy_[y]; });
  }
  [[nodiscard]] std::vector<double> at(std::size_t cell) const {
    return {low_ + step_ * static_cast<double>(cell % n_),
            low_ + step_ * static_cast<double>(cell / n_)};
  }
  [[nodiscard]] std::size_t cell(const std::vector<double>& x) const {
    const auto place = [&](double v) {
      return static_cast<std::size_t>(std::lround((v - low_) / step_));
    };
    return place(x[1]) * n_ + place(x[0]);
  }
  [[nodiscard]] double joined_at(std::size_t a, std::size_t b) const {
    std::vector<std::size_t> root(energy_.size(), energy_.size());
    const auto find = [&](std::size_t x) {
      while (root[x] != x) x = root[x] = root[root[x]];
      return x;
    };
    for (const std::size_t c : order_) {
      root[c] = c;
      const std::size_t x = c % n_;
      const std::size_t y = c / n_;
      for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) {
          if ((dx < 0 && x == 0) || (dy < 0 && y == 0) || (dx > 0 && x + 1 == n_) ||
              (dy > 0 && y + 1 == n_)) {
            continue;
          }
          const std::size_t other = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(c) + dx +
                                                             dy * static_cast<std::ptrdiff_t>(n_));
          if (root[other] < energy_.size()) root[find(other)] = find(c);
        }
      }
      if (root[a] < energy_.size() && root[b] < energy_.size() && find(a) == find(b)) {
        return energy_[c];
      }
    }
    return std::numeric_limits<double>::infinity();
  }

 private:
  std::size_t n_;
  double low_;
  double step_ = 0;
  std::vector<double> energy_;
  std::vector<std::size_t> order_;
};

TEST_CASE("in one dimension the pass is the maximum between the modes") {
  const auto m = *gaussian_mixture::make({{3, {-2}, {1}}, {1, {3}, {0.25}}});
  const mixture_modes found(m);
  REQUIRE(found.modes().size() == 2);
  const auto table = find_passes(found);
  double most = -1e9;
  double place = 0;
  for (int i = 0; i <= 500000; ++i) {
    const std::vector<double> x{-2 + i * 1e-5};
    const double e = found.slopes().energy(x);
    if (e > most) place = x[0];
    most = std::max(most, e);
  }
  CHECK(table.converged);
  CHECK(table.height(0, 1) == doctest::Approx(most).epsilon(1e-9));
  CHECK(table.deciding(0, 1).pass[0] == doctest::Approx(place).epsilon(1e-4));
}

TEST_CASE("two equal round normals have their pass halfway") {
  for (const double apart : {2.5, 4.0, 12.0}) {
    const auto m = *gaussian_mixture::make(
        {{1, {-apart / 2, 1}, {1, 0, 0, 1}}, {1, {apart / 2, 1}, {1, 0, 0, 1}}});
    const mixture_modes found(m);
    const auto table = find_passes(found);
    // Halfway, both densities are those at distance apart / 2, and their shares add up to 1.
    const double exact = std::log(2 * 3.14159265358979) + apart * apart / 8;
    CHECK(table.height(0, 1) == doctest::Approx(exact).epsilon(1e-9));
    CHECK(std::abs(table.deciding(0, 1).pass[0]) < 1e-6);
    CHECK(table.deciding(0, 1).pass[1] == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("a curved way is found where the straight one is higher") {
  // An arch: the ends are joined by components that lie beside the straight line.
  std::vector<gaussian> parts;
  for (int i = 0; i <= 8; ++i) {
    const double angle = 3.14159265 * i / 8;
    parts.push_back({i == 0 || i == 8 ? 3.0 : 1.0,
                     {4 * std::cos(angle), 4 * std::sin(angle)},
                     {0.6, 0, 0, 0.6}});
  }
  const auto m = *gaussian_mixture::make(parts);
  const mixture_modes found(m);
  const std::size_t a = found.mode_of_component(0);
  const std::size_t b = found.mode_of_component(8);
  REQUIRE(a != b);
  const auto table = find_passes(found);
  double straight = -1e9;
  for (int i = 0; i <= 100; ++i) {
    straight = std::max(straight, found.slopes().energy(std::vector<double>{4 - 0.08 * i, 0}));
  }
  CHECK(table.height(a, b) < straight - 1);
  const flood grid(found.slopes(), -8, 8, 321);
  const double brute =
      grid.joined_at(grid.cell(found.modes()[a].at), grid.cell(found.modes()[b].at));
  CHECK(table.height(a, b) == doctest::Approx(brute).epsilon(0.005));
}

TEST_CASE("passes of random landscapes are those that flooding a grid finds") {
  int compared = 0;
  int missed = 0;
  for (std::uint64_t seed = 0;
       seed < static_cast<std::uint64_t>(multitudes_test::sample_count(4, 40)); ++seed) {
    philox random(seed);
    std::vector<gaussian> parts(5);
    for (gaussian& part : parts) {
      part.weight = 0.3 + static_cast<double>(random.uniform());
      part.mean = {3 * static_cast<double>(random.normal()),
                   3 * static_cast<double>(random.normal())};
      const double x = 0.3 + static_cast<double>(random.uniform());
      const double y = 0.3 + static_cast<double>(random.uniform());
      const double tilt = (static_cast<double>(random.uniform()) - 0.5) * std::sqrt(x * y);
      part.covariance = {x, tilt, tilt, y};
    }
    const auto m = *gaussian_mixture::make(parts);
    mixture_modes found(m);
    std::vector<double> x(2);
    for (int i = 0; i < 100; ++i) {
      m.sample(random, x);
      found.descend(x);
    }
    const auto table = find_passes(found);
    const flood grid(found.slopes(), -12, 12, 601);
    for (std::size_t a = 0; a < found.modes().size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        const double brute =
            grid.joined_at(grid.cell(found.modes()[a].at), grid.cell(found.modes()[b].at));
        ++compared;
        CAPTURE(seed);
        // The grid misses a round pass upwards and steps over a sharp ridge: within half a cell.
        CHECK(table.height(a, b) > brute - 0.05);
        missed += table.height(a, b) > brute + 0.1 ? 1 : 0;
      }
    }
  }
  CAPTURE(compared);
  CHECK(compared >= 20);
  CHECK(missed == 0);
}

TEST_CASE("with many modes only the easiest ways are sought, and chains of them reach the rest") {
  std::vector<gaussian> parts;
  for (int i = 0; i < 12; ++i) parts.push_back({1, {5.0 * i}, {1}});
  const auto m = *gaussian_mixture::make(parts);
  const mixture_modes found(m);
  REQUIRE(found.modes().size() == 12);
  const auto table = find_passes(found, {.neighbors = 3});
  CHECK(table.paths.size() < 12 * 11 / 2);
  for (std::size_t a = 0; a < 12; ++a) {
    for (std::size_t b = 0; b < 12; ++b) {
      if (a == b) continue;
      CHECK(table.height(a, b) == doctest::Approx(table.height(0, 1)).epsilon(1e-3));
    }
  }
}

TEST_CASE("one mode has no pass") {
  const auto m = *gaussian_mixture::make({{1, {0}, {1}}});
  const auto table = find_passes(mixture_modes(m));
  CHECK(table.paths.empty());
  CHECK(table.heights == std::vector<double>{std::numeric_limits<double>::infinity()});
}

}  // namespace
