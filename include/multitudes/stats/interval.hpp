// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

namespace multitudes::stats {

/// Both ends belong to it.
struct interval {
  double low = 0;
  double high = 0;

  /// What is known of a number when nothing is: the whole line.
  static constexpr interval whole_line() noexcept {
    return {-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  }
  [[nodiscard]] constexpr double width() const noexcept { return high - low; }
  [[nodiscard]] constexpr bool contains(double x) const noexcept { return low <= x && x <= high; }

  friend constexpr bool operator==(const interval&, const interval&) = default;
};

}  // namespace multitudes::stats
