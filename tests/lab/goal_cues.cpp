// SPDX-License-Identifier: MIT
#include <multitudes/lab/measure/goal_cues.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

TEST_CASE("The ideal reader follows cues that mean something, and no others") {
  for (const bool random_cues : {false, true}) {
    CAPTURE(random_cues);
    gazette_config c;
    c.skills.random_cues = random_cues;
    const gazette g = *gazette::make(c);
    const population writers = true_population(g);
    ideal_scorer bayes(g, writers);
    const auto phrases = draw_phrases(20, 3, 5, true, 1);
    const auto all = read_cues(bayes, phrases);
    REQUIRE(all);
    REQUIRE(all->size() == 40);
    for (const cue_reading& r : *all) {
      const double n = r.goal == phrase_goal::shorten ? 2 : 3;
      const double whole = std::pow(1 - c.skills.slip, n);
      CHECK(r.right == doctest::Approx(random_cues ? whole / 2 : whole));
      CHECK(r.wrong == doctest::Approx(random_cues ? whole / 2 : 0));
    }
  }
}

TEST_CASE("The ideal reader infers a goal from examples as Bayes' rule says") {
  const gazette g = *gazette::make();
  const population writers = true_population(g);
  ideal_scorer bayes(g, writers);
  const auto phrases = draw_phrases(5, 3, 5, true, 1), examples = draw_phrases(9, 3, 5, false, 2);
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    CAPTURE(n);
    const auto all = read_uncued(bayes, phrases, examples, n);
    REQUIRE(all);
    const double odds = std::pow(0.9 / 0.1, static_cast<double>(n)), belief = odds / (1 + odds);
    const double pursued = belief * 0.9 + (1 - belief) * 0.1;
    for (const cue_reading& r : *all) {
      const bool shortens = r.goal == phrase_goal::shorten;
      CHECK(r.right == doctest::Approx(pursued * std::pow(0.98, shortens ? 2 : 3)));
      CHECK(r.wrong == doctest::Approx((1 - pursued) * std::pow(0.98, shortens ? 3 : 2)));
    }
  }
}

TEST_CASE("Phrases to be asked about are no phrases to be read") {
  for (const bool multiples : {true, false}) {
    for (const auto& p : draw_phrases(50, 3, 5, multiples, 3)) {
      CHECK(((p[0] + p[1] + p[2]) % 5 == 0) == multiples);
    }
  }
}

}  // namespace
