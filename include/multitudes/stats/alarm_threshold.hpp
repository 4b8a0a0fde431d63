// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/stats/proportion.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace multitudes::stats {

/// What an alarm promises.
struct alarm_promise {
  double false_alarms = 0.05;  ///< at most this share of undisturbed sequences alarms
  double confidence = 0.95;    ///< over the choice of the sequences that were calibrated on
};

/// How many undisturbed sequences a promise needs at least.
inline std::size_t least_calibration_size(const alarm_promise& promise) noexcept {
  return static_cast<std::size_t>(
      std::ceil(std::log(1 - promise.confidence) / std::log(1 - promise.false_alarms)));
}

/// A threshold on any statistic such that new undisturbed sequences exceed it with probability at
/// most `false_alarms`; this itself is true with probability `confidence`.
///
/// It assumes nothing of the statistic, of its distribution, or of how the items within a sequence
/// hang together; only that calibration and later sequences are drawn alike and independently,
/// each as a whole, length included. Sequences that go on for longer have more time to alarm.
///
/// Shapes:  maxima: of each calibration sequence, the largest value that the statistic reached.
/// Errors:  invalid_argument if there are too few, or if the promise is not between 0 and 1;
///          non_finite.
/// Cost:    one sorted copy, and n log n for n sequences.
/// Source:  Wilks 1941, "Determination of sample sizes for setting tolerance limits".
inline expected<double> alarm_threshold(std::span<const double> maxima,
                                        const alarm_promise& promise = {}) {
  const auto inside = [](double p) { return p > 0 && p < 1; };
  if (!inside(promise.false_alarms) || !inside(promise.confidence)) {
    return fail({.code = errc::invalid_argument,
                 .operation = "set alarm threshold",
                 .place = inside(promise.false_alarms) ? "confidence" : "false_alarms",
                 .found = std::to_string(inside(promise.false_alarms) ? promise.confidence
                                                                      : promise.false_alarms),
                 .expected = "strictly between 0 and 1",
                 .remedy = {}});
  }
  std::vector<double> sorted(maxima.begin(), maxima.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (std::isfinite(sorted[i])) continue;
    return fail({.code = errc::non_finite,
                 .operation = "set alarm threshold",
                 .place = "sequence " + std::to_string(i),
                 .found = "NaN or infinity",
                 .expected = "a number",
                 .remedy = {}});
  }
  std::sort(sorted.begin(), sorted.end());
  // The share of new sequences at or below the k-th smallest is at least 1 - a with the
  // probability that of n sequences fewer than k are among the lower share 1 - a.
  const std::size_t n = sorted.size();
  const auto is_sure = [&](std::size_t k) {
    return 1 - binomial_tail(n, k, 1 - promise.false_alarms) >= promise.confidence;
  };
  if (n != 0 && is_sure(n)) {
    std::size_t low = 1;
    for (std::size_t high = n; low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      if (is_sure(middle)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return sorted[low - 1];
  }
  return fail({.code = errc::invalid_argument,
               .operation = "set alarm threshold",
               .place = "calibration",
               .found = std::to_string(n) + " undisturbed sequences",
               .expected = "at least " + std::to_string(least_calibration_size(promise)),
               .remedy = "gather more, or promise less"});
}

}  // namespace multitudes::stats
