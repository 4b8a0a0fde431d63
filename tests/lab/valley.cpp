// SPDX-License-Identifier: MIT
#include <multitudes/lab/laboratory.hpp>
#include <multitudes/lab/measure/demonstration.hpp>
#include <multitudes/lab/measure/depth.hpp>
#include <multitudes/lab/measure/free_run.hpp>
#include <multitudes/lab/measure/hidden_prefix.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/perturbed_scorer.hpp>
#include <multitudes/lab/measure/probe.hpp>
#include <multitudes/lab/measure/push_radius.hpp>
#include <multitudes/lab/measure/readout.hpp>
#include <multitudes/lab/measure/valley.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

TEST_CASE("Depth is where the line of beliefs crosses zero, whatever its ends do") {
  std::vector<pressed_belief> beliefs;
  for (int i = -20; i <= 20; ++i) {
    const double evidence = 0.5 * i;
    beliefs.push_back({evidence, std::clamp(1.5 - evidence, -4.0, 4.0)});
  }
  CHECK(*depth_of(beliefs) == doctest::Approx(1.5).epsilon(1e-6));
  // Half of what evidence there is, is heeded: the crossing is twice as far.
  for (pressed_belief& b : beliefs) b.log_odds = 1.5 - b.evidence / 2;
  CHECK(*depth_of(beliefs) == doctest::Approx(3).epsilon(1e-6));
  for (pressed_belief& b : beliefs) b.log_odds = 1;
  CHECK(*depth_of(beliefs) == 10);
  for (pressed_belief& b : beliefs) b.log_odds = -1;
  CHECK(*depth_of(beliefs) == -10);
  CHECK_FALSE(depth_of({}));
  for (pressed_belief& b : beliefs) b.log_odds = b.evidence;
  CHECK_FALSE(depth_of(beliefs));
}

TEST_CASE("Escape length is where the median passes zero") {
  const std::vector<std::vector<double>> curves{{3, 1, -1, -2}, {3, 2, -2, -3}, {9, 9, 9, 9}};
  // Medians 3, 2, -1.
  CHECK(*escape_length(curves) == doctest::Approx(1 + 2.0 / 3));
  CHECK(*escape_length(std::vector<std::vector<double>>{{-1, -2}}) == 0);
  CHECK_FALSE(escape_length(std::vector<std::vector<double>>{{2, 1}}));
  CHECK_FALSE(escape_length({}));
}

TEST_CASE("The ideal reader's valleys are as deep as its personas are prevalent") {
  gazette_config config;
  config.personas.n_styles = 4;
  config.personas.prevalence = {8, 1, 2, 4};
  config.clarity.slot_of_style = {0.9, 0.7, 0.7, 0.9};
  const auto g = *gazette::make(with_room(config));
  const population writers = true_population(g);
  ideal_scorer ideal(g, writers);
  auto r1 = expectation_readout::of_styles(g);
  philox random(3);
  std::vector<persona_traits> who;
  for (std::size_t s = 0; s < 4; ++s) who.push_back(g.traits({.style = s}));
  const auto& share = config.personas.prevalence;
  std::vector<double> log_prior;
  for (const double p : share) log_prior.push_back(std::log(p / 15));
  const auto depths = measure_depths(ideal, g, *r1, who, log_prior, 16, random);
  REQUIRE(depths);
  for (std::size_t k = 0; k < 4; ++k) {
    double sum = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      if (j == k) continue;
      CHECK(depths->of(k, j) == doctest::Approx(std::log(share[k] / share[j])).epsilon(0.02));
      sum += depths->of(k, j);
    }
    CHECK(depths->of(k) == doctest::Approx(sum / 3));
  }
}

TEST_CASE("A student that pushes confuse has a finite radius, and without one it has none") {
  const auto g = *gazette::make(with_room({}));
  thread_pool workers(2);
  const auto who = *laboratory::newborn({.model_dim = 8, .n_layers = 1, .n_heads = 1}, 1);
  auto asked = scorer::make(workers, who);
  auto r1 = expectation_readout::of_styles(g);
  const texts nothing(8, {word("<doc>")});
  const auto rest = r1->weights(*asked, nothing);
  REQUIRE(rest);
  const auto own =
      static_cast<std::size_t>(std::ranges::max_element((*rest)[0]) - (*rest)[0].begin());
  philox random(6);
  const push_options how{.radii = {0, 4}, .n_pushes = 16, .layer = layer_index(0)};
  const auto found = measure_push_radii(workers, who, *r1, nothing, how, random);
  REQUIRE(found);
  // A newborn takes every text for the same writer; pushed at random it takes it for others too.
  for (std::size_t k = 0; k < 8; ++k) {
    CHECK((*found)[k].shares[0] == (k == own ? 1 : 0));
    CHECK((*found)[k].shares[1] < 1);
  }
  CHECK((*found)[own].radius > 0);
}

