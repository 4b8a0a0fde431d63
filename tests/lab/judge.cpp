// SPDX-License-Identifier: MIT
#include "simulated.hpp"

#include <multitudes/lab/judging/judge.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

using namespace multitudes;
using lab::seed_outcome;
using lab::verdict;

namespace {

lab::judgement judged(const lab::claim& c, std::span<const seed_outcome> seeds,
                      bool quick = false) {
  auto j = lab::judge(c, seeds, {.quick = quick, .resamples = 1000});
  REQUIRE_MESSAGE(j.has_value(), j.error().message());
  return *std::move(j);
}

/// The verdict on one claim that is judged alone.
std::optional<verdict> verdict_alone(const lab::claim& c, std::span<const seed_outcome> seeds,
                                     bool quick = false) {
  std::vector<lab::judgement> all{judged(c, seeds, quick)};
  lab::decide(all, 1);
  return all[0].found;
}

error fault_of(const lab::claim& c, std::span<const seed_outcome> seeds) {
  auto j = lab::judge(c, seeds, {.resamples = 1000});
  REQUIRE_FALSE(j.has_value());
  CHECK(j.error().operation != "");
  CHECK(j.error().place.find("claim 3 (prevalence)") != std::string::npos);
  CHECK(j.error().remedy != "");
  return j.error();
}

struct simulated_world {
  explicit simulated_world(const simulated::world& w) { simulated::current() = w; }
  ~simulated_world() { simulated::current() = {}; }
};

/// Seeds whose items of "effect" are these.
std::vector<seed_outcome> with_effects(const std::vector<double>& of_seeds) {
  auto seeds = simulated::several(of_seeds.size());
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    for (auto& item : seeds[i].what.samples[0].items) item.y = of_seeds[i];
  }
  return seeds;
}

}  // namespace

TEST_CASE("an effect that is there is SUPPORTED, its opposite REFUTED, and none neither") {
  const auto c = simulated::claim();
  for (const auto& [effect, wanted] : {std::pair{6.0, verdict::supported},
                                       {-6.0, verdict::refuted},
                                       {0.0, verdict::inconclusive}}) {
    const simulated_world w({.effect = effect});
    CHECK(verdict_alone(c, simulated::several(5)) == wanted);
  }
}

TEST_CASE("a seed that fails a gate is listed and counts for nothing else") {
  const auto c = simulated::claim();
  const simulated_world w({.effect = 6});
  auto seeds = simulated::several(5);
  const auto four = std::vector<seed_outcome>(seeds.begin() + 1, seeds.end());
  seeds[0].what.gates[0].value = 0.79;
  for (auto& item : seeds[0].what.samples[0].items) item.y = -1e6;
  const auto j = judged(c, seeds);
  CHECK(j.n_passed() == 4);
  CHECK_FALSE(j.seeds[0].passed);
  CHECK(j.gates[0].by_seed[0] == 0.79);
  CHECK_FALSE(j.figures[0].by_seed[0].has_value());
  const auto without = judged(c, four);
  CHECK(j.figures[0].estimate == without.figures[0].estimate);
  CHECK(j.figures[0].middle == without.figures[0].middle);
  CHECK(j.lines[0].points[3].y == without.lines[0].points[3].y);
  CHECK(verdict_alone(c, seeds) == verdict::supported);
  // It need not have been asked anything, and what it said may be no number.
  seeds[0].what.samples.clear();
  seeds[0].what.lines[0].points[0].y = simulated::nan;
  CHECK(judged(c, seeds).figures[0].estimate == without.figures[0].estimate);
}

TEST_CASE("fewer than four seeds in five that pass are GATE-FAILED, whatever they say") {
  const auto c = simulated::claim();
  const simulated_world w({.effect = 6});
  for (std::size_t n : {5u, 6u, 10u, 11u}) {
    const std::size_t needed = (n * 4 + 4) / 5;
    for (std::size_t passing = 0; passing <= n; ++passing) {
      auto seeds = simulated::several(n);
      for (std::size_t i = passing; i < n; ++i) seeds[i].what.gates[0].value = 0.1;
      INFO(passing << " of " << n);
      CHECK((verdict_alone(c, seeds) == verdict::gate_failed) == (passing < needed));
    }
  }
}

TEST_CASE("the value of a gate's end passes it") {
  auto s = simulated::one(1);
  s.what.gates[0].value = 0.8;
  CHECK(*lab::passes_gates(simulated::claim(), s));
  s.what.gates[0].value = std::nextafter(0.8, 0.0);
  CHECK_FALSE(*lab::passes_gates(simulated::claim(), s));
}

