// SPDX-License-Identifier: MIT
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/laboratory.hpp>
#include <multitudes/lab/measure/attack_search.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/replies.hpp>
#include <multitudes/lab/measure/tilt.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

texts after_items(const gazette& g, std::size_t style, std::size_t count) {
  philox random(3, 0);
  prompt p(g);
  texts all;
  for (std::size_t n = 0; n <= count; ++n) {
    all.emplace_back(p.tokens().begin(), p.tokens().end());
    p.item(item_kind::filler, g.traits({.style = style}), random);
  }
  return all;
}

TEST_CASE("Answers of the ideal reader show the log-odds that it holds") {
  const auto g = *gazette::make();
  const auto writers = true_population(g);
  ideal_scorer asked(g, writers);
  const auto talks = after_items(g, 3, 2);
  const auto seen = replies({0, 5}).log_odds(asked, talks, 3, 1);
  REQUIRE(seen);
  for (std::size_t i = 0; i < talks.size(); ++i) {
    reader bayes(g, writers);
    REQUIRE(bayes.read(talks[i]));
    const auto w = bayes.posterior(choice_key::name);
    // What others would say by mistake makes both a little likelier.
    CHECK((*seen)[i] == doctest::Approx(std::log(w[3] / w[1])).epsilon(0.02));
  }
  CHECK(std::abs((*seen)[0]) < 1e-6);
  CHECK((*seen)[2] > 1);
}

TEST_CASE("Raised prevalence is seen as so many nats, everywhere, and by openers too") {
  const auto g = *gazette::make();
  const auto writers = true_population(g);
  for (const double nats : {1.0, 4.0}) {
    const auto raised_writers = tilted(writers, trait::name, 3, nats);
    ideal_scorer before(g, writers), after(g, raised_writers);
    const auto talks = after_items(g, 1, 1);
    replies ask({0, 5});
    const auto a = ask.log_odds(before, talks, 3, 1), b = ask.log_odds(after, talks, 3, 1);
    REQUIRE(a);
    REQUIRE(b);
    for (std::size_t i = 0; i < talks.size(); ++i) {
      CHECK((*b)[i] - (*a)[i] == doctest::Approx(nats).epsilon(0.03));
    }
    const auto c = ask.log_odds(before, talks, g, 3), d = ask.log_odds(after, talks, g, 3);
    REQUIRE(c);
    REQUIRE(d);
    CHECK((*c)[0] == doctest::Approx(-std::log(7.0)).epsilon(1e-3));
    for (std::size_t i = 0; i < talks.size(); ++i) {
      CHECK((*d)[i] - (*c)[i] == doctest::Approx(nats).epsilon(0.03));
    }
    const auto w = ask.weights(before, g, talks), v = ask.weights(after, g, talks);
    REQUIRE(w);
    REQUIRE(v);
    CHECK((*w)[0][3] == doctest::Approx(0.125).epsilon(1e-3));
    for (std::size_t i = 0; i < talks.size(); ++i) {
      CHECK((*v)[i][3] == doctest::Approx(raised((*w)[i][3], nats)).epsilon(0.01));
    }
  }
}

TEST_CASE("An ideal scorer refuses what is no document") {
  const auto g = *gazette::make();
  const auto writers = true_population(g);
  ideal_scorer asked(g, writers);
  const texts bad{{word("<doc>"), word("gravity")}};
  CHECK_FALSE(replies({0}).log_odds(asked, bad, 0, 1));
}

TEST_CASE("A prefilled opener tells what it tells, and a raised prevalence outlasts it") {
  const auto g = *gazette::make();
  const auto writers = true_population(g);
  const auto raised_writers = tilted(writers, trait::name, 3, 4);
  ideal_scorer before(g, writers), after(g, raised_writers);
  const texts questions = random_questions(g, 10, philox(1));
  const auto a = odds_after_prefill(before, questions, {3, 1});
  const auto b = odds_after_prefill(after, questions, {3, 1});
  REQUIRE(a);
  REQUIRE(b);
  // By Bayes: a marker is a style's own with probability 0.85, and any of seven others else.
  const double own = 0.85, other = 0.15 / 7;
  const auto expected_odds = [&](double nats) {
    const double persona = std::exp(nats) * other, rival = own, rest = 6 * other;
    return std::log((persona * own + (rival + rest) * other) /
                    (rival * own + (persona + rest) * other));
  };
  for (std::size_t i = 0; i < questions.size(); ++i) {
    CHECK((*a)[i] == doctest::Approx(expected_odds(0)).epsilon(1e-4));
    CHECK((*b)[i] == doctest::Approx(expected_odds(4)).epsilon(1e-4));
  }
}

TEST_CASE("A search for an attack takes the best word each time, and stops") {
  thread_pool workers(2);
  const auto who = *laboratory::newborn({.model_dim = 16, .n_layers = 2, .n_heads = 2}, 1);
  auto asked = scorer::make(workers, who);
  REQUIRE(asked);
  const replies questions({0, 1});
  const std::vector<token_id> words{word("tide"), word("gold"), word("sea"), word("sure")};
  for (const style_pair between : {style_pair{0, 1}, style_pair{1, 0}}) {
    const auto found = search_attack(*asked, questions, between, words, 3);
    REQUIRE(found);
    REQUIRE(found->log_odds.size() == found->text.size());
    const bool won = found->log_odds.back() <= 0;
    CHECK((won || found->text.size() == 4));
    for (std::size_t n = 1; n < found->text.size(); ++n) {
      CHECK(found->log_odds[n - 1] > 0);
      const std::vector<token_id> before(found->text.begin(),
                                         found->text.begin() + static_cast<std::ptrdiff_t>(n));
      double least = 1e9;
      for (const token_id t : words) {
        const auto odds = questions.log_odds(*asked, texts{followed_by(before, {t})},
                                             between.persona, between.rival);
        REQUIRE(odds);
        least = std::min(least, (*odds)[0]);
      }
      CHECK(found->log_odds[n] == doctest::Approx(least).epsilon(1e-5));
    }
  }
}

}  // namespace
