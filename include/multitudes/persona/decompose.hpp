// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/nnls.hpp>
#include <multitudes/persona/behavior_unit.hpp>
#include <multitudes/persona/materialize.hpp>
#include <multitudes/persona/persona.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace multitudes {

/// What a direction is made of, as far as the named units can say.
struct decomposition {
  /// The sum that was found, with the units that have a weight; nobody if none has.
  persona of_units;
  /// One for each unit given, in that order: (n_units).
  std::vector<double> weights;
  /// The share of the squared norm, over all layers, that the units account for: 0 to 1.
  double explained = 0;
  /// The same in each layer (n_layers). It is negative where weights that suit the other layers
  /// lead away, and 0 where the direction is zero.
  std::vector<double> explained_by_layer;
  /// What no unit accounts for.
  direction remainder;
};

namespace detail {

inline double squared_norm(const direction& d, layer_index layer) noexcept {
  const double norm = d.norm(layer);
  return norm * norm;
}

}  // namespace detail

/// Finds weights >= 0, one for each unit and the same in all layers, with which the units come
/// nearest to a direction, over all layers at once. Layers count by their squared norm: normalise
/// first where they should count alike. Units may be correlated; of two equal ones the first takes
/// the weight of both.
///
/// Laws:    of_units + remainder is e, to 1 ulp of the larger of the two; a sum of independent
///          units with weights >= 0 gives these weights back, to the units' rounding times their
///          condition; the remainder is orthogonal, over all layers, to each unit that has weight.
/// Errors:  invalid_argument without units; space_mismatch; zero_direction if there is nothing to
///          decompose; as `materialize` for e and `linalg::nnls` for the units.
/// Cost:    a copy of all units in double, and `linalg::nnls` on (n_units, n_layers * model_dim).
/// Source:  Lawson and Hanson 1974, "Solving least squares problems", chapter 23.
template <persona_expression E>
  requires has_space<E>
[[nodiscard]] expected<decomposition> decompose(const E& e, std::span<const behavior_unit> units) {
  constexpr const char* operation = "decompose";
  auto whole = materialize(e);
  if (!whole) return forward_error(whole);
  const direction& target = whole->direction();
  const activation_space& space = target.space();
  if (units.empty()) {
    return fail({.code = errc::invalid_argument,
                 .operation = operation,
                 .place = "'" + whole->label() + "'",
                 .found = "no behavior units",
                 .expected = "at least one",
                 .remedy = {}});
  }
  for (const behavior_unit& u : units) {
    if (u.direction.space() == space) continue;
    return detail::fail_with(
        {.what = fault::kind::spaces_differ, .left = &space, .right = &u.direction.space()});
  }
  if (target.is_zero()) {
    return fail({.code = errc::zero_direction,
                 .operation = operation,
                 .place = "'" + whole->label() + "'",
                 .found = "zeros in all layers",
                 .expected = "a vector with a length in at least one layer",
                 .remedy = {}});
  }
  const std::size_t size = target.values().size();
  std::vector<double> parts(units.size() * size);
  for (std::size_t i = 0; i < units.size(); ++i) {
    std::ranges::copy(units[i].direction.values(),
                      parts.begin() + static_cast<std::ptrdiff_t>(i * size));
  }
  const std::vector<double> values(target.values().begin(), target.values().end());
  auto weights = linalg::nnls({parts.data(), units.size(), size}, values);
  if (!weights) return forward_error(weights);

  std::vector<weighted_unit> used;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if ((*weights)[i] > 0) used.push_back({units[i].clone(), (*weights)[i]});
  }
  auto remainder = direction::written_by(space, [&](std::span<float> out) -> expected<void> {
    std::vector<term> terms(used.size() + 1);
    for (std::uint32_t l = 0; l < space.n_layers; ++l) {
      const layer_index layer(l);
      terms[0] = {1.0, target.row(layer).data()};
      for (std::size_t i = 0; i < used.size(); ++i) {
        terms[i + 1] = {-used[i].weight, used[i].unit.direction.row(layer).data()};
      }
      const std::size_t width = space.model_dim;
      const std::size_t bad = weighted_sum(terms, out.subspan(l * width, width));
      if (bad == all_finite) continue;
      return detail::fail_with(
          {.what = fault::kind::result_not_finite, .first = std::size_t{l}, .last = bad});
    }
    return {};
  });
  if (!remainder) return forward_error(remainder);

  auto of_units = used.empty() ? materialize(zero_persona, space)
                               : persona::make(whole->label(), std::move(used), goals_of(e));
  if (!of_units) return forward_error(of_units);
  decomposition made{std::move(*of_units), std::move(*weights), 0, {}, std::move(*remainder)};
  double total = 0, left = 0;
  for (std::uint32_t l = 0; l < space.n_layers; ++l) {
    const double of_layer = detail::squared_norm(target, layer_index(l));
    const double left_there = detail::squared_norm(made.remainder, layer_index(l));
    made.explained_by_layer.push_back(of_layer == 0 ? 0 : 1 - left_there / of_layer);
    total += of_layer;
    left += left_there;
  }
  made.explained = std::clamp(1 - left / total, 0.0, 1.0);
  return made;
}

}  // namespace multitudes
