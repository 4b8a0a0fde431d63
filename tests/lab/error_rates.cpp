// SPDX-License-Identifier: MIT
//
// Whether the lab can be wrong, and how often: claims of which nothing is true, and claims that
// are.
#include "simulated.hpp"

#include <multitudes/lab/judging/judge.hpp>
#include <multitudes/stats/proportion.hpp>

#include <doctest/doctest.h>
#include <tests/support/long_run.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

using namespace multitudes;
using lab::verdict;

namespace {

constexpr std::array<lab::figure, 1> only_effect{simulated::figures[0]};
/// The prediction that nothing happens.
constexpr std::array<lab::figure, 1> no_effect{{{.name = "effect", .holds = {{-1, 1}}}}};

struct tally {
  std::size_t n_supported = 0;
  std::size_t n_refuted = 0;
  std::size_t n_families = 0;  ///< with any claim that is supported
};

/// Judges `n` claims alone, and in families of twenty.
tally judge_many(std::size_t n, const simulated::world& like, std::size_t n_seeds,
                 std::span<const lab::figure> figures) {
  auto c = simulated::claim();
  c.figures = figures;
  c.n_seeds = n_seeds;
  tally found;
  std::vector<lab::judgement> family;
  for (std::size_t i = 0; i < n; ++i) {
    c.number = static_cast<int>(i + 1);  // and the seed of the bootstrap
    std::vector<lab::seed_outcome> seeds;
    for (std::uint64_t seed = 1; seed <= n_seeds; ++seed) {
      auto w = like;
      w.number = i + 1;
      w.n_items = 6;
      seeds.push_back({.seed = seed, .what = simulated::draw(w, seed)});
      std::erase_if(seeds.back().what.samples, [](const auto& s) { return s.figure != "effect"; });
      seeds.back().what.lines.clear();
    }
    auto j = lab::judge(c, seeds, {.resamples = 1000});
    REQUIRE(j);
    lab::decide(std::span(&*j, 1), 1);
    found.n_supported += j->found == verdict::supported ? 1u : 0u;
    found.n_refuted += j->found == verdict::refuted ? 1u : 0u;
    family.push_back(std::move(*j));
    if (family.size() < 20) continue;
    lab::decide(family, family.size());
    const auto is_supported = [](const auto& one) { return one.found == verdict::supported; };
    found.n_families += std::ranges::any_of(family, is_supported) ? 1u : 0u;
    family.clear();
  }
  return found;
}

/// So many are no wonder, if each has this probability: one such test in a thousand errs.
bool is_no_wonder(std::size_t n, std::size_t of, double probability) {
  return stats::binomial_tail(of, n, probability) > 0.001;
}

std::size_t n_null_claims() {
  return static_cast<std::size_t>(multitudes_test::sample_count(400, 4000));
}

}  // namespace

TEST_CASE("in a null world claims are SUPPORTED, and REFUTED, no more often than the rates allow") {
  const std::size_t n = n_null_claims();
  for (const std::size_t n_seeds : {5u, 10u}) {
    for (const double between : {1.0, 0.0}) {
      const bool is_long = std::getenv("MULTITUDES_LONG_TESTS") != nullptr;
      if (between == 0 && !is_long) continue;
      // The effect is exactly the threshold: what is neither true nor false by any margin.
      const auto found = judge_many(n, {.effect = 0, .between = between}, n_seeds, only_effect);
      INFO(n_seeds << " seeds that differ by " << between << ": " << found.n_supported
                   << " supported, " << found.n_refuted << " refuted of " << n << ", "
                   << found.n_families << " of " << n / 20 << " families with a support");
      if (is_long) {
        MESSAGE(n_seeds << " seeds that differ by " << between << ": " << found.n_supported
                        << " supported, " << found.n_refuted << " refuted of " << n << ", "
                        << found.n_families << " of " << n / 20 << " families with a support");
      }
      CHECK(is_no_wonder(found.n_supported, n, 0.025));
      CHECK(is_no_wonder(found.n_refuted, n, 0.025));
      CHECK(is_no_wonder(found.n_families, n / 20, 0.05));
      // Nor so rarely that nothing could ever be found.
      if (between > 0) CHECK(is_no_wonder(n - found.n_supported, n, 1 - 0.01));
    }
  }
}

TEST_CASE("a null that is predicted is not found where there is an effect") {
  const std::size_t n = n_null_claims() / 4;
  for (const std::size_t n_seeds : {5u, 10u}) {
    // At the margin's end.
    const auto at_end = judge_many(n, {.effect = 1, .between = 0.2}, n_seeds, no_effect);
    CHECK(is_no_wonder(at_end.n_supported, n, 0.025));
    const auto beyond = judge_many(n, {.effect = 3, .between = 0.5}, n_seeds, no_effect);
    CHECK(beyond.n_supported == 0);
    CHECK(beyond.n_refuted > n * 8 / 10);
    const auto within = judge_many(n, {.effect = 0, .between = 0.2}, n_seeds, no_effect);
    CHECK(within.n_supported > n * 8 / 10);
    CHECK(within.n_refuted == 0);
  }
}

TEST_CASE("planted effects are found, also in families, and their opposites refuted") {
  const std::size_t n = 100;
  for (const auto& planted : {std::pair<std::size_t, double>{5, 3}, {10, 1.6}}) {
    const std::size_t n_seeds = planted.first;
    const double effect = planted.second;
    const auto alone = judge_many(n, {.effect = effect}, n_seeds, only_effect);
    INFO(n_seeds << " seeds: " << alone.n_supported);
    CHECK(alone.n_supported >= 90);
    CHECK(alone.n_refuted == 0);
    const auto opposite = judge_many(n, {.effect = -effect}, n_seeds, only_effect);
    CHECK(opposite.n_refuted >= 90);
    CHECK(opposite.n_supported == 0);
    const auto large = judge_many(n, {.effect = 3 * effect}, n_seeds, only_effect);
    CHECK(large.n_families == n / 20);
  }
}
