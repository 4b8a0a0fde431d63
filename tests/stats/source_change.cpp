// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/source_change.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace {

namespace mt = multitudes;
using mt::stats::source_change;

using steps = std::vector<std::vector<double>>;

steps random_steps(std::uint64_t seed, std::size_t n, std::size_t n_sources) {
  mt::philox random(seed);
  steps all(n, std::vector<double>(n_sources));
  for (auto& step : all) {
    for (double& x : step) x = 3 * static_cast<double>(random.normal());
  }
  return all;
}

double sum(const steps& all, std::size_t k, std::size_t first, std::size_t last) {
  double total = 0;
  for (std::size_t t = first; t < last; ++t) total += all[t][k];
  return total;
}

double best(const steps& all, std::size_t first, std::size_t last) {
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < all[0].size(); ++k) most = std::max(most, sum(all, k, first, last));
  return most;
}

TEST_CASE("the value is that of trying every moment and every pair of sources") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::size_t n_sources = 2 + seed % 4;
    const steps all = random_steps(seed, 12, n_sources);
    source_change watch(n_sources);
    for (std::size_t t = 1; t <= all.size(); ++t) {
      double most = 0;
      for (std::size_t s = 1; s < t; ++s) {
        most = std::max(most, best(all, 0, s) + best(all, s, t) - best(all, 0, t));
      }
      CHECK(watch.update(all[t - 1]) == doctest::Approx(most));
    }
    const std::size_t s = watch.onset();
    REQUIRE(s > 0);
    CHECK(sum(all, watch.before(), 0, s) + sum(all, watch.after(), s, 12) - best(all, 0, 12) ==
          doctest::Approx(watch.value()));
  }
}

TEST_CASE("it says who took over from whom, and when") {
  source_change watch(3);
  for (int t = 0; t < 7; ++t) watch.update(std::vector<double>{0, 4, 1});
  CHECK(watch.value() == 0);
  for (int t = 0; t < 5; ++t) watch.update(std::vector<double>{0, 1, 3});
  CHECK(watch.before() == 1);
  CHECK(watch.after() == 2);
  CHECK(watch.onset() == 7);
  CHECK(watch.value() == 10);
  CHECK(watch.n_steps() == 12);
}

TEST_CASE("a constant added to a step changes nothing, however large") {
  const steps all = random_steps(5, 40, 4);
  source_change plain(4);
  source_change moved(4);
  for (auto step : all) {
    plain.update(step);
    for (double& x : step) x -= 0x1p30;
    moved.update(step);
  }
  CHECK(moved.value() == doctest::Approx(plain.value()).epsilon(1e-6));
}

TEST_CASE("steps that are no numbers, or of another size, say nothing") {
  const steps all = random_steps(6, 10, 3);
  source_change plain(3);
  source_change with(3);
  const double nan = std::nan("");
  for (const auto& step : all) {
    plain.update(step);
    with.update(step);
    CHECK(with.update(std::vector<double>{1, nan, 2}) == plain.value());
    with.update(std::vector<double>{1, std::numeric_limits<double>::infinity(), 2});
    with.update({});
  }
  CHECK(with.value() == plain.value());
  CHECK(with.n_steps() == 40);
  source_change none(0);
  CHECK(none.update({}) == 0);
  CHECK(none.onset() == 0);
  CHECK(none.before() == 0);
}

TEST_CASE("one step, or one source, is no change") {
  source_change one(2);
  CHECK(one.update(std::vector<double>{1, 5}) == 0);
  CHECK(one.onset() == 0);
  source_change alone(1);
  for (int t = 0; t < 9; ++t) CHECK(alone.update(std::vector<double>{double(t)}) == 0);
}

}  // namespace
