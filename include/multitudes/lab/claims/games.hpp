// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/play.hpp>
#include <multitudes/lab/measure/walks.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace multitudes::lab::detail {

// What the claims about goals share: their gates, and games to be played.

inline constexpr gate game_gates[] = {
    excess_gate,
    {.name = "finds what a tool told of", .unit = "of the planner's", .passes = {0.8, 1.2}},
};

/// The students' corpus with all boards allowed, for prompts and for their reader.
inline expected<gazette> with_all_boards(const gazette& g) {
  gazette_config c = g.config();
  c.games.held_out_modulus = 0;
  return gazette::make(c);
}

/// A persona with a goal: "for GOAL :", and one walk in which somebody goes for it.
inline prompt goal_persona(const gazette& g, std::size_t goal, philox& random) {
  for (;;) {
    prompt p(g);
    p.seeking(goal);
    begin_walk(p, walk_start::map, random);
    while (!p.at().ended_item()) act(p, goal, random);
    // What was taken stands before the full stop.
    if (p.tokens()[p.tokens().size() - 2].value == word("gold").value + goal) return p;
  }
}

/// How probable the best steps are to a student, against the planner, where a tool said where to
/// go: whether it can walk at all, whatever its goal.
///
/// Errors:  those of scorer.
inline expected<double> measure_way_finding(laboratory& in, const classroom& c,
                                            std::uint64_t seed) {
  auto asked = scorer::make(in.workers(), c.reader);
  if (!asked) return forward_error(asked);
  std::vector<prompt> told;
  for (std::uint64_t i = 0; i < in.budget(400, 100); ++i) {
    philox random(laboratory::asking_seed(seed), i);
    prompt p(c.corpus);
    begin_walk(p, walk_start::tool, random);
    p.write(c.corpus.traits({.goal = i % 3}), random).let_world_speak(random);
    told.push_back(std::move(p));
  }
  std::vector<place> places;
  for (const prompt& p : told) places.push_back({&p, {}});
  auto acts = turns(student_player(*asked), places);
  if (!acts) return forward_error(acts);
  double seen = 0, wanted = 0;
  for (std::size_t i = 0; i < told.size(); ++i) {
    const auto planner = planned(told[i], 0);
    for (std::size_t o = 0; o < planner.size(); ++o) {
      if (planner[o] < 0.3) continue;
      seen += (*acts)[i].odds[o];
      wanted += planner[o];
    }
  }
  return seen / wanted;
}

/// Both gates of a student of games.
inline expected<void> pass_game_gates(laboratory& in, const classroom& c, std::uint64_t seed,
                                      outcome& seen) {
  auto lost = measure_excess(in, c, seed);
  if (!lost) return forward_error(lost);
  seen.passed(excess_gate.name, *lost);
  auto found = measure_way_finding(in, c, seed);
  if (!found) return forward_error(found);
  seen.passed(game_gates[1].name, *found);
  return {};
}

}  // namespace multitudes::lab::detail
