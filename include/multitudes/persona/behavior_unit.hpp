// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/persona/direction.hpp>
#include <multitudes/persona/direction_view.hpp>

#include <string>

namespace multitudes {

/// One thing that a speaker does: a style, a skill, a trait. A persona is a coherent set of them.
struct behavior_unit {
  std::string label;
  multitudes::direction direction;

  /// A copy, which costs an allocation of the direction's size.
  [[nodiscard]] behavior_unit clone() const { return {label, direction.clone()}; }
  /// The unit as a leaf of expressions, for as long as it lives.
  [[nodiscard]] direction_view<> view() const& noexcept { return view_of(direction, label); }
  direction_view<> view() && = delete;
};

/// How much of a unit a persona has.
struct weighted_unit {
  behavior_unit unit;
  double weight = 1.0;
};

}  // namespace multitudes
