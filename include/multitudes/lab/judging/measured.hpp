// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/stats/correlation.hpp>
#include <multitudes/stats/hierarchical_bootstrap.hpp>
#include <multitudes/stats/line_fit.hpp>
#include <multitudes/stats/proportion.hpp>
#include <multitudes/stats/summary.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace multitudes::lab {

/// A figure of the items given.
///
/// Errors:  nothing where it is not defined: too few items, no spread, a mean of 0 to divide by.
inline std::optional<double> value_of(statistic how, std::span<const double> x,
                                      std::span<const double> y) {
  switch (how) {
    case statistic::mean: return stats::mean(y);
    case statistic::ratio: {
      const auto above = stats::mean(y);
      const auto below = stats::mean(x);
      if (!above || !below || *below == 0) return std::nullopt;
      return stats::detail::if_finite(*above / *below);
    }
    case statistic::slope: {
      const auto line = stats::fit_line(x, y);
      if (!line) return std::nullopt;
      return line->slope;
    }
    case statistic::correlation: return stats::correlation(x, y);
    case statistic::rank_correlation: return stats::rank_correlation(x, y);
  }
  return std::nullopt;
}

/// A figure over seeds.
struct measured {
  double estimate = 0;
  stats::interval middle{};  ///< of 95 %
  /// How probable it is, by the bootstrap, that the figure lies outside of its threshold; 1 for one
  /// without.
  double p = 1;
  std::vector<std::optional<double>> by_seed{};  ///< the figure of each seed alone
};

namespace detail {

inline constexpr double confidence = 0.95;

/// Fisher's scale, on which the noise of a correlation depends little on the correlation. Its ends
/// are brought to where resamples of a few dozen items may come.
inline double fisher(double correlation) noexcept {
  constexpr double most = 1 - 1e-7;
  return std::atanh(std::clamp(correlation, -most, most));
}

/// What is known of a share by counting alone. Where all items agree, a bootstrap sees no doubt.
inline void widen_share(std::span<const std::span<const observation>> seeds,
                        const std::optional<stats::interval>& holds, measured& m) {
  std::size_t n = 0;
  std::size_t n_ones = 0;
  for (const auto& items : seeds) {
    for (const observation& o : items) {
      if (o.y != 0 && o.y != 1) return;
      ++n;
      n_ones += o.y == 1 ? 1u : 0u;
    }
  }
  const auto counted = stats::proportion_interval(n_ones, n, confidence);
  m.middle = {std::min(m.middle.low, counted.low), std::max(m.middle.high, counted.high)};
  if (!holds) return;
  const double so_many = holds->low > 0 ? stats::binomial_tail(n, n_ones, holds->low) : 0;
  const double so_few = holds->high < 1 ? 1 - stats::binomial_tail(n, n_ones + 1, holds->high) : 0;
  m.p = std::max({m.p, so_many, so_few});
}

/// A figure as the bootstrap alone has it.
inline std::optional<measured> bootstrapped(const figure& f,
                                            std::span<const std::span<const observation>> seeds,
                                            int resamples, philox& random) {
  std::vector<double> x;
  std::vector<double> y;
  std::vector<std::size_t> seed_of;
  measured result;
  for (std::size_t s = 0; s < seeds.size(); ++s) {
    for (const observation& o : seeds[s]) {
      x.push_back(o.x);
      y.push_back(o.y);
      seed_of.push_back(s);
    }
    const std::size_t first = y.size() - seeds[s].size();
    result.by_seed.push_back(
        value_of(f.how, std::span(x).subspan(first), std::span(y).subspan(first)));
  }
  const auto estimate = value_of(f.how, x, y);
  if (!estimate) return std::nullopt;
  result.estimate = *estimate;

  const bool correlates = f.how == statistic::correlation || f.how == statistic::rank_correlation;
  std::vector<double> some_x;
  std::vector<double> some_y;
  const auto of_some = [&](std::span<const std::size_t> chosen) -> std::optional<double> {
    some_x.clear();
    some_y.clear();
    for (const std::size_t i : chosen) {
      some_x.push_back(x[i]);
      some_y.push_back(y[i]);
    }
    const auto value = value_of(f.how, some_x, some_y);
    return value && correlates ? fisher(*value) : value;
  };
  auto cloud = stats::hierarchical_bootstrap(seed_of, of_some, resamples, random);
  if (!cloud) return std::nullopt;
  if (correlates) {
    for (double& d : cloud->draws) d = std::tanh(d);
  }
  result.middle = cloud->middle(confidence);
  if (f.holds) result.p = cloud->share_outside(*f.holds);
  return result;
}

}  // namespace detail

/// The figure of all items of all seeds, its interval, and its doubt about the threshold: a
/// hierarchical bootstrap (which see for how often it covers the truth), for correlations on
/// Fisher's scale. A mean of ones and zeros is at least as uncertain as counting leaves it.
///
/// Items of different seeds are taken for drawn independently.
///
/// Shapes:  seeds: the items of each.
/// Errors:  nothing where the figure is not defined.
/// Cost:    `resamples` times the figure.
inline std::optional<measured> measure(const figure& f,
                                       std::span<const std::span<const observation>> seeds,
                                       int resamples, philox& random) {
  auto result = detail::bootstrapped(f, seeds, resamples, random);
  if (result && f.how == statistic::mean) detail::widen_share(seeds, f.holds, *result);
  return result;
}

}  // namespace multitudes::lab
