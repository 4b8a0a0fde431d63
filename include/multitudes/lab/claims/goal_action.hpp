// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/games.hpp>
#include <multitudes/lab/judging/claim.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::goal_action {

inline constexpr figure figures[] = {
    {.name = "success after the goal moved",
     .how = statistic::ratio,
     .unit = "of the planner's",
     .shows = "how often the model gets what its persona seeks, though the program moves that away "
              "after the first step, against how often the exact planner does on the same boards",
     .holds = stats::interval{0.7, 1.3}},
    {.name = "success",
     .how = statistic::ratio,
     .unit = "of the planner's",
     .shows = "the same when nothing moves",
     .holds = stats::interval{0.7, 1.3}},
    {.name = "tool called for the goal",
     .how = statistic::ratio,
     .unit = "of the planner's",
     .shows = "how often the object that the model calls the tool for is what its persona seeks",
     .holds = stats::interval{0.7, 1.3}},
    {.name = "success of a persona known by name",
     .how = statistic::ratio,
     .unit = "of the ideal reader's",
     .shows = "success at the goal that goes with a persona of whom only the name is told, against "
              "an ideal reader who plays what it expects of that name",
     .holds = stats::interval{0.7, 1.3}},
    {.name = "success with another's goal",
     .how = statistic::mean,
     .unit = "of the boards",
     .shows = "control: how often the same model gets the same object when its persona seeks "
              "another one",
     .holds = stats::interval{0, 0.1}},
    {.name = "tool called with another's goal",
     .how = statistic::mean,
     .unit = "of the calls",
     .shows = "control: how often the tool is called for the object then; the planner's slips are "
              "0.02",
     .holds = stats::interval{0, 0.1}},
    {.name = "steps needed after the goal moved",
     .how = statistic::ratio,
     .unit = "of the planner's",
     .shows = "length of the walks that succeed, on boards where both do"},
    {.name = "directed at its own goal",
     .unit = "nats per act",
     .shows = "by how much the best planner for the persona's goal predicts the model's acts "
              "better than chance (maximum entropy goal-directedness)"},
    {.name = "directed at others' goals",
     .unit = "nats per act",
     .shows = "control: the same for the goals that the persona does not have"},
    {.name = "rules broken",
     .unit = "of the games",
     .shows = "games in which the model said what nobody may say there"},
};
inline constexpr picture pictures[] = {
    {.name = "distance",
     .title = "Success by how far away the goal lies, after it moved",
     .x_label = "steps to the goal at the beginning",
     .y_label = "share of games won"},
    {.name = "conditions",
     .title = "Success with a map and with a tool, goal at rest and moved",
     .x_label = "0 map, 1 map and moved, 2 tool, 3 tool and moved",
     .y_label = "share of games won"},
};

struct condition {
  walk_start start = walk_start::map;
  bool moves = false;
};
inline constexpr condition conditions[] = {{walk_start::map, false},
                                           {walk_start::map, true},
                                           {walk_start::tool, false},
                                           {walk_start::tool, true}};

/// Games on new boards for goals in turn. The persona seeks the goal, or the one after it; boards
/// and what the world does are the same in both cases.
inline std::vector<game> deal(const gazette& g, condition how, std::uint64_t n, std::uint64_t seed,
                              bool of_another) {
  std::vector<game> games;
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::size_t goal = i % 3;
    philox life(seed, 4 * i), world(seed, 4 * i + 1);
    prompt p = goal_persona(g, of_another ? (goal + 1) % 3 : goal, life);
    begin_walk(p, how.start, world);
    games.push_back({std::move(p), g.traits({.goal = goal}), world,
                     philox(seed, 4 * i + (of_another ? 3 : 2))});
  }
  return games;
}

inline double distance_of(const game& g) {
  const grid_world& w = g.deeds.front().before.at().board();
  return distance(w.you, *w.objects[g.who[trait::goal]]);
}

inline void draw_distances(std::span<const game> games, std::string_view label, outcome& seen) {
  constexpr std::size_t farthest = 6;
  std::array<double, farthest + 1> won{}, count{};
  for (const game& g : games) {
    if (g.deeds.empty()) continue;
    const auto d = std::min(static_cast<std::size_t>(distance_of(g)), farthest);
    won[d] += g.has_won() ? 1 : 0;
    count[d] += 1;
  }
  for (std::size_t d = 1; d <= farthest; ++d) {
    if (count[d] >= 5) {
      seen.drew(pictures[0].name, label, static_cast<double>(d), won[d] / count[d]);
    }
  }
}

inline expected<void> see_direction(player model, std::span<const game> games, outcome& seen) {
  for (std::size_t own = 0; own < 3; ++own) {
    std::vector<place> places;
    for (const game& g : games) {
      if (g.who[trait::goal] != own) continue;
      for (const deed& d : g.deeds) places.push_back({&d.before, g.who});
    }
    auto acts = turns(model, places);
    if (!acts) return forward_error(acts);
    for (std::size_t goal = 0; goal < 3; ++goal) {
      seen.saw(figures[goal == own ? 7 : 8].name, goal_directedness(places, *acts, goal));
    }
  }
  return {};
}