TEST_CASE("quick runs, and runs of fewer seeds than were fixed, have no verdict of any kind") {
  const auto c = simulated::claim();
  for (const double effect : {60.0, -60.0, 0.0}) {
    const simulated_world w({.effect = effect});
    for (const std::size_t n : {1u, 2u, 4u}) {
      CHECK_FALSE(verdict_alone(c, simulated::several(n)).has_value());
    }
    for (const std::size_t n : {1u, 5u, 10u}) {
      CHECK_FALSE(verdict_alone(c, simulated::several(n), true).has_value());
      CHECK(judged(c, simulated::several(n), true).quick);
    }
  }
  const simulated_world w({.skill = 0});
  CHECK_FALSE(verdict_alone(c, simulated::several(1), true).has_value());
  // It shows what it saw all the same; one that decides would not.
  CHECK(judged(c, simulated::several(1), true).figures.size() == c.figures.size());
  CHECK(judged(c, simulated::several(5)).figures.empty());
}

TEST_CASE("what is missing is an error that says where, and never a verdict") {
  const auto c = simulated::claim();
  auto seeds = simulated::several(5);
  seeds[2].what.samples.pop_back();
  auto fault = fault_of(c, seeds);
  CHECK(fault.code == errc::not_found);
  CHECK(fault.place.find("seed 3") != std::string::npos);
  CHECK(fault.found.find("trend") != std::string::npos);
  seeds = simulated::several(5);
  seeds[1].what.samples[0].items.clear();
  CHECK(fault_of(c, seeds).code == errc::not_found);
  seeds = simulated::several(5);
  seeds[4].what.gates.clear();
  fault = fault_of(c, seeds);
  CHECK(fault.code == errc::not_found);
  CHECK(fault.found.find("skill") != std::string::npos);
  CHECK(fault_of(c, {}).code == errc::invalid_argument);
}

TEST_CASE("a number that is none cannot become a verdict, wherever it stands") {
  const auto c = simulated::claim();
  const simulated_world w({.effect = 6});
  for (const double bad : {simulated::nan, simulated::infinity, -simulated::infinity}) {
    for (std::size_t seed = 0; seed < 5; ++seed) {
      for (std::size_t place = 0; place < 6; ++place) {
        auto seeds = simulated::several(5);
        auto& what = seeds[seed].what;
        double* const places[] = {&what.samples[0].items[0].y, &what.samples[1].items[9].x,
                                  &what.samples[1].items[4].y, &what.gates[0].value,
                                  &what.lines[0].points[0].y,  &what.lines[1].points[2].x};
        *places[place] = bad;
        const auto fault = fault_of(c, seeds);
        CHECK(fault.code == errc::non_finite);
        CHECK(fault.place.find("seed " + std::to_string(seed + 1)) != std::string::npos);
      }
    }
  }
}

TEST_CASE("judgements with numbers that are none are never SUPPORTED nor REFUTED") {
  const simulated_world w({.effect = 6});
  const auto good = judged(simulated::claim(), simulated::several(5));
  const auto found = [&](auto change) {
    std::vector<lab::judgement> all{good};
    change(all[0]);
    lab::decide(all, 1);
    return all[0].found;
  };
  CHECK(found([](lab::judgement&) {}) == verdict::supported);
  constexpr double nan = simulated::nan;
  CHECK(found([](auto& j) { j.figures[0].estimate = nan; }) == verdict::inconclusive);
  CHECK(found([](auto& j) { j.figures[0].middle.low = nan; }) == verdict::inconclusive);
  CHECK(found([](auto& j) { j.figures[0].middle.high = nan; }) == verdict::inconclusive);
  CHECK(found([](auto& j) { j.figures[0].middle = {nan, nan}; }) == verdict::inconclusive);
  CHECK(found([](auto& j) { j.figures[0].p = nan; }) == verdict::inconclusive);
  CHECK(found([](auto& j) {
          j.figures[0].holds = simulated::interval{nan, nan};
        }) == verdict::inconclusive);
  CHECK(found([](auto& j) { j.figures.clear(); }) == verdict::inconclusive);
  CHECK(found([](auto& j) { j.figures[0].holds.reset(); }) == verdict::inconclusive);
}

TEST_CASE("what the claim does not declare, or comes twice, is an error") {
  const auto c = simulated::claim();
  auto seeds = simulated::several(5);
  seeds[0].what.saw("efect", 1);
  CHECK(fault_of(c, seeds).found.find("efect") != std::string::npos);
  seeds = simulated::several(5);
  seeds[0].what.samples.push_back(seeds[0].what.samples[0]);
  CHECK(fault_of(c, seeds).code == errc::invalid_argument);
  seeds = simulated::several(5);
  seeds[0].what.passed("skill", 0.9);
  CHECK(fault_of(c, seeds).code == errc::invalid_argument);
  seeds = simulated::several(5);
  seeds[0].what.passed("luck", 0.9);
  CHECK(fault_of(c, seeds).found.find("luck") != std::string::npos);
  seeds = simulated::several(5);
  seeds[3].what.drew("bend", "model", 0, 0);
  CHECK(fault_of(c, seeds).found.find("bend") != std::string::npos);
  seeds = simulated::several(5);
  seeds[3].seed = 1;
  CHECK(fault_of(c, seeds).found.find("twice") != std::string::npos);
}

