// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/reliability.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::stats;

/// Two classes, the first drawn with the probability that the scores say at temperature 1.
forecast_set forecasts(std::size_t n, double sharpness, std::uint64_t seed) {
  philox random(seed);
  forecast_set f{.n_classes = 2, .scores = {}, .truth = {}};
  for (std::size_t i = 0; i < n; ++i) {
    const double x = 2 * static_cast<double>(random.normal());
    f.scores.insert(f.scores.end(), {sharpness * x, 0.0});
    f.truth.push_back(static_cast<double>(random.uniform()) < 1 / (1 + std::exp(-x)) ? 0 : 1);
  }
  return f;
}

TEST_CASE("the scores are those of a small example") {
  // Said .8 of the first (true), .6 of the second (true), .75 of the first (false).
  const forecast_set f{.n_classes = 2,
                       .scores = {std::log(.8), std::log(.2), std::log(.4), std::log(.6),
                                  std::log(.75), std::log(.25)},
                       .truth = {0, 1, 1}};
  philox random(1);
  const auto r = *judge(f, {.n_bins = 1}, random);
  CHECK(r.accuracy == doctest::Approx(2.0 / 3));
  CHECK(r.log_score == doctest::Approx(-(std::log(.8) + std::log(.6) + std::log(.25)) / 3));
  CHECK(r.brier == doctest::Approx((2 * .04 + 2 * .16 + 2 * .5625) / 3));
  CHECK(r.calibration_error == doctest::Approx(std::abs((.8 + .6 + .75) / 3 - 2.0 / 3)));
  REQUIRE(r.bins.size() == 1);
  CHECK(r.bins[0].count == 3);
  // In bins of one item each, from the least confident: .6 right, .75 wrong, .8 right.
  philox again(1);
  const auto three = *judge(f, {.n_bins = 3}, again);
  CHECK(three.calibration_error == doctest::Approx((.4 + .75 + .2) / 3));
  CHECK(three.bins[0].confidence == doctest::Approx(.6));
  CHECK(three.bins[1].share_right == 0);
}

TEST_CASE("true probabilities have the error that chance leaves, and overconfident ones more") {
  philox random(2);
  const auto honest = *judge(forecasts(2000, 1, 1), {.resamples = 100}, random);
  CHECK(honest.calibration_error < 2 * honest.error_if_calibrated);
  CHECK(honest.error_if_calibrated > 0.005);
  CHECK(honest.error_if_calibrated < 0.05);
  const auto boasting = *judge(forecasts(2000, 4, 1), {.resamples = 100}, random);
  CHECK(boasting.calibration_error > 5 * boasting.error_if_calibrated);
  CHECK(boasting.calibration_error_between.low > honest.calibration_error_between.high);
  CHECK(boasting.log_score > honest.log_score);
  CHECK(boasting.brier > honest.brier);
  CHECK(boasting.accuracy == honest.accuracy);
  // The right temperature mends it.
  const auto mended = *judge(forecasts(2000, 4, 1), {.resamples = 100, .temperature = 4}, random);
  CHECK(mended.log_score == doctest::Approx(honest.log_score));
}

TEST_CASE("bins hold equally many items and rise in confidence; intervals hold their shares") {
  philox random(3);
  const auto r = *judge(forecasts(1003, 1, 5), {.n_bins = 8, .resamples = 200}, random);
  REQUIRE(r.bins.size() == 8);
  std::size_t total = 0;
  for (std::size_t b = 0; b < 8; ++b) {
    total += r.bins[b].count;
    CHECK(r.bins[b].count >= 125);
    CHECK(r.bins[b].count <= 126);
    CHECK(r.bins[b].right_between.contains(r.bins[b].share_right));
    if (b != 0) CHECK(r.bins[b].confidence > r.bins[b - 1].confidence);
  }
  CHECK(total == 1003);
  CHECK(r.log_score_between.contains(r.log_score));
  CHECK(r.brier_between.contains(r.brier));
  CHECK(r.accuracy_between.contains(r.accuracy));
}

TEST_CASE("items of few groups are known less well than as many alone") {
  auto f = forecasts(400, 1, 6);
  philox random(4);
  const auto alone = *judge(f, {.resamples = 200}, random);
  // The same item twenty times over, as a group, is only one item's worth of knowledge.
  forecast_set copies{.n_classes = 2, .scores = {}, .truth = {}};
  for (std::size_t i = 0; i < 20; ++i) {
    for (int j = 0; j < 20; ++j) {
      copies.scores.insert(copies.scores.end(), {f.scores[2 * i], f.scores[2 * i + 1]});
      copies.truth.push_back(f.truth[i]);
      copies.groups.push_back(i);
    }
  }
  const auto grouped = *judge(copies, {.resamples = 200}, random);
  CHECK(grouped.accuracy_between.width() > 2 * alone.accuracy_between.width());
}

TEST_CASE("a split keeps groups whole and loses nothing") {
  auto f = forecasts(90, 1, 7);
  for (std::size_t i = 0; i < 90; ++i) f.groups.push_back(i / 9);
  philox random(5);
  const auto [first, second] = *split_by_groups(f, 0.3, random);
  CHECK(first.size() == 27);
  CHECK(second.size() == 63);
  for (const std::size_t a : first.groups) {
    for (const std::size_t b : second.groups) CHECK(a != b);
  }
  CHECK(split_by_groups(f, 0.0, random).error().place == "first share");
  CHECK(split_by_groups(f, 1.0, random).error().place == "first share");
  CHECK(split_by_groups(f, std::nan(""), random).error().place == "first share");
  CHECK(split_by_groups({}, 0.5, random).error().place == "forecasts");
}

TEST_CASE("bad settings are refused") {
  philox random(1);
  const auto f = forecasts(3, 1, 1);
  CHECK(judge(f, {.n_bins = 0}, random).error().place == "n_bins");
  CHECK(judge(f, {.temperature = 0}, random).error().place == "temperature");
  CHECK(judge({}, {}, random).error().place == "forecasts");
}

}  // namespace
