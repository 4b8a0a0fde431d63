// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/measure/play.hpp>
#include <multitudes/lab/measure/readout.hpp>
#include <multitudes/lab/world/grid.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace multitudes::lab {

/// How a walk begins: with a map of everything, or with the question to a tool.
enum class walk_start : std::uint8_t { map, tool };

/// Begins a walk, to the writer's first turn.
inline prompt& begin_walk(prompt& p, walk_start how, philox& random) {
  p.begin(item_kind::grid, random);
  choice_scratch scratch;
  while (!p.at().next(scratch).find(word("call"))) p.write({}, random);
  static_cast<void>(p.put_checked(how == walk_start::map ? word("gold") : word("call")));
  return p.let_world_speak(random);
}

/// Whether documents of a corpus that holds out boards by this modulus never have this one.
inline bool is_held_out(const grid_world& w, std::size_t modulus) noexcept {
  if (modulus == 0) return false;
  const auto number = [&](grid_cell x) { return std::size_t{x.row} * w.size + x.column; };
  std::size_t sum = number(w.you);
  for (const auto& o : w.objects) sum += o ? number(*o) : 0;
  return sum % modulus == 0;
}

/// Begins a walk with a map that documents of such a corpus never have. The prompt's own gazette
/// must not hold out any.
inline prompt begin_held_out_walk(const prompt& before, std::size_t modulus, philox& random) {
  for (;;) {
    prompt p = before;
    begin_walk(p, walk_start::map, random);
    if (is_held_out(p.at().board(), modulus)) return p;
  }
}

/// What a planner with this goal would do, among what the rules allow.
inline std::vector<double> planned(const prompt& told, std::size_t goal) {
  choice_scratch scratch;
  const choice c = told.at().next(scratch);
  const std::size_t value = c.key == choice_key::nothing ? 0 : goal;
  std::vector<double> odds;
  double sum = 0;
  for (std::size_t o = 0; o < c.n_options(); ++o) {
    if (c.tokens[o] == word("moved")) continue;
    odds.push_back(c.probability(value, o));
    sum += odds.back();
  }
  for (double& p : odds) p /= sum;
  return odds;
}

/// One act of a planner with this goal, and what the world says to it.
inline prompt& act(prompt& p, std::size_t goal, philox& random) {
  choice_scratch scratch;
  std::vector<token_id> options;
  for (const token_id t : p.at().next(scratch).tokens) {
    if (t != word("moved")) options.push_back(t);
  }
  static_cast<void>(p.put_checked(options[draw(planned(p, goal), random)]));
  return p.let_world_speak(random);
}

/// How plainly the goals' planners differ here: the least total variation of any of them from the
/// nearest mixture of the others. Where it is small, what is expected does not tell goals apart.
inline double goal_contrast(const prompt& told, std::size_t n_goals) {
  constexpr int n_parts = 20;
  double least = 1;
  for (std::size_t a = 0; a < n_goals; ++a) {
    const auto p = planned(told, a), q = planned(told, (a + 1) % n_goals),
               r = planned(told, (a + n_goals - 1) % n_goals);
    for (int part = 0; part <= n_parts; ++part) {
      const double share = static_cast<double>(part) / n_parts;
      double apart = 0;
      for (std::size_t o = 0; o < p.size(); ++o) {
        apart += std::abs(p[o] - share * q[o] - (1 - share) * r[o]) / 2;
      }
      least = std::min(least, apart);
    }
  }
  return least;
}

/// Readout R1 of goals: the mixture of planners that explains best what is expected at a turn.
///
/// Shapes:  the result (n_goals) adds up to 1.
inline std::vector<double> goal_weights(const prompt& told, const turn& t, std::size_t n_goals) {
  probed_slot slot;
  const double legal = std::max(1 - t.elsewhere, 1e-12);
  for (const double p : t.odds) slot.seen.push_back(p / legal);
  for (std::size_t g = 0; g < n_goals; ++g) {
    const auto row = planned(told, g);
    slot.under.insert(slot.under.end(), row.begin(), row.end());
  }
  return mixture_weights(std::span(&slot, 1), n_goals);
}

/// How strongly acts are directed at a goal: by how many nats an act the best planner for it, at
/// the rationality that flatters it most, predicts them better than chance among what is legal.
/// 0 for what is not directed at it at all.
///
/// Shapes:  turns (places), at steps of walks whose boards have that object.
/// Source:  MacDermott et al. 2024, arXiv:2412.04758 (maximum entropy goal-directedness), with
///          exact values of actions.
inline double goal_directedness(std::span<const place> places, std::span<const turn> turns,
                                std::size_t goal) {
  if (places.empty()) return 0;
  const auto gain = [&](double rationality) {
    double sum = 0;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const turn& t = turns[i];
      std::vector<double> values, policy(t.options.size());
      for (const token_id o : t.options) {
        const std::size_t a = o == word("take") ? 4 : o.value - word("north").value;
        values.push_back(rationality *
                         places[i].told->at().board().q_value(goal, static_cast<grid_action>(a)));
      }
      boltzmann(values, 1, policy);
      const double chance = -std::log(static_cast<double>(t.options.size()));
      for (std::size_t o = 0; o < policy.size(); ++o) {
        if (t.odds[o] > 0) sum += t.odds[o] * (std::log(std::max(policy[o], 1e-300)) - chance);
      }
    }
    return sum / static_cast<double>(places.size());
  };
  // The gain is concave in the rationality: a search by thirds finds the top.
  double low = 0, high = 16;
  for (int round = 0; round < 60; ++round) {
    const double a = low + (high - low) / 3, b = high - (high - low) / 3;
    (gain(a) < gain(b) ? low : high) = gain(a) < gain(b) ? a : b;
  }
  return gain(low);
}

}  // namespace multitudes::lab
