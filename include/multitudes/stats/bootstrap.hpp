// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/stats/interval.hpp>
#include <multitudes/stats/summary.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

namespace multitudes::stats {

/// A number computed from items; it may return nothing where it is not defined (as `mean` does).
template <class F>
concept statistic_of_items =
    std::is_invocable_r_v<std::optional<double>, F&, std::span<const double>>;

/// The percentile bootstrap: computes the statistic on `resamples` samples of the same size drawn
/// from the items with replacement, and returns the middle share `confidence` of the results.
/// The items must be independent of each other: bootstrap pairs as their differences, and
/// clusters by one number for each.
///
/// It knows only the items, so that few items give an interval that is too narrow: one of 95%
/// covers the mean of ten normal items about 90% of the time.
///
/// Errors:  the whole line where nothing is known: fewer than two items, no resamples, confidence
///          not strictly between 0 and 1, or a resample on which the statistic is not a finite
///          number.
/// Cost:    `resamples` calls of the statistic, items * resamples draws, two buffers. The same
///          state of `random` gives the same interval.
/// Source:  Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13.
template <statistic_of_items F>
interval bootstrap(std::span<const double> items, F statistic, double confidence, int resamples,
                   philox& random) {
  const bool countable = items.size() <= std::numeric_limits<std::uint32_t>::max();
  if (items.size() < 2 || !countable || resamples < 1 || !(confidence > 0 && confidence < 1)) {
    return interval::whole_line();
  }
  const auto n = static_cast<std::uint32_t>(items.size());
  std::vector<double> sample(items.size());
  std::vector<double> results;
  results.reserve(static_cast<std::size_t>(resamples));
  for (int i = 0; i < resamples; ++i) {
    for (double& drawn : sample) drawn = items[random.below(n)];
    const std::optional<double> result = statistic(std::span<const double>(sample));
    if (!result || !std::isfinite(*result)) return interval::whole_line();
    results.push_back(*result);
  }
  std::sort(results.begin(), results.end());
  const double tail = (1 - confidence) / 2;
  return {detail::quantile_of_sorted(results, tail), detail::quantile_of_sorted(results, 1 - tail)};
}

}  // namespace multitudes::stats
