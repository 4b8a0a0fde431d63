// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/persona/persona.hpp>

#include <utility>
#include <vector>

namespace multitudes {

namespace detail {

inline expected<direction> rebase_direction(const direction& d, const activation_space& to) {
  if (d.space().n_layers != to.n_layers || d.space().model_dim != to.model_dim) {
    return fail({.code = errc::shape_mismatch,
                 .operation = "rebase",
                 .place = {},
                 .found = to_string(d.space()),
                 .expected = "the shape of " + to_string(to),
                 .remedy = "learn the persona again in that space"});
  }
  return direction::make(to, d.values());
}

template <activation_space_tag To, activation_space_tag From>
expected<basic_persona<To>> rebase_persona(const basic_persona<From>& p,
                                           const activation_space& to) {
  const std::vector<weighted_goal> goals(p.goals().begin(), p.goals().end());
  if (p.units().empty()) {
    auto moved = rebase_direction(p.direction(), to);
    if (!moved) return forward_error(moved);
    return basic_persona<To>::make(p.label(), std::move(*moved), goals);
  }
  std::vector<weighted_unit> units;
  for (const weighted_unit& u : p.units()) {
    auto moved = rebase_direction(u.unit.direction, to);
    if (!moved) return forward_error(moved);
    units.push_back({{u.unit.label, std::move(*moved)}, u.weight});
  }
  return basic_persona<To>::make(p.label(), std::move(units), goals);
}

}  // namespace detail

/// Declares that a persona's values mean the same in another space of the same shape, e.g. in a
/// fine-tuned copy of the model that it was learned from. Nothing checks the claim.
///
/// Errors:  shape_mismatch if layers or width differ; out_of_memory.
/// Cost:    a copy.
template <activation_space_tag From>
[[nodiscard]] expected<persona> rebase(const basic_persona<From>& p, const activation_space& to) {
  return detail::rebase_persona<dynamic_space>(p, to);
}
/// The same, into a space known at compile time: `rebase<story_space>(p)`.
template <static_space To, activation_space_tag From>
[[nodiscard]] expected<basic_persona<To>> rebase(const basic_persona<From>& p) {
  return detail::rebase_persona<To>(p, To::value);
}

}  // namespace multitudes
