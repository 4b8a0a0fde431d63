// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/npc/detail/refusal.hpp>
#include <multitudes/persona/reading_axis.hpp>
#include <multitudes/steering/envelope.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>

namespace multitudes::npc {

/// A way of keeping minds in character that a stage knows, for many in common.
struct keeper {
  std::uint32_t index = std::numeric_limits<std::uint32_t>::max();  ///< none

  friend constexpr bool operator==(keeper, keeper) = default;
};

/// Keeps what a mind's recent words read along an axis inside a band: where it is left, a dial of
/// the mind's plan is turned at every word, and events tell.
///
/// The mind's plan should have that dial on what moves the reading:
/// `over_time(dial(0), add(persona, ...))`. It is an integral controller: while the reading is
/// inside the band, the dial stays.
struct keeping {
  reading_axis axis = {};  ///< at the layer that the stage watches
  double low = 0;          ///< of the band, in readings
  double high = std::numeric_limits<double>::infinity();
  std::size_t dial = 0;
  /// How far a word turns the dial for each unit of reading that is missing.
  double gain = 0.1;
  /// Words before the reading is believed.
  std::size_t patience = 8;

  /// Equal for those that do the same.
  [[nodiscard]] fingerprint id() const noexcept {
    fingerprint_builder all;
    all.add("keeping").add(axis.label).add(axis.layer.value);
    all.add(std::as_bytes(std::span(axis.unit)));
    for (const double x : {axis.middle, axis.half_gap, low, high, gain}) {
      all.add(std::bit_cast<std::uint64_t>(x));
    }
    return all.add(std::uint64_t{dial}).add(std::uint64_t{patience}).finish();
  }
  /// What is missing of a reading that lies outside of the band.
  [[nodiscard]] double missing(double reading) const noexcept {
    return std::clamp(reading, low, high) - reading;
  }
};

/// Errors:  invalid_argument, naming the field; those of reading_axis::check.
inline expected<void> validate(const keeping& k) {
  const auto refuse = [](const char* field, auto found, std::string wanted) {
    return detail::bad("keep in character", field, std::to_string(found), std::move(wanted));
  };
  if (k.axis.unit.empty()) {
    return detail::bad("keep in character", "axis", "none", "one that was learned (axis_of)");
  }
  if (auto ok = k.axis.check(); !ok) return ok;
  if (!(k.low <= k.high)) return refuse("low", k.low, "at most high");
  if (!(k.gain > 0) || !std::isfinite(k.gain)) return refuse("gain", k.gain, "above 0, finite");
  if (k.dial >= steering::max_dials) {
    return refuse("dial", k.dial, "below " + std::to_string(steering::max_dials));
  }
  return {};
}

}  // namespace multitudes::npc
