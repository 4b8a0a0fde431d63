// SPDX-License-Identifier: MIT
#include "tests/support/excess.hpp"
#include "tests/support/long_run.hpp"

#include <multitudes/lab/corpus/entropy.hpp>
#include <multitudes/lab/corpus/likelihood.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/corpus/sampler.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace multitudes;
using namespace multitudes::lab;
using namespace multitudes_test;

namespace {

/// Everything that documents can have, on a small board.
gazette_config rich() {
  gazette_config c;
  c.labels = {.header = 0.2, .signature = 0.4, .domain = 0.2, .goal = 0.1, .weekday = true};
  c.items.grid = 1;
  c.items.football = 1;
  c.items.min_count = 2;
  c.items.max_count = 6;
  c.games.grid_size = 3;
  c.games.max_steps = 4;
  return c;
}

/// How many documents show it: 10^5, and fewer where that would be slow.
std::uint64_t n_documents() { return static_cast<std::uint64_t>(sample_count(2'000, 100'000)); }

/// The loss of the ideal reader, and what it leaves uncertain of the writer, add up to the entropy
/// of writer and text.
estimate loss_and_doubt(const gazette& g, const population& writers) {
  const document_source source(g, writers, 1);
  std::vector<double> sums;
  reader r(g, writers);
  for (std::uint64_t i = 0; i < n_documents(); ++i) {
    const auto d = source.document(i);
    r.restart();
    const auto log_p = r.read(d.tokens);
    REQUIRE(log_p.has_value());
    REQUIRE(r.at().is_done());
    sums.push_back(r.latent_entropy() - *log_p);
  }
  return estimate_mean(sums);
}

}  // namespace

TEST_CASE("the ideal reader loses as much as the generator's entropy, within three errors") {
  auto c = rich();
  SUBCASE("by default") { c = {}; }
  SUBCASE("with games and labels") {}
  SUBCASE("one domain a style") { c.personas.domains_per_style = 1; }
  SUBCASE("three domains a style, and Zipf's law") {
    c.personas.domains_per_style = 3;
    c.personas.zipf = 1.5;
  }
  SUBCASE("shuffled units") { c.personas.units = unit_bonds::shuffled; }
  SUBCASE("identical styles") { c.personas.units = unit_bonds::identical; }
  SUBCASE("goals shuffled, several sections") {
    c.personas.shuffled_goals = true;
    c.items.n_sections = 2;
  }
  SUBCASE("items shuffled across documents") { c.items.shuffled = true; }
  SUBCASE("writers who never slip") {
    c.clarity = {.slot = 1, .marker = 1, .form = 1, .label = 1, .task = 1, .answer = 1};
    c.skills.slip = c.games.scan_slip = 0;
    c.personas.prevalence = {1, 0, 2, 0, 0, 0, 0, 1};
    c.personas.truthful = 1;
  }
  SUBCASE("several sections by one writer, everything bound to style") {
    c.items.n_sections = 2;
    c.items.persona_persists = true;
    c.personas.compliance_bond = 0.5;
    c.personas.truth_bond = 0.5;
  }
  SUBCASE("things held out, cues that say nothing") {
    c.skills.held_out_modulus = 5;
    c.skills.random_cues = true;
    c.games.held_out_modulus = 4;
    c.personas.n_goals = 2;
  }
  SUBCASE("both ways of making phrases, plain positions, maps alone") {
    c.skills.composed = 0.3;
    c.games.shows_position = false;
    c.games.tool_share = 0;
    c.games.moved = 0;
  }
  const auto g = *gazette::make(c);
  const auto writers = true_population(g);
  const auto wanted = entropy(g, writers);
  REQUIRE(wanted.has_value());
  const estimate found = loss_and_doubt(g, writers);
  CAPTURE(found.mean);
  CAPTURE(found.standard_error);
  CAPTURE(wanted->joint());
  CHECK(std::abs(found.distance(wanted->joint())) < 3);
  CHECK(found.standard_error < 0.02 * wanted->joint());
}

TEST_CASE("every token costs the ideal reader what it expected to pay, on average") {
  auto c = rich();
  c.personas.domains_per_style = 2;
  bool forgetful = false;
  SUBCASE("writers who stay") {}
  SUBCASE("writers who turn coat") {
    c.personas.turncoats = {.share = 0.5, .hazard = 0.3, .from = 0, .to = 1};
  }
  SUBCASE("a writer who prefers other words at every token") { forgetful = true; }
  const auto g = *gazette::make(c);
  const auto writers = forgetful ? blind_population(g, trait::lexis) : true_population(g);
  const document_source source(g, writers, 2);
  std::vector<double> surprises;
  std::vector<double> expected(gazette_vocab_size);
  reader r(g, writers);
  for (std::uint64_t i = 0; i < n_documents() / 8; ++i) {
    r.restart();
    double surprise = 0;
    for (const token_id t : source.document(i).tokens) {
      r.predict(expected);
      surprise -= lab::detail::entropy_of(expected);
      surprise -= *r.read(t);
    }
    surprises.push_back(surprise);
  }
  CHECK(std::abs(estimate_mean(surprises).distance(0)) < 3);
}

TEST_CASE("no other prior loses less than the true one, and who peeks is found out") {
  gazette_config c;
  c.personas.domains_per_style = 2;
  const auto g = *gazette::make(c);
  const auto truth = true_population(g);
  const std::vector<population> others{product_population(g), unit_population(g),
                                       blind_population(g, trait::opener),
                                       blind_population(g, trait::truth)};
  const document_source source(g, truth, 3);
  std::vector<double> ideal, peeking;
  std::vector<std::vector<double>> losses(others.size());
  reader r(g, truth);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto d = source.document(i);
    r.restart();
    ideal.push_back(-*r.read(d.tokens));
    peeking.push_back(-log_likelihoods(g, d.tokens, d.writers)->at(0));
    for (std::size_t k = 0; k < others.size(); ++k) {
      losses[k].push_back(-*reader(g, others[k]).read(d.tokens));
    }
  }
  for (const auto& loss : losses) {
    CHECK(!has_negative_excess(loss, ideal));
    CHECK(estimate_excess(loss, ideal).distance(0) > 4);
  }
  CHECK(has_negative_excess(peeking, ideal));
  CHECK(!has_negative_excess(ideal, ideal));
}

TEST_CASE("entropy is not told where paths are hidden") {
  gazette_config c;
  c.personas.turncoats = {.share = 0.5, .hazard = 0.3, .from = 0, .to = 1};
  const auto g = *gazette::make(c);
  const auto refused = entropy(g, true_population(g));
  REQUIRE(!refused);
  CHECK(refused.error().message() ==
        "entropy of a gazette: writers: found writers who turn coat, expected traits that stay");
  const auto h = *gazette::make();
  CHECK(!entropy(h, blind_population(h, trait::name)));
}
