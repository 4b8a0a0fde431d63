// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

namespace multitudes::stats {

/// Cumulative sums that watch standardized scores for a lasting shift either way: each sum grows
/// by what a score exceeds the allowance, and never falls below zero. Half the shift that matters
/// is the best allowance.
///
/// The sums themselves promise nothing; a threshold gives them a rate of false alarms: from
/// undisturbed sequences (alarm_threshold), or by cusum_run_length where scores are independent
/// standard normals.
///
/// Source:  Page 1954, "Continuous inspection schemes".
class cusum {
 public:
  explicit cusum(double allowance = 0.5) noexcept : allowance_(allowance) {}

  /// Adds a score and returns the larger of the two sums. A score that is no number counts as 0.
  double update(double score) noexcept {
    const double z = std::isfinite(score) ? score : 0;
    up_ = std::max(0.0, up_ + z - allowance_);
    down_ = std::max(0.0, down_ - z - allowance_);
    return value();
  }
  [[nodiscard]] double value() const noexcept { return std::max(up_, down_); }
  [[nodiscard]] double up() const noexcept { return up_; }
  [[nodiscard]] double down() const noexcept { return down_; }

 private:
  double allowance_;
  double up_ = 0;
  double down_ = 0;
};

/// About how many independent normal scores of mean `shift` and variance 1 it takes until a sum
/// exceeds the threshold: the mean time between false alarms for shift 0, the mean delay else.
/// Within a few percent for thresholds from 3.
///
/// Source:  Siegmund 1985, "Sequential Analysis", section 2.6 (with his 1.166 for overshoot).
inline double cusum_run_length(double threshold, double allowance, double shift) noexcept {
  const double b = threshold + 1.166;
  const auto one_sided = [b](double drift) {
    if (std::abs(drift) < 1e-6) return b * b;
    return (std::exp(-2 * drift * b) + 2 * drift * b - 1) / (2 * drift * drift);
  };
  return 1 / (1 / one_sided(shift - allowance) + 1 / one_sided(-shift - allowance));
}

}  // namespace multitudes::stats
