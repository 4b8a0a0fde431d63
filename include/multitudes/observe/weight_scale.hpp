// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/stats/plane_fit.hpp>

#include <cmath>
#include <span>
#include <string>
#include <vector>

namespace multitudes {

/// The log-odds of a persona against its rivals, in nats, measured after so many demonstrations
/// (pieces of its text in the context) under steering of so much strength.
struct weight_observation {
  double demonstrations = 0;
  double strength = 0;
  double log_odds = 0;
};

/// Four ways of saying how much of a persona there is, on one scale of nats: the strength of
/// steering, a number of demonstrations, a shift of log-odds, and prevalence. The scale belongs to
/// one model, one persona and one way of measuring log-odds, and is the additive law
///
///     log-odds = at_rest + nats_per_demonstration * n + nats_per_strength * s
///
/// with `r_squared` to say how far the law holds. A coefficient in an expression multiplies the
/// strength. Where the law bends (a strength that saturates, a tenth demonstration that adds less
/// than the first), so does the scale: use it inside the range that it was fitted on.
///
/// Source:  Bigelow et al. 2025, arXiv:2511.00617, on context and steering adding up.
class weight_scale {
 public:
  /// Errors:  invalid_argument if the observations do not determine the law: fewer than four, or
  ///          without both numbers varying independently; non_finite.
  static expected<weight_scale> fit(std::span<const weight_observation> measured) {
    std::vector<double> n, s, log_odds;
    for (const weight_observation& m : measured) {
      n.push_back(m.demonstrations);
      s.push_back(m.strength);
      log_odds.push_back(m.log_odds);
      if (!std::isfinite(m.demonstrations) || !std::isfinite(m.strength) ||
          !std::isfinite(m.log_odds)) {
        return fail({.code = errc::non_finite,
                     .operation = "fit a scale of weight",
                     .place = "observation " + std::to_string(n.size() - 1),
                     .found = "NaN or infinity",
                     .expected = "finite numbers",
                     .remedy = {}});
      }
    }
    const auto law = stats::fit_plane(n, s, log_odds);
    if (!law) {
      return fail({.code = errc::invalid_argument,
                   .operation = "fit a scale of weight",
                   .place = std::to_string(measured.size()) + " observations",
                   .found = "observations that do not determine it",
                   .expected = "at least four, with demonstrations and strength varied separately",
                   .remedy = "measure a grid of both"});
    }
    return weight_scale(*law);
  }

  [[nodiscard]] double at_rest() const noexcept { return law_.intercept; }
  [[nodiscard]] double nats_per_demonstration() const noexcept { return law_.x_slope; }
  [[nodiscard]] double nats_per_strength() const noexcept { return law_.y_slope; }
  [[nodiscard]] double r_squared() const noexcept { return law_.r_squared; }

  /// What the law expects.
  [[nodiscard]] double log_odds(double demonstrations, double strength) const noexcept {
    return law_.at(demonstrations, strength);
  }
  /// The strength that shifts the log-odds by so many nats; not finite if strength does nothing.
  [[nodiscard]] double strength_for(double nats) const noexcept { return nats / law_.y_slope; }
  /// The demonstrations that do; a fraction means less than one.
  [[nodiscard]] double demonstrations_for(double nats) const noexcept {
    return nats / law_.x_slope;
  }
  /// How many demonstrations a strength is worth.
  [[nodiscard]] double demonstrations_for_strength(double strength) const noexcept {
    return demonstrations_for(strength * law_.y_slope);
  }
  /// What a prevalence becomes when the log-odds shift by so many nats.
  static double shifted_prevalence(double prevalence, double nats) noexcept {
    const double log_odds = std::log(prevalence) - std::log1p(-prevalence) + nats;
    return 1 / (1 + std::exp(-log_odds));
  }

 private:
  explicit weight_scale(stats::plane law) noexcept : law_(law) {}

  stats::plane law_;
};

}  // namespace multitudes
