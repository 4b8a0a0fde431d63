// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace multitudes::stats {

namespace detail {

inline std::optional<double> if_finite(double x) noexcept {
  if (!std::isfinite(x)) return std::nullopt;
  return x;
}

/// Sums distances from the first item: items that are all equal have exactly no spread, and a
/// spread that is small beside the mean keeps its digits.
inline double mean_of_some(std::span<const double> items) noexcept {
  double sum = 0;
  for (const double x : items) sum += x - items[0];
  return items[0] + sum / static_cast<double>(items.size());
}

/// The sum of squared distances from the mean of at least one item.
inline double squared_spread(std::span<const double> items) noexcept {
  const double shift = mean_of_some(items) - items[0];
  double sum = 0;
  for (const double x : items) {
    const double distance = (x - items[0]) - shift;
    sum += distance * distance;
  }
  return sum;
}

/// Items are sorted, finite and at least one; q is in [0, 1].
inline double quantile_of_sorted(std::span<const double> items, double q) noexcept {
  const double place = q * static_cast<double>(items.size() - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(place), items.size() - 1);
  const std::size_t above = std::min(below + 1, items.size() - 1);
  const double share = place - static_cast<double>(below);
  // Two products instead of a difference: the difference of two finite numbers may overflow.
  return items[below] == items[above] ? items[below]
                                      : items[below] * (1 - share) + items[above] * share;
}

}  // namespace detail

/// The arithmetic mean.
///
/// Errors:  nothing if there are no items, if one is not finite, or if the sum overflows.
inline std::optional<double> mean(std::span<const double> items) noexcept {
  if (items.empty()) return std::nullopt;
  return detail::if_finite(detail::mean_of_some(items));
}

/// The standard deviation of a sample: squared distances from the mean, divided by n - 1.
/// Items that are all equal give exactly 0.
///
/// Errors:  nothing for fewer than two items, if one is not finite, or if a square overflows.
inline std::optional<double> standard_deviation(std::span<const double> items) noexcept {
  if (items.size() < 2) return std::nullopt;
  const double spread = detail::squared_spread(items);
  return detail::if_finite(std::sqrt(spread / static_cast<double>(items.size() - 1)));
}

/// The value below which a share `q` of the items lies: sort them, give the first place 0 and the
/// last place 1, and read at q, interpolating linearly between neighbors. (Hyndman and Fan's
/// type 7; the default of R and NumPy.)
///
/// Errors:  nothing if there are no items, if one is not finite, or if q is not in [0, 1].
/// Cost:    one sorted copy.
/// Source:  Hyndman and Fan 1996, "Sample quantiles in statistical packages".
inline std::optional<double> quantile(std::span<const double> items, double q) {
  if (items.empty() || !(q >= 0 && q <= 1)) return std::nullopt;
  for (const double x : items) {
    if (!std::isfinite(x)) return std::nullopt;
  }
  std::vector<double> sorted(items.begin(), items.end());
  std::sort(sorted.begin(), sorted.end());
  return detail::quantile_of_sorted(sorted, q);
}

/// The middle item, or the mean of the two middle ones: `quantile(items, 0.5)`.
///
/// Errors:  as quantile.
inline std::optional<double> median(std::span<const double> items) { return quantile(items, 0.5); }

}  // namespace multitudes::stats
