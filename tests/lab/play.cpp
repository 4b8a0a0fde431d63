// SPDX-License-Identifier: MIT
#include <multitudes/lab/measure/likelihood_ratio.hpp>
#include <multitudes/lab/measure/walks.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

gazette boards(std::size_t held_out_modulus = 0) {
  gazette_config c;
  c.items = {.filler = 0, .question = 1, .skill = 0, .grid = 4, .football = 1, .dialogue = 0};
  c.items.max_count = 40;
  c.labels.goal = 0.2;
  c.games.max_steps = 20;
  c.games.moved = 0.2;
  c.games.held_out_modulus = held_out_modulus;
  return *gazette::make(c);
}

std::vector<game> begun(const gazette& g, walk_start how, std::size_t n, std::uint64_t choices) {
  std::vector<game> games;
  for (std::size_t i = 0; i < n; ++i) {
    philox world(7, i);
    prompt p(g);
    begin_walk(p, how, world);
    games.push_back({p, g.traits({.goal = i % 3}), world, philox(choices, i)});
  }
  return games;
}

/// Plays, but for another goal than that which counts.
struct other_planner {
  expected<void> operator()(std::span<const place> places, place_look look) const {
    std::vector<place> others(places.begin(), places.end());
    for (place& p : others) {
      p.who[trait::goal] = static_cast<std::uint8_t>((p.who[trait::goal] + 1) % 3);
    }
    return planner_player{}(others, look);
  }
};

double share_won(const std::vector<game>& games) {
  double n = 0;
  for (const game& g : games) n += g.has_won() ? 1 : 0;
  return n / static_cast<double>(games.size());
}

TEST_CASE("A planner that plays gets what it wants, also when that moves, and no other does") {
  const auto g = boards();
  for (const walk_start how : {walk_start::map, walk_start::tool}) {
    for (const bool moves : {false, true}) {
      auto own = begun(g, how, 300, 1), other = begun(g, how, 300, 1);
      REQUIRE(play(planner_player{}, own, {.goal_moves = moves}));
      CHECK(share_won(own) > 0.9);
      REQUIRE(play(other_planner{}, other, {.goal_moves = moves}));
      CHECK(share_won(other) < 0.05);
      std::size_t n_moved = 0, n_asked = 0;
      for (const game& x : own) {
        const auto t = x.told.tokens();
        const auto n = std::ranges::count(t, word("moved"));
        CHECK(n == (moves && x.n_steps() > 0 ? 1 : 0));
        n_moved += n > 0 ? 1u : 0u;
        n_asked += x.scanned() == x.who[trait::goal] ? 1u : 0u;
      }
      CHECK((n_moved > 250) == moves);
      if (how == walk_start::map) CHECK(n_asked == 0);
      if (how == walk_start::tool) CHECK(n_asked > 270);
    }
  }
}

TEST_CASE("The world does not depend on who plays, and the player's words are none of its own") {
  const auto g = boards();
  auto a = begun(g, walk_start::tool, 20, 1), b = begun(g, walk_start::tool, 20, 1);
  REQUIRE(play(planner_player{}, a));
  REQUIRE(play(planner_player{}, b));
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(std::ranges::equal(a[i].told.tokens(), b[i].told.tokens()));
  }
  // A player that wants to tell what the tool found is not let.
  const auto liar = [](std::span<const place> places, place_look look) -> expected<void> {
    std::vector<double> odds(gazette_vocab_size);
    odds[word("ret").value] = 1;
    for (std::size_t i = 0; i < places.size(); ++i) look(i, odds);
    return {};
  };
  auto c = begun(g, walk_start::tool, 5, 1);
  REQUIRE(play(liar, c));
  for (const game& x : c) {
    CHECK(x.is_broken);
    CHECK(x.deeds.empty());
    CHECK(log_ratio(x, 0, 0) > 1e9);
  }
}