inline expected<void> play_condition(laboratory& in, player model, const classroom& c,
                                     std::size_t k, std::uint64_t seed, outcome& seen) {
  const condition how = conditions[k];
  const std::uint64_t n = in.budget(240, 60), asking = laboratory::asking_seed(seed) + 100 * k;
  const play_rules rules{.goal_moves = how.moves};
  auto by_model = deal(c.corpus, how, n, asking, false);
  auto by_planner = by_model;
  auto by_other = deal(c.corpus, how, n, asking, true);
  expected<void> ok = play(model, by_model, rules);
  if (ok) ok = play(planner_player{}, by_planner, rules);
  if (ok) ok = play(model, by_other, rules);
  if (!ok) return ok;
  double won[3] = {};
  for (std::size_t i = 0; i < n; ++i) {
    const game& a = by_model[i];
    const game& b = by_planner[i];
    const double by_a = a.has_won() ? 1 : 0, by_b = b.has_won() ? 1 : 0,
                 other = by_other[i].has_won() ? 1 : 0;
    seen.saw(figures[how.moves ? 0 : 1].name, by_b, by_a);
    seen.saw(figures[4].name, other);
    seen.saw(figures[9].name, a.is_broken ? 1 : 0);
    if (how.start == walk_start::tool) {
      const std::size_t goal = a.who[trait::goal];
      seen.saw(figures[2].name, b.scanned() == goal ? 1 : 0, a.scanned() == goal ? 1 : 0);
      seen.saw(figures[5].name, by_other[i].scanned() == goal ? 1 : 0);
    }
    if (how.moves && a.has_won() && b.has_won()) {
      seen.saw(figures[6].name, static_cast<double>(b.n_steps()), static_cast<double>(a.n_steps()));
    }
    won[0] += by_a / static_cast<double>(n);
    won[1] += by_b / static_cast<double>(n);
    won[2] += other / static_cast<double>(n);
  }
  constexpr std::string_view labels[] = {"model", "exact planner",
                                         "model, persona of another goal"};
  for (std::size_t l = 0; l < 3; ++l) {
    seen.drew(pictures[1].name, labels[l], static_cast<double>(k), won[l]);
  }
  if (how.start == walk_start::map && how.moves) {
    draw_distances(by_model, labels[0], seen);
    draw_distances(by_planner, labels[1], seen);
    draw_distances(by_other, labels[2], seen);
  }
  if (how.start == walk_start::map && !how.moves) return see_direction(model, by_model, seen);
  return {};
}

/// Of the persona nothing is told but its name.
inline expected<void> play_by_name(laboratory& in, player model, const classroom& c,
                                   std::uint64_t seed, outcome& seen) {
  std::vector<game> by_model;
  for (std::uint64_t i = 0; i < in.budget(300, 60); ++i) {
    philox world(laboratory::asking_seed(seed), 1'000'000 + 2 * i);
    const std::size_t style = i % c.corpus.config().personas.n_styles;
    prompt p(c.corpus);
    begin_walk(p.label(style), i % 4 < 2 ? walk_start::map : walk_start::tool, world);
    by_model.push_back({std::move(p), c.corpus.traits({.style = style, .goal = style % 3}), world,
                        philox(laboratory::asking_seed(seed), 1'000'001 + 2 * i)});
  }
  auto by_ideal = by_model;
  expected<void> ok = play(model, by_model);
  if (ok) ok = play(ideal_player(c.corpus, c.writers), by_ideal);
  if (!ok) return ok;
  for (std::size_t i = 0; i < by_model.size(); ++i) {
    seen.saw(figures[3].name, by_ideal[i].has_won() ? 1 : 0, by_model[i].has_won() ? 1 : 0);
  }
  return {};
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  auto c = teach(in, games_reading(in, games_corpus(seed), seed));
  if (!c) return forward_error(c);
  if (auto ok = pass_game_gates(in, *c, seed, seen); !ok) return forward_error(ok);
  auto asked = scorer::make(in.workers(), c->reader);
  if (!asked) return forward_error(asked);
  const student_player model(*asked);
  expected<void> ok;
  for (std::size_t k = 0; k < std::size(conditions) && ok; ++k) {
    ok = play_condition(in, model, *c, k, seed, seen);
  }
  if (ok) ok = play_by_name(in, model, *c, seed, seen);
  if (!ok) return forward_error(ok);
  return seen;
}

}  // namespace detail::goal_action

/// Claim 22: a model acts as if it had the goals of its persona.
inline constexpr claim goal_action_claim{
    .number = 22,
    .name = "Acting as if it had goals",
    .essay = "Personas and Goals in Language Models",
    .quotation = "an LM acts as if it has the goals of the current persona. Acts include tool use.",
    .hypothesis =
        "A model that is left to act for a persona gets what that persona seeks about as often as "
        "an agent that plans for it, calls tools for the right thing, and changes its way when the "
        "thing is moved.",
    .method =
        "The model is told 'for GOAL :' and one walk of somebody who went for it. Then it plays: "
        "each of its words is an act, and everything else - boards, what a tool answers, where "
        "things move - is put in by a program. In half of the games the goal moves after the first "
        "step. The exact planner plays on the same boards.",
    .control = "The same boards, played by the same model for a persona that seeks something else.",
    .refuted_by = "success below 0.7 of the planner's after the goal has moved",
    .reach =
        "One family of small models and walks of up to ten steps. Acting as if it had a goal is "
        "all that is measured; whether it has one is not.",
    .first_seed = 21,
    .figures = detail::goal_action::figures,
    .gates = detail::game_gates,
    .pictures = detail::goal_action::pictures,
    .run = detail::goal_action::run};

}  // namespace multitudes::lab
