// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// By how many nats a strength shifts log-odds, measured at a few strengths and straight between
/// them: what to ask when a shift is wanted and its strength is not known. It holds in the
/// situation that it was measured in; `weight_scale` says how far one curve holds for others.
class strength_curve {
 public:
  /// `nats[i]` was measured at `strengths[i]`.
  ///
  /// Errors:  invalid_argument if the lengths differ, the strengths do not begin with 0 or do not
  ///          rise, there are fewer than two, or the shift at 0 is not 0; non_finite.
  static expected<strength_curve> make(std::span<const double> strengths,
                                       std::span<const double> nats) {
    const auto bad = [](errc code, std::string found, const char* wanted) {
      return fail({.code = code,
                   .operation = "make a strength curve",
                   .place = {},
                   .found = std::move(found),
                   .expected = wanted,
                   .remedy = {}});
    };
    if (strengths.size() != nats.size() || strengths.size() < 2) {
      return bad(errc::invalid_argument,
                 std::to_string(strengths.size()) + " strengths and " +
                     std::to_string(nats.size()) + " shifts",
                 "equally many, at least two");
    }
    for (std::size_t i = 0; i < nats.size(); ++i) {
      if (!std::isfinite(strengths[i]) || !std::isfinite(nats[i])) {
        return bad(errc::non_finite, "NaN or infinity at " + std::to_string(i), "finite numbers");
      }
      if (i > 0 && !(strengths[i] > strengths[i - 1])) {
        return bad(errc::invalid_argument, "strength " + std::to_string(strengths[i]),
                   "more than the one before");
      }
    }
    if (strengths[0] != 0 || nats[0] != 0) {
      return bad(errc::invalid_argument, "a curve that begins elsewhere", "no shift at strength 0");
    }
    return strength_curve({strengths.begin(), strengths.end()}, {nats.begin(), nats.end()});
  }

  /// The shift at a strength; beyond the ends, that at the end.
  [[nodiscard]] double nats_at(double strength) const noexcept {
    if (!(strength > strengths_.front())) return nats_.front();
    for (std::size_t i = 1; i < nats_.size(); ++i) {
      if (strength > strengths_[i]) continue;
      const double part = (strength - strengths_[i - 1]) / (strengths_[i] - strengths_[i - 1]);
      return nats_[i - 1] + part * (nats_[i] - nats_[i - 1]);
    }
    return nats_.back();
  }

  /// The least strength that shifts by so many nats; nothing where the curve does not get there.
  [[nodiscard]] std::optional<double> strength_for(double nats) const noexcept {
    if (nats == 0) return 0;
    for (std::size_t i = 1; i < nats_.size(); ++i) {
      const double before = nats_[i - 1];
      const double rise = nats_[i] - before;
      const double part = (nats - before) / rise;
      if (rise == 0 || !(part > 0 && part <= 1)) continue;
      return strengths_[i - 1] + part * (strengths_[i] - strengths_[i - 1]);
    }
    return std::nullopt;
  }

 private:
  strength_curve(std::vector<double> strengths, std::vector<double> nats) noexcept
      : strengths_(std::move(strengths)), nats_(std::move(nats)) {}

  std::vector<double> strengths_;
  std::vector<double> nats_;
};

}  // namespace multitudes
