// SPDX-License-Identifier: MIT
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/replies.hpp>
#include <multitudes/lab/measure/tilt.hpp>

#include <doctest/doctest.h>

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

}  // namespace
