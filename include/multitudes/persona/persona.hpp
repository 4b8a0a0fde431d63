// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/persona/behavior_unit.hpp>
#include <multitudes/persona/direction.hpp>
#include <multitudes/persona/expression.hpp>
#include <multitudes/persona/fault.hpp>
#include <multitudes/persona/goal.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

namespace detail {

/// A set of goals that fits a space: labels once each, none idle, weights and embeddings finite.
inline expected<std::vector<weighted_goal>> tidy_goals(const std::vector<weighted_goal>& goals,
                                                       const activation_space& space) {
  std::vector<weighted_goal> set;
  for (const weighted_goal& g : goals) {
    const auto& embedding = g.goal.embedding;
    if (!embedding.empty() && embedding.size() != space.model_dim) {
      return fail({.code = errc::shape_mismatch,
                   .operation = "make a persona",
                   .place = "embedding of goal '" + g.goal.label + "'",
                   .found = std::to_string(embedding.size()) + " values",
                   .expected = std::to_string(space.model_dim) + " or none",
                   .remedy = {}});
    }
    bool finite = std::isfinite(g.weight);
    for (const float x : embedding) finite = finite && std::isfinite(x);
    if (!finite) {
      return fail({.code = errc::non_finite,
                   .operation = "make a persona",
                   .place = "goal '" + g.goal.label + "'",
                   .found = "NaN or infinity in its weight or embedding",
                   .expected = "finite numbers",
                   .remedy = {}});
    }
    add_goal(set, g.goal, g.weight);
  }
  drop_idle_goals(set);
  return set;
}

/// The weighted sum of units, in their order.
inline expected<direction> sum_units(const std::vector<weighted_unit>& units,
                                     const activation_space& space) {
  for (const weighted_unit& u : units) {
    if (!(u.unit.direction.space() == space)) {
      return fail_with(
          {.what = fault::kind::spaces_differ, .left = &space, .right = &u.unit.direction.space()});
    }
    if (!std::isfinite(u.weight)) {
      return fail_with({.what = fault::kind::weight_not_finite, .number = u.weight});
    }
  }
  return direction::written_by(space, [&](std::span<float> out) -> expected<void> {
    std::vector<term> terms(units.size());
    for (std::uint32_t l = 0; l < space.n_layers; ++l) {
      for (std::size_t i = 0; i < units.size(); ++i) {
        terms[i] = {units[i].weight, units[i].unit.direction.row(layer_index(l)).data()};
      }
      const std::size_t width = space.model_dim;
      const std::size_t bad = weighted_sum(terms, out.subspan(l * width, width));
      if (bad != all_finite) {
        return fail_with(
            {.what = fault::kind::result_not_finite, .first = std::size_t{l}, .last = bad});
      }
    }
    return {};
  });
}

}  // namespace detail

/// Who is speaking: a label, a direction for each layer, and goals. The direction was either
/// learned whole, or is the weighted sum of behavior units that are kept with it.
///
/// In expressions, lvalue personas are referred to and must outlive the expression; rvalues are
/// moved in. Moving leaves an empty persona behind, which expressions refuse. Copies: `clone()`.
template <activation_space_tag Space>
class basic_persona : public leaf<basic_persona<Space>> {
 public:
  using space_tag = Space;
  static constexpr bool owns_values = true;

  /// A persona from one direction; it has no units, because nobody has told them apart.
  ///
  /// Errors:  space_mismatch if the direction is not of the static space; shape_mismatch or
  ///          non_finite for a goal.
  [[nodiscard]] static expected<basic_persona> make(std::string label,
                                                    multitudes::direction learned,
                                                    const std::vector<weighted_goal>& goals = {}) {
    return assemble(std::move(label), std::move(learned), {}, goals);
  }

  /// A persona from units; its direction is their weighted sum.
  ///
  /// Errors:  invalid_argument without units; space_mismatch if they are not all of one space;
  ///          non_finite for a weight or the sum; as above for goals.
  [[nodiscard]] static expected<basic_persona> make(std::string label,
                                                    std::vector<weighted_unit> units,
                                                    const std::vector<weighted_goal>& goals = {}) {
    if (units.empty()) {
      return fail({.code = errc::invalid_argument,
                   .operation = "make a persona",
                   .place = "'" + label + "'",
                   .found = "no behavior units",
                   .expected = "at least one, to know the space",
                   .remedy = "use materialize(zero_persona, space) for a persona of nobody"});
    }
    auto sum = detail::sum_units(units, units.front().unit.direction.space());
    if (!sum) return forward_error(sum);
    return assemble(std::move(label), std::move(*sum), std::move(units), goals);
  }

  /// A copy, which costs an allocation for each direction in it.
  [[nodiscard]] basic_persona clone() const {
    basic_persona copy(label_, direction_.clone());
    for (const weighted_unit& u : units_) copy.units_.push_back({u.unit.clone(), u.weight});
    copy.goals_ = goals_;
    return copy;
  }

  [[nodiscard]] const std::string& label() const noexcept { return label_; }
  [[nodiscard]] const activation_space& space() const noexcept {
    if constexpr (static_space<Space>) {
      return Space::value;
    } else {
      return direction_.space();
    }
  }
  [[nodiscard]] const multitudes::direction& direction() const noexcept { return direction_; }
  /// All rows of the direction: (n_layers, model_dim).
  [[nodiscard]] std::span<const float> values() const noexcept { return direction_.values(); }
  [[nodiscard]] std::span<const weighted_unit> units() const noexcept { return units_; }
  [[nodiscard]] std::span<const weighted_goal> goals() const noexcept { return goals_; }

 private:
  basic_persona(std::string label, multitudes::direction d) noexcept
      : label_(std::move(label)), direction_(std::move(d)) {}

  static expected<basic_persona> assemble(std::string label, multitudes::direction d,
                                          std::vector<weighted_unit> units,
                                          const std::vector<weighted_goal>& goals) {
    if constexpr (static_space<Space>) {
      if (!(d.space() == Space::value)) {
        return detail::fail_with(
            {.what = fault::kind::spaces_differ, .left = &Space::value, .right = &d.space()});
      }
    }
    auto set = detail::tidy_goals(goals, d.space());
    if (!set) return forward_error(set);
    basic_persona made(std::move(label), std::move(d));
    made.units_ = std::move(units);
    made.goals_ = std::move(*set);
    return made;
  }

  std::string label_;
  multitudes::direction direction_;
  std::vector<weighted_unit> units_;
  std::vector<weighted_goal> goals_;
};

/// A persona whose space is known when the program runs.
using persona = basic_persona<dynamic_space>;

}  // namespace multitudes
