// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/change_test.hpp>
#include <multitudes/stats/proportion.hpp>
#include <tests/support/long_run.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace multitudes::stats;
using multitudes::philox;

TEST_CASE("of undisturbed sequences no more alarm than the stated share, however they vary") {
  const int n = multitudes_test::sample_count(1000, 20000);
  const int length = 400;
  for (const int kind : {0, 1, 2}) {
    std::size_t alarms = 0;
    for (int i = 0; i < n; ++i) {
      philox random(static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(kind));
      auto test = *change_test::make({.false_alarms = 0.05});
      double spread = 1;
      for (int t = 0; t < length; ++t) {
        double z = static_cast<double>(random.normal());
        if (kind == 1) z = z > 0 ? 1 : -1;  // coins: bounded, as spread out as they may be
        if (kind == 2) {
          z *= spread;  // the spread hangs on what came before
          spread = std::abs(z) > 1 ? 0.3 : 1.0;
        }
        test.update(z);
      }
      alarms += test.alarmed() ? 1u : 0u;
    }
    CAPTURE(kind);
    CAPTURE(alarms);
    // Refuted if the rate is significantly above the bound.
    CHECK(proportion_interval(alarms, static_cast<std::size_t>(n), 0.999).low <= 0.05);
    CHECK(alarms > 0);  // the test is not merely deaf
  }
}

TEST_CASE("the bet is a fair one: its mean worth stays at 1") {
  double total = 0;
  const int n = 20000;
  for (int i = 0; i < n; ++i) {
    philox random(static_cast<std::uint64_t>(i), 7);
    auto test = *change_test::make({.false_alarms = 0.01, .shifts = {0.25, 0.5}});
    for (int t = 0; t < 8; ++t) test.update(static_cast<double>(random.normal()));
    total += std::exp(test.evidence());
  }
  CHECK(total / n == doctest::Approx(1).epsilon(0.02));
}

TEST_CASE("the worth is the sum over beginnings and shifts of likelihood ratios") {
  auto test = *change_test::make({.false_alarms = 0.01, .shifts = {1}});
  const std::vector<double> z{0.3, -0.7, 2};
  for (const double x : z) test.update(x);
  double worth = 1.0 / 4;  // the change is yet to come
  for (std::size_t s = 0; s < 3; ++s) {
    const double prior = 1.0 / static_cast<double>((s + 1) * (s + 2));
    for (const double d : {1.0, -1.0}) {
      double ratio = 1;
      for (std::size_t t = s; t < 3; ++t) ratio *= std::exp(d * z[t] - d * d / 2);
      worth += prior * ratio / 2;
    }
  }
  CHECK(test.evidence() == doctest::Approx(std::log(worth)));
  CHECK(test.n_scores() == 3);
}

TEST_CASE("after a change it alarms about when theory says, upwards and downwards") {
  for (const double shift : {1.0, -1.0, 2.0}) {
    for (const std::size_t onset : {std::size_t{0}, std::size_t{100}}) {
      double delay = 0;
      int counted = 0;
      double predicted = 0;
      for (int i = 0; i < 300; ++i) {
        philox random(static_cast<std::uint64_t>(i), 3);
        auto test = *change_test::make();
        predicted = test.expected_delay(shift, onset);
        for (std::size_t t = 0; t < onset + 500 && !test.alarmed(); ++t) {
          test.update((t < onset ? 0 : shift) + static_cast<double>(random.normal()));
        }
        if (test.alarmed_at() <= onset) continue;
        delay += static_cast<double>(test.alarmed_at() - onset);
        ++counted;
      }
      delay /= counted;
      CAPTURE(shift);
      CAPTURE(onset);
      CAPTURE(delay);
      CAPTURE(predicted);
      CHECK(counted > 290);
      // First order: the sum over neighboring beginnings and shifts saves some, overshoot costs.
      CHECK(delay > 0.6 * predicted);
      CHECK(delay < 1.2 * predicted + 1);
    }
  }
}

TEST_CASE("scores that are no numbers say nothing, and alarms stay") {
  auto test = *change_test::make();
  test.update(0.5);
  const double before = test.evidence();
  test.update(std::nan(""));
  CHECK(test.evidence() <= before);
  CHECK(test.evidence() > before - 1);
  for (int i = 0; i < 30; ++i) test.update(2);
  CHECK(test.alarmed());
  const std::size_t at = test.alarmed_at();
  for (int i = 0; i < 300; ++i) test.update(0);
  CHECK(test.alarmed());
  CHECK(test.alarmed_at() == at);
}

TEST_CASE("settings out of range are refused") {
  CHECK(change_test::make({.false_alarms = 0}).error().place == "false_alarms");
  CHECK(change_test::make({.false_alarms = 1}).error().place == "false_alarms");
  CHECK(change_test::make({.false_alarms = 0.1, .shifts = {}}).error().place == "shifts");
  CHECK(change_test::make({.false_alarms = 0.1, .shifts = {-1}}).error().place == "shifts");
  CHECK(change_test::make({.false_alarms = 0.1, .shifts = {std::nan("")}}).error().place ==
        "shifts");
}

}  // namespace
