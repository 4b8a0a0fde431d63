// SPDX-License-Identifier: MIT
#include "simulated.hpp"

#include <multitudes/lab/judging/judge.hpp>
#include <multitudes/lab/judging/results.hpp>
#include <multitudes/lab/judging/results_reader.hpp>

#include <doctest/doctest.h>
#include <tests/support/mutate.hpp>
#include <tests/support/temporary_folder.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

using namespace multitudes;

namespace {

/// One claim that is supported, one that is refuted, one whose gates failed, and a quick one.
lab::results four_results() {
  lab::results r{.n_claims = 24};
  for (int number = 1; number <= 4; ++number) {
    auto w = simulated::world{.effect = number == 2 ? -50.0 : 50.0, .n_items = 3};
    w.number = static_cast<std::uint64_t>(number);
    std::vector<lab::seed_outcome> seeds;
    for (std::uint64_t seed = 1; seed <= (number == 4 ? 1u : 5u); ++seed) {
      w.skill = number == 3 && seed > 2 ? 0.5 : 0.9;
      seeds.push_back({.seed = seed, .seconds = 0.1, .what = simulated::draw(w, seed)});
    }
    auto j = lab::judge(simulated::claim(number), seeds, {.quick = number == 4, .resamples = 2000});
    REQUIRE(j);
    j->command = "./dev lab --claims \"1\"";
    j->commit = "abc123";
    r.claims.push_back(std::move(*j));
  }
  lab::decide(r.claims, r.n_claims);
  return r;
}

std::string text_of(const lab::results& r) {
  auto text = lab::results_json(r);
  REQUIRE_MESSAGE(text.has_value(), text.error().message());
  return *std::move(text);
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

std::string fault_of(std::string_view text) {
  const auto r = lab::parse_results(text, "test");
  REQUIRE_FALSE(r.has_value());
  CHECK(r.error().place.starts_with("test"));
  CHECK(r.error().remedy != "");
  return r.error().found;
}

}  // namespace

TEST_CASE("results survive being written and read, to the last bit") {
  const auto r = four_results();
  CHECK(r.claims[0].found == lab::verdict::supported);
  CHECK(r.claims[1].found == lab::verdict::refuted);
  CHECK(r.claims[2].found == lab::verdict::gate_failed);
  CHECK_FALSE(r.claims[3].found.has_value());
  const auto text = text_of(r);
  const auto read = lab::parse_results(text, "test");
  REQUIRE_MESSAGE(read.has_value(), read.error().message());
  CHECK(text_of(*read) == text);
  const auto& j = read->claims[0];
  CHECK(j.found == lab::verdict::supported);
  CHECK(j.command == "./dev lab --claims \"1\"");
  CHECK(j.commit == "abc123");
  CHECK(j.seconds == r.claims[0].seconds);
  CHECK(j.figures[0].middle == r.claims[0].figures[0].middle);
  CHECK(j.figures[0].holds->high == simulated::infinity);
  CHECK(j.figures[1].by_seed == r.claims[0].figures[1].by_seed);
  CHECK(j.lines[1].points[2].middle == r.claims[0].lines[1].points[2].middle);
  CHECK(read->find(3) == &read->claims[2]);
  CHECK(read->find(7) == nullptr);
}

TEST_CASE("results of another declaration are noticed") {
  const auto r = four_results();
  CHECK(lab::is_current(r.claims[0], simulated::claim(1)));
  CHECK_FALSE(lab::is_current(r.claims[0], simulated::claim(2)));
  auto moved = simulated::figures;
  moved[0].holds->low = -1;
  auto c = simulated::claim(1);
  c.figures = moved;
  CHECK_FALSE(lab::is_current(r.claims[0], c));
}

TEST_CASE("a file whose verdict does not follow from its figures is refused") {
  const auto text = text_of(four_results());
  CHECK(fault_of(replaced(text, "REFUTED", "SUPPORTED")).find("verdict") != std::string::npos);
  CHECK(fault_of(replaced(text, "GATE-FAILED", "SUPPORTED")).find("verdict") != std::string::npos);
  CHECK(fault_of(replaced(text, "SUPPORTED", "MAYBE")).find("MAYBE") != std::string::npos);
  CHECK(
      fault_of(replaced(text, "\"verdict\": null", "\"verdict\": \"SUPPORTED\"")).find("verdict") !=
      std::string::npos);
  CHECK(fault_of(replaced(text, "\"quick\": false", "\"quick\": true")) != "");
  CHECK(fault_of(replaced(text, "\"p\": ", "\"p\": 0.1")) != "");
  CHECK(
      fault_of(replaced(text, "[true, true, true, true, true]", "[true, true, true, true, false]"))
          .find("gates") != std::string::npos);
  CHECK(
      fault_of(replaced(text, "[true, true, true, true, true]", "[true, true]")).find("lengths") !=
      std::string::npos);
  CHECK(fault_of(replaced(text, "\"seeds\": [1, 2,", "\"seeds\": [2, 2,")).find("twice") !=
        std::string::npos);
  CHECK(fault_of(replaced(text, "\"number\": 2", "\"number\": 1")).find("twice") !=
        std::string::npos);
  CHECK(fault_of(replaced(text, "\"claims_altogether\": 24", "\"claims_altogether\": 3")) != "");
  CHECK(fault_of(replaced(text, "\"claims_altogether\": 24", "\"claims_altogether\": 1000000"))
            .find("1000000") != std::string::npos);
  CHECK(fault_of(replaced(text, "[0, null]", "[null, -1]")) != "");
  CHECK(fault_of(replaced(text, "[0, null]", "[3, 2]")).find("interval") != std::string::npos);
  CHECK(fault_of(replaced(text, "results 1", "results 2")) == "another format");
  CHECK(fault_of(replaced(text, "\"unit\"", "\"unity\"")).find("unity") != std::string::npos);
  CHECK(fault_of(replaced(text, "\"null_world\": false", "\"null_world\": 0")) != "");
  CHECK(fault_of(text + "x") != "");
}

TEST_CASE("any prefix of a file is refused, and no damage reads out of bounds") {
  const auto text = text_of(four_results());
  for (std::size_t n = 0; n + 1 < text.size(); n += 7) {
    CHECK_FALSE(lab::parse_results(std::string_view(text).substr(0, n), "test").has_value());
  }
  const auto bytes = std::as_bytes(std::span(text));
  const std::vector<std::byte> whole(bytes.begin(), bytes.end());
  philox random(8);
  int read = 0;
  const int trials = multitudes_test::sample_count(1500, 100'000);
  for (int i = 0; i < trials; ++i) {
    const auto damaged = multitudes_test::mutate(whole, random);
    const std::string_view what(reinterpret_cast<const char*>(damaged.data()), damaged.size());
    read += lab::parse_results(what, "test").has_value() ? 1 : 0;
  }
  CHECK(read < trials / 2);  // what is left are digits that decide nothing, and names
}

TEST_CASE("what JSON cannot hold is not written") {
  auto r = four_results();
  r.claims[0].figures[0].estimate = simulated::nan;
  CHECK_FALSE(lab::results_json(r));
  r = four_results();
  r.claims[0].name = "\xFF";
  CHECK_FALSE(lab::results_json(r));
  CHECK_FALSE(lab::save_results("/nowhere/at/all.json", r));
}

TEST_CASE("a file of results is replaced as a whole") {
  const test::temporary_folder folder;
  const auto path = folder.path() + "/results.json";
  const auto r = four_results();
  REQUIRE(lab::save_results(path, r));
  REQUIRE(lab::save_results(path, r));
  const auto read = lab::load_results(path);
  REQUIRE(read);
  CHECK(text_of(*read) == text_of(r));
  std::remove(path.c_str());
  CHECK(lab::load_results(path).error().code == errc::io_failure);
}
