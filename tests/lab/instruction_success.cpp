// SPDX-License-Identifier: MIT
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/instruction_success.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

TEST_CASE("The ideal reader writes as the label says, and as nobody after none") {
  const gazette g = *gazette::make();
  const population writers = true_population(g);
  ideal_scorer bayes(g, writers);
  for (const std::size_t style : {std::size_t{0}, std::size_t{5}}) {
    prompt labelled(g);
    labelled.label(style);
    const auto told = style_success(bayes, g, labelled.tokens(), style);
    REQUIRE(told);
    REQUIRE(told->size() == 8);
    // A label is right 98 times of 100.
    for (const double share : *told) CHECK(share == doctest::Approx(0.98).epsilon(0.001));
    const token_id nothing[] = {word("<doc>")};
    const auto untold = style_success(bayes, g, nothing, style);
    REQUIRE(untold);
    for (const double share : *untold) CHECK(share == doctest::Approx(0.125 / 0.85));
    const auto shown = read_habits(bayes, g, labelled.tokens(), style);
    REQUIRE(shown);
    // Where the label is wrong it is another's: then habits are shared by chance.
    const double right = 0.98 - 0.02 / 7;
    CHECK(shown->openers == doctest::Approx(right));
    CHECK(shown->all == doctest::Approx(right));
    const auto hidden = read_habits(bayes, g, nothing, style);
    REQUIRE(hidden);
    CHECK(hidden->openers == doctest::Approx(0));
    CHECK(hidden->all == doctest::Approx(0));
  }
}

TEST_CASE("A skill's ideal result is the composed one, where documents have it") {
  gazette_config c;
  c.skills.composed = 0.5;
  const gazette g = *gazette::make(c);
  const population writers = true_population(g);
  ideal_scorer bayes(g, writers);
  const auto phrases = draw_phrases(10, 3, 5, true, 1);
  const auto composed = skill_success(bayes, phrases, new_skill::composed);
  const auto unrelated = skill_success(bayes, phrases, new_skill::unrelated);
  REQUIRE(composed);
  REQUIRE(unrelated);
  for (const double p : *composed) CHECK(p == doctest::Approx(0.98 * 0.98));
  for (const double p : *unrelated) CHECK(p < 1e-5);
  const auto data = make_skill_dataset(phrases, new_skill::unrelated);
  for (const auto& d : data.documents()) {
    const auto counts = data.counts(d);
    CHECK(counts.size() == 9);
    for (std::size_t i = 0; i < counts.size(); ++i) CHECK((counts[i] != 0) == (i >= 7));
  }
}

TEST_CASE("Instructions take styles in turn") {
  const gazette g = *gazette::make();
  const std::vector<std::size_t> styles{3, 1};
  const auto data = make_instructions(g, styles, 5, 1);
  REQUIRE(data.documents().size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto tokens = data.tokens(data.documents()[i]);
    CHECK(tokens[4] == token_id(word("arden").value + styles[i % 2]));
  }
}

TEST_CASE("Examples are counted along their logarithm, and between the ends only") {
  const std::vector<double> n{4, 16, 64};
  CHECK(examples_to_reach(n, std::vector<double>{0.1, 0.3, 0.7}, 0.5) == doctest::Approx(32));
  CHECK(examples_to_reach(n, std::vector<double>{0.6, 0.7, 0.8}, 0.5) == 4);
  CHECK(examples_to_reach(n, std::vector<double>{0.1, 0.2, 0.3}, 0.5) == 64);
}

}  // namespace
