// SPDX-License-Identifier: MIT
#include "simulated.hpp"

#include <multitudes/lab/judging/campaign.hpp>
#include <multitudes/lab/judging/judge.hpp>

#include <doctest/doctest.h>
#include <tests/support/mutate.hpp>
#include <tests/support/temporary_folder.hpp>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

using namespace multitudes;

namespace {

std::vector<std::string> ran;  // "claim seed" of every run, in order

template <int number>
expected<lab::outcome> noted_run(lab::laboratory&, std::uint64_t seed) {
  ran.push_back(std::to_string(number) + " " + std::to_string(seed));
  auto w = simulated::current();
  w.number = number;
  if (number == 8 && seed == 12) {
    return fail({.code = errc::io_failure, .operation = "train", .remedy = "wait"});
  }
  if (number == 7) return fail({.code = errc::cancelled, .operation = "train"});
  auto o = simulated::draw(w, seed);
  if (number == 9 && seed == 13) o.samples[0].items[0].y = simulated::nan;
  return o;
}

template <int number>
lab::claim noted() {
  auto c = simulated::claim(number);
  c.run = noted_run<number>;
  return c;
}

struct diary {
  std::vector<lab::campaign_step> steps{};
  std::vector<std::string> faults{};
  std::size_t stop_after = ~std::size_t{0};
};

std::vector<lab::campaign_entry> run_all(std::span<const lab::claim> claims,
                                         const lab::campaign_options& how, diary& d) {
  std::vector<const lab::claim*> list;
  for (const auto& c : claims) list.push_back(&c);
  double clock = 0;
  return lab::run_campaign(
      list, simulated::nowhere(), how,
      [&](const lab::campaign_step& s) {
        d.steps.push_back(s);
        if (s.why != nullptr) d.faults.push_back(s.why->message());
        return d.steps.size() < d.stop_after;
      },
      [&] { return clock += 1; });
}

}  // namespace

TEST_CASE("claims run seed by seed, and what is measured is kept") {
  const test::temporary_folder f;
  const std::vector<lab::claim> claims{noted<1>(), noted<2>()};
  ran.clear();
  diary first;
  const auto entries = run_all(claims, {.folder = f.path(), .n_seeds = 3}, first);
  CHECK(ran == std::vector<std::string>{"1 11", "2 11", "1 12", "2 12", "1 13", "2 13"});
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].is_complete());
  CHECK(first.steps.size() == 12);
  CHECK(first.steps.back().n_done == 6);
  CHECK(first.steps.back().n_all == 6);
  CHECK(first.steps.back().seconds_left == 0.0);
  CHECK_FALSE(first.steps.front().seconds_left.has_value());

  ran.clear();
  diary again;
  const auto kept = run_all(claims, {.folder = f.path(), .n_seeds = 4}, again);
  CHECK(ran == std::vector<std::string>{"1 14", "2 14"});
  CHECK(again.steps[0].what == lab::campaign_step::kind::kept);
  // One second for each run of this clock.
  CHECK(*again.steps[5].seconds_left == doctest::Approx(2));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto once = lab::outcome_json(claims[0], entries[0].seeds[i], {});
    const auto twice = lab::outcome_json(claims[0], kept[0].seeds[i], {});
    CHECK(*once == *twice);
  }

  ran.clear();
  diary anew;
  (void)run_all(claims, {.folder = f.path(), .n_seeds = 1, .again = true}, anew);
  CHECK(ran.size() == 2);
}

TEST_CASE("a campaign that is stopped goes on where it was") {
  const test::temporary_folder f;
  const std::vector<lab::claim> claims{noted<1>(), noted<2>()};
  ran.clear();
  diary stopped{.stop_after = 6};  // three runs
  CHECK_FALSE(run_all(claims, {.folder = f.path()}, stopped)[0].is_complete());
  CHECK(ran.size() == 3);
  diary rest;
  const auto entries = run_all(claims, {.folder = f.path()}, rest);
  CHECK(ran.size() == 10);
  CHECK(entries[0].is_complete());
  CHECK(entries[1].is_complete());
  const auto j = lab::judge(claims[1], entries[1].seeds, {.resamples = 1000});
  CHECK(j.has_value());
}

TEST_CASE("quick runs have one seed, and are kept apart from the others") {
  const test::temporary_folder f;
  const std::vector<lab::claim> claims{noted<1>()};
  ran.clear();
  diary d;
  CHECK(run_all(claims, {.folder = f.path(), .kind = {.quick = true}}, d)[0].seeds.size() == 1);
  CHECK(run_all(claims, {.folder = f.path()}, d)[0].seeds.size() == 5);
  CHECK(run_all(claims, {.folder = f.path(), .kind = {.null_world = true}}, d)[0].is_complete());
  CHECK(ran.size() == 11);
}

TEST_CASE("seeds begin where they are asked to") {
  const test::temporary_folder f;
  const std::vector<lab::claim> claims{noted<1>()};
  ran.clear();
  diary d;
  (void)run_all(claims, {.folder = f.path(), .n_seeds = 2, .first_seed = 101}, d);
  CHECK(ran == std::vector<std::string>{"1 101", "1 102"});
  ran.clear();
  std::vector<lab::claim> late = claims;
  late[0].first_seed = 21;
  (void)run_all(late, {.folder = f.path(), .n_seeds = 1}, d);
  (void)run_all(late, {.folder = f.path(), .kind = {.quick = true}}, d);
  CHECK(ran == std::vector<std::string>{"1 21", "1 1"});
}

