// SPDX-License-Identifier: MIT
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/measure/coherence.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/tilt.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

TEST_CASE("Habits of coherent writers hang together, those of shuffled ones do not") {
  const auto g = *gazette::make();
  gazette_config apart;
  apart.personas.units = unit_bonds::shuffled;
  const auto h = *gazette::make(apart);
  const auto writers = true_population(g), units = true_population(h);
  ideal_scorer coherent(g, writers), shuffled(h, units);
  const auto much = total_correlation(coherent, g, 1), none = total_correlation(shuffled, h, 1);
  REQUIRE(much);
  REQUIRE(none);
  CHECK(*none == doctest::Approx(0).epsilon(1e-6));
  CHECK(*much > 0.2);
  CHECK(*much < 1);
}

TEST_CASE(
    "All units of a persona shift as predicted when its prevalence is raised, and only then") {
  const auto g = *gazette::make();
  const auto writers = true_population(g);
  constexpr std::size_t persona = 4;
  constexpr double nats = 2;
  const auto up = tilted(writers, trait::name, persona, nats);
  ideal_scorer before(g, writers), after(g, up);
  const auto units = other_units(persona);
  REQUIRE(units.size() == 24);
  const auto a = log_odds_of(before, units), b = log_odds_of(after, units);
  REQUIRE(a);
  REQUIRE(b);
  double mean = 0;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const double predicted = shift_of_unit(g, units[i], persona, nats);
    CHECK((*b)[i] - (*a)[i] == doctest::Approx(predicted).epsilon(1e-3));
    mean += predicted / 24;
  }
  CHECK(mean > 0.3);
  // Where habits are independent, raising one moves no other.
  gazette_config apart;
  apart.personas.units = unit_bonds::shuffled;
  const auto h = *gazette::make(apart);
  const auto loose = true_population(h);
  const auto one_up = tilted(loose, trait::opener, persona, nats);
  ideal_scorer was(h, loose), is(h, one_up);
  const auto c = log_odds_of(was, units), d = log_odds_of(is, units);
  REQUIRE(c);
  REQUIRE(d);
  for (std::size_t i = 0; i < units.size(); ++i) CHECK(std::abs((*d)[i] - (*c)[i]) < 1e-5);
}

}  // namespace