TEST_CASE("a figure without spread, or with too few items, is an error and not a number") {
  const auto c = simulated::claim();
  auto seeds = simulated::several(5);
  for (auto& s : seeds) {
    for (auto& item : s.what.samples[1].items) item.x = 2;
  }
  CHECK(fault_of(c, seeds).found.find("trend") != std::string::npos);
}

TEST_CASE(
    "one deciding figure beyond its threshold refutes, and one undecided keeps from support") {
  auto both = simulated::figures;
  both[1].holds = simulated::interval{0.7, 1.3};
  auto c = simulated::claim();
  c.figures = both;
  const simulated_world w({.effect = 6, .between = 0.2});
  CHECK(verdict_alone(c, simulated::several(5)) == verdict::supported);
  simulated::current().slope = 0;
  CHECK(verdict_alone(c, simulated::several(5)) == verdict::refuted);
  simulated::current().slope = 0.7;
  CHECK(verdict_alone(c, simulated::several(5)) == verdict::inconclusive);
}

TEST_CASE("a predicted nothing is supported by an interval within the margin alone") {
  auto margin = simulated::figures;
  margin[0].holds = simulated::interval{-1, 1};
  auto c = simulated::claim();
  c.figures = margin;
  CHECK(verdict_alone(c, with_effects({0.1, -0.1, 0.05, 0, -0.02})) == verdict::supported);
  CHECK(verdict_alone(c, with_effects({1.5, -1.5, 0.5, 0, -0.2})) == verdict::inconclusive);
  CHECK(verdict_alone(c, with_effects({3.1, 3.2, 3, 2.9, 3})) == verdict::refuted);
}

TEST_CASE("a share of nothing but ones is as uncertain as counting leaves it") {
  auto shares = simulated::figures;
  shares[0].holds = simulated::interval{0.9, simulated::infinity};
  auto c = simulated::claim();
  c.figures = shares;
  auto seeds = with_effects({1, 1, 1, 1, 1});
  for (auto& s : seeds) s.what.samples[0].items.resize(1);
  const auto few = judged(c, seeds);
  CHECK(few.figures[0].middle.low == doctest::Approx(std::pow(0.025, 1.0 / 5)).epsilon(1e-3));
  CHECK(few.figures[0].p == doctest::Approx(std::pow(0.9, 5)).epsilon(1e-6));
  CHECK(verdict_alone(c, seeds) == verdict::inconclusive);
  CHECK(verdict_alone(c, with_effects({1, 1, 1, 1, 1})) == verdict::supported);  // 50 of 50
}

TEST_CASE("Holm's correction takes a weak support back where many claims are judged") {
  const simulated_world w({.effect = 1.5, .between = 0.7, .number = 8});
  std::vector<lab::judgement> all{judged(simulated::claim(), simulated::several(5))};
  const double p = all[0].p();
  REQUIRE(p < 0.025);
  REQUIRE(p * 24 > 0.05);
  lab::decide(all, 1);
  CHECK(all[0].found == verdict::supported);
  lab::decide(all, 24);
  CHECK(all[0].found == verdict::inconclusive);
  CHECK(all[0].corrected_p == doctest::Approx(24 * p));
}

TEST_CASE("the same outcomes give the same bits") {
  const auto once = judged(simulated::claim(), simulated::several(5));
  const auto again = judged(simulated::claim(), simulated::several(5));
  CHECK(once.figures[0].middle == again.figures[0].middle);
  CHECK(once.figures[0].p == again.figures[0].p);
  CHECK(once.lines[0].points[2].middle == again.lines[0].points[2].middle);
  CHECK(once.seconds == 7.5);
}

TEST_CASE("lines are means over seeds with an interval at each place; one seed has none") {
  const auto j = judged(simulated::claim(), simulated::several(5));
  REQUIRE(j.lines.size() == 2);
  CHECK(j.lines[0].label == "model");
  REQUIRE(j.lines[0].points.size() == 10);
  for (std::size_t i = 0; i < 10; ++i) {
    const auto& p = j.lines[0].points[i];
    CHECK(p.x == static_cast<double>(i));
    CHECK(p.middle.contains(p.y));
    CHECK(p.middle.width() > 0.1);
    CHECK(j.lines[1].points[i].middle == simulated::interval{p.x, p.x});
  }
  const auto one = judged(simulated::claim(), simulated::several(1), true);
  CHECK(one.lines[0].points[0].middle == simulated::interval::whole_line());
}

TEST_CASE("too few resamples for a small p are refused") {
  CHECK_FALSE(lab::judge(simulated::claim(), simulated::several(5), {.resamples = 999}));
}
