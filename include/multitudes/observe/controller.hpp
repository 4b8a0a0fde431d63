// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/persona/reading_axis.hpp>
#include <multitudes/steering/clamp.hpp>
#include <multitudes/steering/plan.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace multitudes {

/// Where a reading is held, and how.
struct controller_options {
  double low = -1;  ///< of the band, in readings
  double high = 1;
  /// The share of what is missing at the watched layer that the next token's band moves by.
  double gain = 0.2;
  double limit = 4;  ///< the furthest that the band moves, in readings
};

/// Holds the projection on an axis inside a band with the least perturbation.
///
/// Of all changes of a row that bring its reading x into [low, high], the shortest is along the
/// axis, by clamp(x) - x: nothing where x is inside. That is done within the pass
/// (steering::clamp). What is held at one layer, later layers may undo: where the reading that
/// matters is taken at a later layer, the controller moves the band after each token by a share of
/// what was missing there (an integral part, bounded so that it cannot wind up).
///
/// It is of use for holding, not for pushing: a band far outside what the model reads by itself
/// is constant steering in all but name, with the same damage.
class projection_controller {
 public:
  /// Errors:  those of reading_axis::check; invalid_argument if low is above high, gain is not in
  ///          [0, 1], or the limit is negative; non_finite.
  static expected<projection_controller> make(reading_axis axis,
                                              const controller_options& how = {}) {
    if (auto ok = axis.check(); !ok) return forward_error(ok);
    const auto refuse = [](errc code, std::string place, double found, std::string wanted) {
      return fail({.code = code,
                   .operation = "make controller",
                   .place = std::move(place),
                   .found = std::to_string(found),
                   .expected = std::move(wanted),
                   .remedy = {}});
    };
    for (const double x : {how.low, how.high, how.gain, how.limit}) {
      if (!std::isfinite(x)) return refuse(errc::non_finite, "options", x, "finite numbers");
    }
    if (how.low > how.high) {
      return refuse(errc::invalid_argument, "low", how.low, "at most high");
    }
    if (how.gain < 0 || how.gain > 1) {
      return refuse(errc::invalid_argument, "gain", how.gain, "0 to 1");
    }
    if (how.limit < 0) return refuse(errc::invalid_argument, "limit", how.limit, "0 or more");
    projection_controller made;
    made.axis_ = std::move(axis);
    made.how_ = how;
    return made;
  }

  [[nodiscard]] const reading_axis& axis() const noexcept { return axis_; }
  /// The band that the next token is held in, at the axis' own layer.
  [[nodiscard]] double low() const noexcept { return how_.low + offset_; }
  [[nodiscard]] double high() const noexcept { return how_.high + offset_; }
  [[nodiscard]] double offset() const noexcept { return offset_; }

  /// The least change of a reading that brings it into the band.
  [[nodiscard]] double change(double reading) const noexcept {
    return std::clamp(reading, low(), high()) - reading;
  }
  /// The length of the row's change that makes such a change of reading, in the residual stream's
  /// own units: the axis is a unit vector.
  [[nodiscard]] double length(double change_of_reading) const noexcept {
    return std::abs(change_of_reading * axis_.half_gap);
  }

  /// Learns what the token read where it matters, after steering, in the same units. What is no
  /// number changes nothing.
  void observe(double held) noexcept {
    if (!std::isfinite(held)) return;
    const double missing = std::clamp(held, how_.low, how_.high) - held;
    offset_ = std::clamp(offset_ + how_.gain * missing, -how_.limit, how_.limit);
  }

  /// What the next token is to be computed under.
  ///
  /// Cost:    as compile of one direction.
  [[nodiscard]] expected<steering::plan> plan() const {
    return steering::compile(steering::clamp(axis_, low(), high()));
  }

 private:
  projection_controller() = default;

  reading_axis axis_;
  controller_options how_;
  double offset_ = 0;
};

}  // namespace multitudes