TEST_CASE("What the ideal reader expects reads back as its posterior") {
  const auto g = *gazette::make(with_room({}));
  const population writers = true_population(g);
  ideal_scorer ideal(g, writers);
  auto r1 = expectation_readout::of_styles(g);
  philox random(4);
  prompt p(g);
  demonstrate(p, g, g.traits({.style = 5, .domain = 2}), 2, random);
  add_neutral(p, 2, random);
  const texts one{text_of(p)};
  const auto w = r1->weights(ideal, one);
  REQUIRE(w);
  reader r(g, writers);
  REQUIRE(r.read(one[0]));
  const auto truth = r.posterior(choice_key::name);
  for (std::size_t s = 0; s < 8; ++s) CHECK((*w)[0][s] == doctest::Approx(truth[s]).epsilon(1e-2));
  const texts whole{{word("<doc>"), word("<doc>")}};
  CHECK_FALSE(r1->weights(ideal, whole));
}

TEST_CASE("A hidden prefix is read as if it had been shown, and the rest alone is looked at") {
  const auto g = *gazette::make(with_room({}));
  const population writers = true_population(g);
  ideal_scorer ideal(g, writers);
  auto r1 = expectation_readout::of_styles(g);
  philox random(9);
  prompt p(g);
  p.item(item_kind::question, g.traits({.style = 3}), random);
  const std::vector<token_id> prefix(p.tokens().begin() + 1, p.tokens().end());
  const std::size_t n = p.tokens().size();
  p.item(item_kind::question, g.traits({.style = 6}), random);
  texts rest{{word("<doc>")}};
  rest[0].insert(rest[0].end(), p.tokens().begin() + static_cast<std::ptrdiff_t>(n),
                 p.tokens().end());
  hidden_prefix secretive(ideal, prefix);
  const auto hidden = r1->weights(secretive, rest);
  const auto shown = r1->weights(ideal, texts{text_of(p)});
  REQUIRE(hidden);
  REQUIRE(shown);
  CHECK((*hidden)[0] == (*shown)[0]);
  CHECK((*hidden)[0] != (*r1->weights(ideal, rest))[0]);
}

TEST_CASE("A push of no size changes nothing, a large one much, and along its direction") {
  thread_pool workers(2);
  const auto who = *laboratory::newborn({.model_dim = 16, .n_layers = 2, .n_heads = 2}, 1);
  auto plain = scorer::make(workers, who);
  auto pushed = perturbed_scorer::make(workers, who);
  REQUIRE(plain);
  REQUIRE(pushed);
  texts all;
  for (std::size_t i = 1; i < 150; ++i) all.emplace_back(1 + i % 40, token_id(i));
  std::vector<float> before;
  REQUIRE(plain->predict_next(
      all, [&](std::size_t i, std::span<const float> log_p) { before.push_back(log_p[i]); }));
  philox random(1);
  push how{layer_index(1), 0, random_direction(16, random)};
  double squares = 0;
  for (const float x : how.direction) squares += static_cast<double>(x) * static_cast<double>(x);
  CHECK(squares == doctest::Approx(1));
  for (const double size : {0.0, 2.0}) {
    how.size = size;
    pushed->set(how);
    double moved = 0;
    std::size_t n = 0;
    REQUIRE(pushed->predict_next(all, [&](std::size_t i, std::span<const float> log_p) {
      CHECK(i == n++);
      moved = std::max(moved, std::abs(static_cast<double>(log_p[i] - before[i])));
    }));
    CHECK(n == all.size());
    if (size == 0) CHECK(moved < 1e-4);
    if (size > 0) CHECK(moved > 1e-2);
  }
  CHECK_FALSE(pushed->predict_next(texts{{}}, [](std::size_t, std::span<const float>) {}));
}

TEST_CASE("A probe finds what is linearly there, and nothing in shuffled labels") {
  noted_states s{.width = 6};
  philox random(5);
  for (std::size_t i = 0; i < 600; ++i) {
    s.labels.push_back(i % 3);
    for (std::size_t e = 0; e < 6; ++e) {
      s.rows.push_back(random.uniform() + (e == i % 3 ? 1.0f : 0.0f));
    }
  }
  const auto found = probe_states(s, 3, random);
  REQUIRE(found);
  CHECK(found->accuracy > 0.95);
  CHECK(above_chance(found->of_shuffled, 3) < 0.2);
  CHECK(above_chance(1.0 / 3, 3) == doctest::Approx(0));
  noted_states same{.width = 2, .rows = {1, 1, 1, 1}, .labels = {0, 1}};
  CHECK_FALSE(linear_probe::fit(same, 2));
}

TEST_CASE("A free run is cut where an item may begin, and where it is no gazette") {
  const auto g = *gazette::make();
  const auto words = *gazette_tokens("<doc> ask tide ? well gravity anyway . ask pearl ? well");
  CHECK(whole_items(g, words).size() == 8);
  const auto broken = *gazette_tokens("<doc> ask tide ? well gravity anyway . ask ask");
  CHECK(whole_items(g, broken).size() == 8);
  CHECK(whole_items(g, std::span(words).first(4)).empty());
  thread_pool workers(1);
  const auto who = *laboratory::newborn({.model_dim = 16, .n_layers = 1, .n_heads = 2}, 1);
  const texts begun{{word("<doc>"), word("ask")}, {word("<doc>")}};
  const auto said = write_on(workers, who, begun, 5, 1);
  REQUIRE(said);
  CHECK((*said)[0].size() <= 7);
  CHECK((*said)[0][1] == word("ask"));
  CHECK((*said)[1][0] == word("<doc>"));
}

}  // namespace
