// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/lab/measure/value_probe.hpp>

#include <doctest/doctest.h>

#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

/// Values are 2 x0 - x3 + 5 with noise of this size; x1 is constant.
valued_states states(std::size_t n, double noise, std::uint64_t seed) {
  valued_states s{.width = 5};
  philox random(seed);
  for (std::size_t i = 0; i < n; ++i) {
    float x[5];
    for (float& e : x) e = random.normal();
    x[1] = 3;
    s.rows.insert(s.rows.end(), std::begin(x), std::end(x));
    s.values.push_back(2 * double{x[0]} - double{x[3]} + 5 + noise * double{random.normal()});
  }
  return s;
}

double explained(const value_probe& p, const valued_states& s) {
  double sum = 0;
  for (const double e : p.relative_errors(s)) sum += e;
  return 1 - sum / static_cast<double>(s.values.size());
}

TEST_CASE("A value that is linear in a state is read off it, and noise is not") {
  const auto exact = value_probe::fit(states(200, 0, 1));
  REQUIRE(exact);
  CHECK(explained(*exact, states(200, 0, 2)) > 0.999);
  // Five parts signal, five parts noise.
  const auto noisy = value_probe::fit(states(2000, 2.236, 1));
  REQUIRE(noisy);
  CHECK(explained(*noisy, states(2000, 2.236, 2)) == doctest::Approx(0.5).epsilon(0.1));
  auto shuffled = states(2000, 0, 1);
  for (std::size_t i = 0; i + 1 < 2000; ++i) std::swap(shuffled.values[i], shuffled.values[i + 1]);
  const auto nothing = value_probe::fit(shuffled);
  REQUIRE(nothing);
  CHECK(explained(*nothing, states(2000, 0, 2)) < 0.2);
}

TEST_CASE("A probe needs states that vary") {
  CHECK_FALSE(value_probe::fit({}));
  CHECK_FALSE(value_probe::fit({.width = 1, .rows = {1, 1}, .values = {0, 1}}));
}

}  // namespace
