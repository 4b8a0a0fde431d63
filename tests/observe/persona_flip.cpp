// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/observe/persona_flip.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

namespace mt = multitudes;
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST_CASE("a flip is where the line between two places crosses zero") {
  const auto f = mt::find_flip({{0, 8, 16}, {3, 1, -1}, {0, 2, 6}});
  CHECK(f.tokens == 12);
  CHECK(f.evidence == 4);
  CHECK(mt::find_flip({{0, 8}, {3, 0}, {}}).tokens == 8);
  CHECK(mt::find_flip({{0, 8}, {3, 0}, {}}).evidence == infinity);
}

TEST_CASE("what never crosses never flips, and what begins below zero has flipped at once") {
  CHECK(mt::find_flip({{0, 8, 16}, {3, 1, 2}, {0, 1, 2}}).tokens == infinity);
  CHECK(mt::find_flip({}).tokens == infinity);
  CHECK(mt::find_flip({{0, 8}, {-1, -3}, {0, 5}}).tokens == 0);
  CHECK(mt::find_flip({{0, 8}, {-1, -3}, {0, 5}}).evidence == 0);
}

TEST_CASE("of an ideal reader the median evidence is the depth, however slowly it comes") {
  // Log-odds fall from 6 by the evidence itself; it comes in noisy steps of different sizes.
  for (const double rate : {0.2, 0.6}) {
    std::vector<mt::flip_trial> trials;
    for (std::uint64_t i = 0; i < 80; ++i) {
      mt::philox random(i);
      mt::flip_trial t;
      t.group = i;
      double nats = 0;
      for (int step = 0; step <= 80; ++step) {
        t.tokens.push_back(step);
        t.evidence.push_back(nats);
        t.log_odds.push_back(6 - nats);
        nats += rate + 0.5 * static_cast<double>(random.normal());
      }
      trials.push_back(t);
    }
    mt::philox random(1);
    const auto e = mt::summarize_flips(trials, 0.95, 400, random);
    CHECK(e.evidence.value == doctest::Approx(6).epsilon(1e-9));
    // Drift and noise cross about 6 / rate; the median lies a little before the mean.
    CHECK(e.tokens.value == doctest::Approx(6 / rate).epsilon(0.2));
    CHECK(e.tokens.between.contains(e.tokens.value));
    CHECK(e.tokens.between.width() > 0);
    CHECK(e.never_on == 0);
    CHECK(e.flipped > 0.9);
  }
}

TEST_CASE("trials that never flip make medians infinite, not small") {
  std::vector<mt::flip_trial> trials;
  for (std::size_t i = 0; i < 9; ++i) {
    trials.push_back({{0, 10}, {1, i < 4 ? -1.0 : 0.5}, {}, i});
  }
  mt::philox random(1);
  const auto e = mt::summarize_flips(trials, 0.95, 200, random);
  CHECK(e.tokens.value == infinity);
  CHECK(e.tokens.between.low == 5);
  CHECK(e.tokens.between.high == infinity);
  CHECK(e.flipped == doctest::Approx(4.0 / 9));
  CHECK(e.flipped_between.contains(4.0 / 9));
  trials.push_back({{0, 10}, {-1, -1}, {}, 9});
  CHECK(mt::summarize_flips(trials, 0.95, 10, random).never_on == doctest::Approx(0.1));
  CHECK(mt::summarize_flips({}, 0.95, 10, random).tokens.value == 0);
}

TEST_CASE("a trial is the part of a posterior that follows the onset") {
  mt::posterior_trace trace{{"a", "b"}, {}};
  for (const double odds : {1.0, 3.0, 2.0, -2.0}) {
    trace.log_probabilities.insert(trace.log_probabilities.end(), {0.0, -odds});
  }
  const std::vector<std::size_t> ends{8, 16, 24, 32};
  const auto t = mt::flip_trial_of(trace, ends, 16, 0, 1, 5);
  CHECK(t.tokens == std::vector<double>{0, 8, 16});
  CHECK(t.log_odds == std::vector<double>{3, 2, -2});
  CHECK(t.group == 5);
  CHECK(mt::find_flip(t).tokens == 12);
}

}  // namespace
