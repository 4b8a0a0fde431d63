// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/extract/goal_inference.hpp>
#include <multitudes/npc/stage.hpp>
#include <multitudes/persona/reading_axis.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::npc {

namespace detail {

/// The state of a mind that is read at `layer` with so many values.
inline expected<std::span<const float>> state_at(const stage& s, mind m, layer_index layer,
                                                 std::size_t width, const char* operation) {
  const std::string place = "mind " + std::to_string(m.index);
  const auto watched = s.options().watched;
  if (s.doing(m) == activity::gone) return bad(operation, place, "nobody", "one that entered");
  if (!watched || *watched != layer) {
    return bad(operation, place,
               watched ? "a stage that watches layer " + std::to_string(watched->value)
                       : "a stage that watches no layer",
               "layer " + std::to_string(layer.value));
  }
  const auto state = s.recent_state(m);
  if (state.empty()) {
    return fail({.code = errc::not_found,
                 .operation = operation,
                 .place = place,
                 .found = "no words of its own",
                 .expected = "a few",
                 .remedy = "let it speak first"});
  }
  if (state.size() != width) {
    return fail({.code = errc::shape_mismatch,
                 .operation = operation,
                 .place = place,
                 .found = std::to_string(width) + " values",
                 .expected = std::to_string(state.size()),
                 .remedy = {}});
  }
  return state;
}

}  // namespace detail

/// What a mind's recent words read along an axis: +1 as in the texts on its positive side.
///
/// Errors:  space_mismatch; invalid_argument if nobody is there, or the stage watches another
///          layer; not_found before it has said anything.
inline expected<double> reading(const stage& s, mind m, const reading_axis& along) {
  if (along.space != s.lm().space()) {
    return fail({.code = errc::space_mismatch,
                 .operation = "read mind",
                 .place = "axis " + along.label,
                 .found = to_string(along.space),
                 .expected = to_string(s.lm().space()),
                 .remedy = "learn the axis on this model"});
  }
  auto state = detail::state_at(s, m, along.layer, along.unit.size(), "read mind");
  if (!state) return forward_error(state);
  return along.read(*state);
}

/// Which goal a mind seems to act on.
struct goal_guess {
  std::size_t goal = 0;  ///< the likeliest, of `goals()`
  double probability = 0;
  std::vector<double> all{};  ///< (goals), adding up to 1
};

/// The goal that a mind's recent words and actions are nearest to. Probabilities mean what the
/// inference was calibrated for, at best on episodes of such minds.
///
/// Errors:  invalid_argument if nobody is there, or the stage watches another layer than the goals
///          were learned at; shape_mismatch; not_found before it has said or done anything.
inline expected<goal_guess> inferred_goal(const stage& s, mind m, const goal_inference& goals) {
  const std::size_t width = goals.goals()[0].embedding.size();
  auto state = detail::state_at(s, m, goals.layer(), width, "infer goal");
  if (!state) return forward_error(state);
  goal_guess guess{.all = goals.infer(*state)};
  const auto best = std::max_element(guess.all.begin(), guess.all.end());
  guess.goal = static_cast<std::size_t>(best - guess.all.begin());
  guess.probability = *best;
  return guess;
}

}  // namespace multitudes::npc
