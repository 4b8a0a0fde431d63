// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/stats/hierarchical_bootstrap.hpp>
#include <multitudes/stats/interval.hpp>
#include <multitudes/stats/line_fit.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// A number with its interval of 95 %.
struct ranged {
  double value = std::numeric_limits<double>::quiet_NaN();
  stats::interval between = stats::interval::whole_line();
};

/// A statistic of items that come in groups (texts of one persona), with the interval of the
/// hierarchical bootstrap; not a number where it is not defined.
///
/// Shapes:  groups: the group of each item.
/// Cost:    1000 calls of the statistic.
template <class F>
ranged ranged_statistic(std::span<const std::size_t> groups, F&& statistic, std::uint64_t seed) {
  philox random(seed, 0x6D65);
  const auto known = stats::hierarchical_bootstrap(groups, statistic, 1000, random);
  if (!known) return {};
  return {known->estimate, known->middle(0.95)};
}

/// The mean of items that come in groups.
inline ranged ranged_mean(std::span<const double> items, std::span<const std::size_t> groups,
                          std::uint64_t seed) {
  return ranged_statistic(
      groups,
      [&](std::span<const std::size_t> chosen) -> std::optional<double> {
        if (chosen.empty()) return std::nullopt;
        double sum = 0;
        for (const std::size_t i : chosen) sum += items[i];
        return sum / static_cast<double>(chosen.size());
      },
      seed);
}

/// The log-odds of one persona against another as demonstrations of the other are read: of
/// `from`, who held the context, against `to`.
struct course {
  std::size_t from = 0;
  std::size_t to = 0;
  std::vector<double> log_odds{};  ///< after 0, 1, 2, … demonstrations, nats

  /// log-odds = slope * n + intercept; nothing for fewer than three.
  [[nodiscard]] std::optional<stats::line> fit() const {
    std::vector<double> n(log_odds.size());
    for (std::size_t i = 0; i < n.size(); ++i) n[i] = static_cast<double>(i);
    return stats::fit_line(n, log_odds);
  }
};

/// The law log-odds = a - b n over many courses: where it starts, how fast it falls, how many
/// demonstrations it takes until both are as likely, and how far it is a law. Groups are the
/// personas who held the context.
struct escape_law {
  ranged start;               ///< a, nats
  ranged per_demonstration;   ///< b, nats
  ranged demonstrations;      ///< n50 = a / b
  ranged flipped;             ///< share of courses that are below zero at their end
  ranged r_squared;           ///< mean over courses
  std::size_t n_courses = 0;  ///< that could be fitted
};

inline escape_law fit_escape(std::span<const course> courses, std::uint64_t seed) {
  std::vector<double> start, fall, flipped, fits;
  std::vector<std::size_t> groups;
  for (const course& c : courses) {
    const auto line = c.fit();
    if (!line) continue;
    start.push_back(line->intercept);
    fall.push_back(-line->slope);
    flipped.push_back(c.log_odds.back() < 0 ? 1 : 0);
    fits.push_back(line->r_squared);
    groups.push_back(c.from);
  }
  escape_law law;
  law.n_courses = groups.size();
  law.start = ranged_mean(start, groups, seed);
  law.per_demonstration = ranged_mean(fall, groups, seed);
  law.flipped = ranged_mean(flipped, groups, seed);
  law.r_squared = ranged_mean(fits, groups, seed);
  law.demonstrations = ranged_statistic(
      groups,
      [&](std::span<const std::size_t> chosen) -> std::optional<double> {
        double a = 0;
        double b = 0;
        for (const std::size_t i : chosen) {
          a += start[i];
          b += fall[i];
        }
        if (b == 0) return std::nullopt;
        return a / b;
      },
      seed);
  return law;
}

/// The share of the variance of items that lies between their groups, 0 to 1; nothing without
/// variance. Compare it with `permuted`: few items per group give a share of their own.
inline std::optional<double> share_between(std::span<const double> items,
                                           std::span<const std::size_t> groups) {
  if (items.size() != groups.size() || items.size() < 2) return std::nullopt;
  std::size_t n_groups = 0;
  for (const std::size_t g : groups) n_groups = std::max(n_groups, g + 1);
  std::vector<double> sums(n_groups, 0.0);
  std::vector<double> counts(n_groups, 0.0);
  for (std::size_t i = 0; i < items.size(); ++i) {
    sums[groups[i]] += items[i];
    counts[groups[i]] += 1;
  }
  const double mean = stats::detail::mean_of_some(items);
  const double all = stats::detail::squared_spread(items);
  if (!(all > 0) || !std::isfinite(all)) return std::nullopt;
  double between = 0;
  for (std::size_t g = 0; g < n_groups; ++g) {
    if (counts[g] == 0) continue;
    const double d = sums[g] / counts[g] - mean;
    between += counts[g] * d * d;
  }
  return std::min(1.0, between / all);
}

/// What a share between groups is by chance.
struct chance_share {
  double mean = 0;
  double p_value = 1;  ///< share of permutations that reach what was found
};

inline chance_share permuted_share_between(std::span<const double> items,
                                           std::span<const std::size_t> groups, int permutations,
                                           philox& random) {
  chance_share result;
  const double found = share_between(items, groups).value_or(0);
  std::vector<std::size_t> mixed(groups.begin(), groups.end());
  int reached = 1;  // what was found is one of the permutations
  for (int k = 0; k < permutations; ++k) {
    for (std::size_t i = mixed.size(); i > 1; --i) {
      std::swap(mixed[i - 1], mixed[random.below(static_cast<std::uint32_t>(i))]);
    }
    const double share = share_between(items, mixed).value_or(0);
    result.mean += share / permutations;
    if (share >= found) ++reached;
  }
  result.p_value = static_cast<double>(reached) / (permutations + 1);
  return result;
}

}  // namespace multitudes::lab
