// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/steering/plan.hpp>

#include <limits>

namespace multitudes::steering {

/// A half-open range of positions.
struct position_span {
  position first{0};
  position last{std::numeric_limits<std::uint32_t>::max()};

  [[nodiscard]] constexpr bool contains(position p) const noexcept {
    return first <= p && p < last;
  }
};

/// A plan on a sequence: in force for the positions of a span, neutral elsewhere.
struct attachment {
  plan what;
  position_span where;

  /// The plan under which `p` is computed, or nullptr for none.
  [[nodiscard]] const plan* at(position p) const noexcept {
    return where.contains(p) && !what.is_neutral() ? &what : nullptr;
  }
  [[nodiscard]] fingerprint id_at(position p) const noexcept {
    const plan* active = at(p);
    return active != nullptr ? active->id() : fingerprint{};
  }
};

}  // namespace multitudes::steering
