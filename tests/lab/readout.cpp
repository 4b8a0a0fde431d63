// SPDX-License-Identifier: MIT
#include <multitudes/lab/corpus/fingerprint.hpp>
#include <multitudes/lab/laboratory.hpp>
#include <multitudes/lab/measure/readout.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

TEST_CASE("Mixture weights that made the expectations are found again") {
  // Three personas, three words; two slots, so that all weights are determined.
  const std::vector<double> rows[2] = {{0.8, 0.1, 0.1, 0.1, 0.8, 0.1, 0.1, 0.1, 0.8},
                                       {0.6, 0.2, 0.2, 0.1, 0.1, 0.8, 0.2, 0.6, 0.2}};
  const std::vector<double> truth{0.2, 0.5, 0.3};
  std::vector<probed_slot> slots;
  for (const auto& r : rows) {
    probed_slot s{.seen = {0, 0, 0}, .under = r};
    for (std::size_t o = 0; o < 3; ++o) {
      for (std::size_t k = 0; k < 3; ++k) s.seen[o] += truth[k] * s.of(k, o);
    }
    slots.push_back(s);
  }
  const auto found = mixture_weights(slots, 3);
  for (std::size_t k = 0; k < 3; ++k) CHECK(found[k] == doctest::Approx(truth[k]).epsilon(1e-4));
  CHECK(log_odds(found, 1, 0) == doctest::Approx(std::log(0.5 / 0.2)).epsilon(1e-3));
}

TEST_CASE("Expectations that no mixture makes give the nearest one, and certainty has a floor") {
  const std::vector<probed_slot> slots{{.seen = {1, 0}, .under = {0.9, 0.1, 0.2, 0.8}}};
  const auto found = mixture_weights(slots, 2);
  CHECK(found[0] == doctest::Approx(1));
  CHECK(log_odds(found, 0, 1) == doctest::Approx(-std::log(1e-6)).epsilon(1e-2));
  const std::vector<probed_slot> equal{{.seen = {1, 0}, .under = {0.5, 0.5, 0.5, 0.5}}};
  CHECK(mixture_weights(equal, 2)[0] == doctest::Approx(0.5));
}

TEST_CASE("A probe that no slot follows is refused") {
  const auto g = gazette::make();
  thread_pool workers(1);
  auto asked = scorer::make(workers, *laboratory::newborn({.model_dim = 8, .n_layers = 1}, 1));
  REQUIRE(asked);
  auto r1 = expectation_readout::of_styles(*g);
  REQUIRE(r1);
  const texts good{{word("<doc>")}};
  const auto weights = r1->weights(*asked, good);
  REQUIRE(weights);
  CHECK((*weights)[0].size() == 8);
  // In the middle of an item none may begin.
  const texts bad{{word("<doc>"), word("ask")}};
  const auto refused = r1->weights(*asked, bad);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::malformed);
  CHECK_FALSE(expectation_readout::make(*g, {}, {{word("ask")}}));
}

TEST_CASE("Every field of a configuration tells two configurations apart") {
  const gazette_config plain;
  const auto differs = [&](auto change) {
    gazette_config c;
    change(c);
    CHECK(fingerprint_of(c) != fingerprint_of(plain));
  };
  CHECK(fingerprint_of(gazette_config{}) == fingerprint_of(plain));
  differs([](gazette_config& c) { c.personas.zipf = 1; });
  differs([](gazette_config& c) { c.personas.prevalence = {1}; });
  differs([](gazette_config& c) { c.personas.held_out = {{1, 2}}; });
  differs([](gazette_config& c) { c.personas.units = unit_bonds::shuffled; });
  differs([](gazette_config& c) { c.personas.turncoats.hazard = 0.1; });
  differs([](gazette_config& c) { c.clarity.slot_of_style = {0.7}; });
  differs([](gazette_config& c) { c.labels.header = 0.02; });
  differs([](gazette_config& c) { c.items.shuffled = true; });
  differs([](gazette_config& c) { c.questions.facts_per_domain = 4; });
  differs([](gazette_config& c) { c.skills.random_cues = true; });
  differs([](gazette_config& c) { c.games.moved = 0.2; });
  differs([](gazette_config& c) { c.dialogues.listeners[2].refuses = 0.5; });
  // A number at the end of one list is not one at the beginning of the next.
  gazette_config a, b;
  a.personas.prevalence = {1, 2};
  b.personas.prevalence = {1};
  b.personas.rotation = 2;
  CHECK(fingerprint_of(a) != fingerprint_of(b));
}

}  // namespace