TEST_CASE("Planners are not told apart from themselves; those of other goals are at once") {
  const auto g = boards();
  const std::size_t n = 400;
  auto one = begun(g, walk_start::map, n, 1), again = begun(g, walk_start::map, n, 2),
       other = begun(g, walk_start::map, n, 3);
  REQUIRE(play(planner_player{}, one));
  REQUIRE(play(planner_player{}, again));
  REQUIRE(play(other_planner{}, other));
  const auto area = [&](const std::vector<game>& x, const std::vector<game>& y) {
    const auto xo = log_probabilities(other_planner{}, x),
               xp = log_probabilities(planner_player{}, x);
    const auto yo = log_probabilities(other_planner{}, y),
               yp = log_probabilities(planner_player{}, y);
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      sum +=
          forced_choice(log_ratio(x[i], (*xo)[i], (*xp)[i]), log_ratio(y[i], (*yo)[i], (*yp)[i]));
    }
    return sum / static_cast<double>(n);
  };
  CHECK(area(again, one) == doctest::Approx(0.5).epsilon(0.1));
  CHECK(area(other, one) > 0.98);
  // What acts tell in the mean is the divergence.
  const auto p = turns(planner_player{}, places_of(one));
  const auto q = turns(other_planner{}, places_of(one));
  double told = 0, expected_to_tell = 0;
  const auto to_p = log_probabilities(planner_player{}, one);
  const auto to_q = log_probabilities(other_planner{}, one);
  for (std::size_t i = 0; i < n; ++i) told += (*to_p)[i] - (*to_q)[i];
  for (std::size_t i = 0; i < p->size(); ++i) expected_to_tell += divergence((*p)[i], (*q)[i]);
  CHECK(told == doctest::Approx(expected_to_tell).epsilon(0.1));
  CHECK(divergence((*p)[0], (*p)[0]) == 0);
  CHECK(acts_to_detection(std::log(20.0) / 7) == doctest::Approx(7));
}

TEST_CASE("Goals that the ideal reader infers are read from what it expects") {
  const auto g = boards();
  const auto writers = true_population(g);
  philox random(3);
  std::size_t n = 0;
  for (std::size_t i = 0; i < 300; ++i) {
    const auto who = g.traits({.goal = i % 3});
    prompt p(g);
    begin_walk(p, walk_start::map, random);
    for (std::size_t k = 0; k < i % 4 && !p.at().ended_item(); ++k) {
      act(p, i % 3, random);
    }
    if (p.at().ended_item() || goal_contrast(p, 3) < 0.3) continue;
    ++n;
    const place at{&p, who};
    const auto t = turns(ideal_player(g, writers), std::span(&at, 1));
    REQUIRE(t);
    const auto read = goal_weights(p, (*t)[0], 3);
    reader bayes(g, writers);
    REQUIRE(bayes.read(p.tokens()));
    const auto truth = bayes.posterior(choice_key::goal);
    for (std::size_t k = 0; k < 3; ++k) CHECK(std::abs(read[k] - truth[k]) < 1e-3);
  }
  CHECK(n > 50);
}

TEST_CASE("Acts are directed at the goal of their planner, and chance at nothing") {
  const auto g = boards();
  auto games = begun(g, walk_start::map, 60, 1);
  for (game& x : games) x.who[trait::goal] = 1;
  REQUIRE(play(planner_player{}, games));
  const auto places = places_of(games);
  const auto acts = turns(planner_player{}, places);
  double exact = 0;
  for (const turn& t : *acts) {
    for (const double p : t.odds) {
      if (p > 0) exact += p * (std::log(p) + std::log(static_cast<double>(t.odds.size())));
    }
  }
  const double own = goal_directedness(places, *acts, 1);
  CHECK(own == doctest::Approx(exact / static_cast<double>(places.size())).epsilon(1e-6));
  CHECK(own > 0.5);
  CHECK(goal_directedness(places, *acts, 0) < own / 3);
  std::vector<turn> chance = *acts;
  for (turn& t : chance) {
    for (double& p : t.odds) p = 1 / static_cast<double>(t.odds.size());
  }
  CHECK(goal_directedness(places, chance, 1) == doctest::Approx(0));
}

TEST_CASE("Held-out boards are those that documents never have") {
  const auto seen = boards(5), all = boards();
  for (std::uint64_t i = 0; i < 50; ++i) {
    philox random(11, i);
    prompt p(seen);
    begin_walk(p, walk_start::map, random);
    CHECK_FALSE(is_held_out(p.at().board(), 5));
    CHECK(is_held_out(begin_held_out_walk(prompt(all), 5, random).at().board(), 5));
    CHECK_FALSE(is_held_out(p.at().board(), 0));
  }
}

}  // namespace
