// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/stats/interval.hpp>
#include <multitudes/stats/summary.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace multitudes::stats {

/// A number and what is known of it: where else it may lie, as a cloud of draws.
struct uncertain_number {
  double estimate = 0;
  std::vector<double> draws{};  ///< sorted; infinite, once at either end, where one was undefined
  std::size_t n_resamples = 0;

  /// The middle share `confidence` of the draws; the whole line without draws, and for a
  /// confidence that is not strictly between 0 and 1.
  [[nodiscard]] interval middle(double confidence) const noexcept {
    if (draws.empty() || !(confidence > 0 && confidence < 1)) return interval::whole_line();
    const double tail = (1 - confidence) / 2 * static_cast<double>(draws.size() - 1);
    // Rounded outwards, and not interpolated: ends may be infinite.
    const auto cut = std::min(static_cast<std::size_t>(tail), draws.size() - 1);
    return {draws[cut], draws[draws.size() - 1 - cut]};
  }

  /// How probable draws find it that the number lies outside: never 0, because that few draws
  /// cannot know.
  [[nodiscard]] double share_outside(const interval& where) const noexcept {
    std::size_t n = 1;
    for (const double d : draws) n += where.contains(d) ? 0u : 1u;
    return std::min(1.0, static_cast<double>(n) / static_cast<double>(n_resamples + 1));
  }
};

namespace detail {

/// The squared standard error that a statistic has by its groups: the jackknife, which leaves out
/// one group after the other. For a mean of equal groups it is that of Student's test, exactly.
template <class F>
std::optional<double> squared_error_of_groups(const std::vector<std::vector<std::size_t>>& groups,
                                              F& statistic) {
  std::vector<double> values;
  std::vector<std::size_t> kept;
  for (std::size_t left_out = 0; left_out < groups.size(); ++left_out) {
    kept.clear();
    for (std::size_t g = 0; g < groups.size(); ++g) {
      if (g != left_out) kept.insert(kept.end(), groups[g].begin(), groups[g].end());
    }
    const std::optional<double> value = statistic(std::span<const std::size_t>(kept));
    if (!value || !std::isfinite(*value)) return std::nullopt;
    values.push_back(*value);
  }
  const auto n = static_cast<double>(groups.size());
  return if_finite(squared_spread(values) * (n - 1) / n);
}

/// Degrees of freedom over their chi-square: how much larger a variance may be than `degrees` + 1
/// groups show it.
inline double variance_doubt(std::size_t degrees, philox& random) noexcept {
  double chi_square = 0;
  for (std::size_t i = 0; i < degrees; ++i) {
    const auto z = static_cast<double>(random.normal());
    chi_square += z * z;
  }
  return static_cast<double>(degrees) / std::max(chi_square, 1e-30);
}

}  // namespace detail

/// The bootstrap for a few groups of items that are alike within (what a model of one seed showed,
/// for five seeds): each resample draws groups, then items of each drawn group, and gives
/// `statistic` the indices of all of them.
///
/// Few groups need more than that. The spread of n of them is too small by (n - 1) / n, and is
/// known badly; drawing items as well counts their noise twice, because it is in the spread of
/// groups already. Hence the resamples give only the shape. The width is the jackknife's over
/// groups, times the square root of degrees of freedom over a chi-square that is drawn anew for
/// each draw, which makes Student's distribution out of a normal one; but never less than items
/// alone allow. What resamples lie off on average is taken off. With one group, it is the bootstrap
/// of its items.
///
/// How often an interval of 95 % covers the truth, in 4000 simulated experiments each (the test of
/// this header prints it in long runs), where groups differ by as much as items, or half as much:
///
/// | groups | mean | ratio | slope | correlation | rank correlation |
/// |--------|------|-------|-------|-------------|------------------|
/// | 5      | 95.2, 96.0 | 95.6, 96.3 | 94.2, 95.4 | 95.6, 97.1 | 96.9, 97.7 |
/// | 10     | 95.1, 95.5 | 95.0, 95.6 | 94.4, 94.8 | 94.8, 95.9 | 96.2, 96.5 |
///
/// (correlations on Fisher's scale), and 98 and 97 % where groups do not differ at all. It knows
/// nothing of what no item shows: a share of which only ones were seen has no width.
///
/// An equivalence test (two one-sided tests at 5 %) is a 90 % interval that lies inside the
/// margin, and needs nothing else.
///
/// Shapes:  groups: the group of each item, by any numbers.
/// Errors:  nothing without items or resamples, or if the statistic of all items is not a finite
///          number. Resamples on which it is none stand at both ends of the draws, as infinite;
///          if it is none without one of the groups, all do.
/// Cost:    `resamples` + n calls of the statistic; a draw for each item of each resample. The
///          same state of `random` gives the same draws.
/// Source:  Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 3.8;
///          Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 11.
template <class F>
  requires std::is_invocable_r_v<std::optional<double>, F&, std::span<const std::size_t>>
std::optional<uncertain_number> hierarchical_bootstrap(std::span<const std::size_t> groups,
                                                       F statistic, int resamples, philox& random) {
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
  if (groups.empty() || groups.size() > most || resamples < 1) return std::nullopt;
  std::map<std::size_t, std::vector<std::size_t>> items_of;
  std::vector<std::size_t> drawn(groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    items_of[groups[i]].push_back(i);
    drawn[i] = i;
  }
  const std::optional<double> estimate = statistic(std::span<const std::size_t>(drawn));
  if (!estimate || !std::isfinite(*estimate)) return std::nullopt;
  std::vector<std::vector<std::size_t>> lists;
  for (auto& [group, items] : items_of) lists.push_back(std::move(items));

  std::vector<double> values;
  for (int i = 0; i < resamples; ++i) {
    drawn.clear();
    for (std::size_t g = 0; g < lists.size(); ++g) {
      const auto& items = lists[random.below(static_cast<std::uint32_t>(lists.size()))];
      for (std::size_t k = 0; k < items.size(); ++k) {
        drawn.push_back(items[random.below(static_cast<std::uint32_t>(items.size()))]);
      }
    }
    const std::optional<double> value = statistic(std::span<const std::size_t>(drawn));
    if (value && std::isfinite(*value)) values.push_back(*value);
  }
  const auto n = static_cast<double>(lists.size());
  const auto of_groups = lists.size() > 1 ? detail::squared_error_of_groups(lists, statistic)
                                          : std::optional<double>(0);
  if (!of_groups) values.clear();
  std::size_t n_undefined = static_cast<std::size_t>(resamples) - values.size();

  uncertain_number result{.estimate = *estimate,
                          .n_resamples = static_cast<std::size_t>(resamples)};
  const double middle = values.empty() ? 0 : detail::mean_of_some(values);
  const double spread =
      values.empty() ? 0 : detail::squared_spread(values) / static_cast<double>(values.size());
  const double of_items = std::max(0.0, spread - of_groups.value_or(0) * (n - 1) / n);
  for (const double value : values) {
    double widening = 1;
    if (lists.size() > 1 && spread > 0) {
      const double doubt = detail::variance_doubt(lists.size() - 1, random);
      widening = std::sqrt(std::max(*of_groups * doubt, of_items) / spread);
    }
    const double draw = (*estimate - middle) + *estimate + (value - middle) * widening;
    if (std::isfinite(draw)) {
      result.draws.push_back(draw);
    } else {
      ++n_undefined;
    }
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  result.draws.insert(result.draws.end(), n_undefined, -infinity);
  result.draws.insert(result.draws.end(), n_undefined, infinity);
  std::sort(result.draws.begin(), result.draws.end());
  return result;
}

}  // namespace multitudes::stats
