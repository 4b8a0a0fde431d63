// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/stats/group_bootstrap.hpp>
#include <multitudes/stats/interval.hpp>
#include <multitudes/stats/summary.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

namespace multitudes::stats {

/// Pearson's correlation.
///
/// Errors:  nothing if the lengths differ, for fewer than three pairs, without spread on either
///          side, or for numbers that are not finite.
inline std::optional<double> correlation(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size() || x.size() < 3) return std::nullopt;
  const double x_mean = detail::mean_of_some(x);
  const double y_mean = detail::mean_of_some(y);
  double product = 0;
  for (std::size_t i = 0; i < x.size(); ++i) product += (x[i] - x_mean) * (y[i] - y_mean);
  const double spread = std::sqrt(detail::squared_spread(x)) * std::sqrt(detail::squared_spread(y));
  if (!(spread > 0) || !std::isfinite(product / spread)) return std::nullopt;
  return std::clamp(product / spread, -1.0, 1.0);
}

/// The places of items in their order, from 0; equal ones share the mean of theirs.
inline std::vector<double> ranks(std::span<const double> items) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return items[a] < items[b]; });
  std::vector<double> result(items.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && items[order[last + 1]] == items[order[first]]) ++last;
    for (std::size_t i = first; i <= last; ++i) {
      result[order[i]] = static_cast<double>(first + last) / 2;
    }
    first = last + 1;
  }
  return result;
}

/// Spearman's correlation, of ranks: infinite numbers are allowed, as the largest or smallest.
///
/// Errors:  nothing as `correlation`, or for NaN.
inline std::optional<double> rank_correlation(std::span<const double> x,
                                              std::span<const double> y) {
  for (const std::span<const double> side : {x, y}) {
    for (const double v : side) {
      if (std::isnan(v)) return std::nullopt;
    }
  }
  return correlation(ranks(x), ranks(y));
}

/// The bootstrap interval of a rank correlation, over pairs. With the eight or so personas of a
/// model it is wide; that is not the method's fault.
inline interval rank_correlation_interval(std::span<const double> x, std::span<const double> y,
                                          double confidence, int resamples, philox& random) {
  if (x.size() != y.size()) return {-1, 1};
  std::vector<std::size_t> each(x.size());
  std::iota(each.begin(), each.end(), std::size_t{0});
  std::vector<double> a;
  std::vector<double> b;
  const auto statistic = [&](std::span<const std::size_t> chosen) -> std::optional<double> {
    a.clear();
    b.clear();
    for (const std::size_t i : chosen) {
      a.push_back(x[i]);
      b.push_back(y[i]);
    }
    // A resample of one pair only says nothing, and must not undo the others.
    return rank_correlation(a, b).value_or(0);
  };
  const interval found = bootstrap_groups(each, statistic, confidence, resamples, random);
  return {std::max(-1.0, found.low), std::min(1.0, found.high)};
}

}  // namespace multitudes::stats