TEST_CASE("a run that was cancelled ends the campaign, and is no fault") {
  const test::temporary_folder f;
  const std::vector<lab::claim> claims{noted<7>(), noted<1>()};
  ran.clear();
  diary d;
  const auto entries = run_all(claims, {.folder = f.path()}, d);
  CHECK(ran == std::vector<std::string>{"7 11"});
  CHECK(entries[0].faults.empty());
  CHECK(d.steps.size() == 1);
}

TEST_CASE("a run that fails, or sees what is no number, is a fault, and the others go on") {
  const test::temporary_folder f;
  const std::vector<lab::claim> claims{noted<8>(), noted<9>(), noted<1>()};
  ran.clear();
  diary d;
  const auto entries = run_all(claims, {.folder = f.path()}, d);
  CHECK(ran.size() == 15);
  CHECK(entries[0].seeds.size() == 4);
  REQUIRE(entries[0].faults.size() == 1);
  CHECK(entries[0].faults[0].operation == "train");
  REQUIRE(entries[1].faults.size() == 1);
  CHECK(entries[1].faults[0].code == errc::non_finite);
  CHECK(entries[2].is_complete());
  CHECK(d.faults.size() == 2);
  CHECK(d.steps.back().n_done == 15);
  CHECK(*d.steps.back().seconds_left == doctest::Approx(0));
}

TEST_CASE("an outcome of another declaration is measured anew, and so is one that is damaged") {
  const test::temporary_folder f;
  std::vector<lab::claim> claims{noted<1>()};
  diary d;
  (void)run_all(claims, {.folder = f.path(), .n_seeds = 2}, d);
  auto moved = simulated::figures;
  moved[0].holds->low = 0.1;
  claims[0].figures = moved;
  ran.clear();
  diary other;
  (void)run_all(claims, {.folder = f.path(), .n_seeds = 2}, other);
  CHECK(ran.size() == 2);
  CHECK(other.faults.empty());
  std::ofstream(lab::outcome_path(f.path(), claims[0], 12, {})) << "{\"format\": ";
  ran.clear();
  (void)run_all(claims, {.folder = f.path(), .n_seeds = 2}, other);
  CHECK(ran == std::vector<std::string>{"1 12"});
  CHECK(other.faults.size() == 1);
}

TEST_CASE("of a seed that failed a gate only the gates are kept") {
  auto c = simulated::claim();
  auto s = simulated::one(4);
  s.what.gates[0].value = 0.25;
  const auto text = lab::outcome_json(c, s, {});
  REQUIRE(text);
  const auto read = lab::parse_outcome(c, *text, {}, "test");
  REQUIRE(read);
  REQUIRE(read->has_value());
  CHECK((*read)->seed == 4);
  CHECK((*read)->what.gates[0].value == 0.25);
  CHECK((*read)->what.samples.empty());
  CHECK((*read)->what.lines.empty());
  CHECK_FALSE(lab::parse_outcome(c, *text, {.quick = true}, "test")->has_value());
  CHECK_FALSE(lab::parse_outcome(c, *text, {.null_world = true}, "test")->has_value());
  CHECK_FALSE(lab::parse_outcome(simulated::claim(4), *text, {}, "test")->has_value());
}

TEST_CASE("an outcome survives being written and read, and damage is refused or harmless") {
  simulated::current().n_items = 3;
  const auto c = simulated::claim();
  const auto s = simulated::one(1);
  simulated::current() = {};
  const auto text = lab::outcome_json(c, s, {});
  REQUIRE(text);
  const auto read = lab::parse_outcome(c, *text, {}, "test");
  REQUIRE(read);
  CHECK((*read)->what.samples[1].items[2].x == s.what.samples[1].items[2].x);
  CHECK((*read)->what.lines[0].label == "model");
  CHECK((*read)->seconds == 1.5);
  CHECK(*lab::outcome_json(c, **read, {}) == *text);
  for (std::size_t n = 0; n + 1 < text->size(); ++n) {
    const auto part = lab::parse_outcome(c, std::string_view(*text).substr(0, n), {}, "test");
    CHECK_FALSE(part.has_value());
  }
  const auto bytes = std::as_bytes(std::span(*text));
  const std::vector<std::byte> whole(bytes.begin(), bytes.end());
  philox random(3);
  for (int i = 0; i < multitudes_test::sample_count(2000, 200'000); ++i) {
    const auto damaged = multitudes_test::mutate(whole, random);
    const std::string_view what(reinterpret_cast<const char*>(damaged.data()), damaged.size());
    auto maybe = lab::parse_outcome(c, what, {}, "test");
    if (!maybe || !*maybe) continue;
    // Whatever it says, it is judged or refused.
    const auto passes = lab::passes_gates(c, **maybe);
    if (passes) CHECK(std::isfinite((*maybe)->what.gates[0].value));
  }
}
