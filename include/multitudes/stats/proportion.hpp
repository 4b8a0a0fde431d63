// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/stats/interval.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace multitudes::stats {

/// The probability of at least `k` successes in `n` independent trials of probability `p`.
///
/// Cost:    linear in n.
inline double binomial_tail(std::size_t n, std::size_t k, double p) noexcept {
  if (k == 0) return 1;
  if (k > n || !(p > 0)) return 0;
  if (p >= 1) return 1;
  const auto trials = static_cast<double>(n);
  const auto wanted = static_cast<double>(k);
  // Sums from the term nearest to the middle outwards: the terms fall from the first on.
  const bool upper = wanted > trials * p;
  const double from = upper ? wanted : wanted - 1;
  double log_term = from * std::log(p) + (trials - from) * std::log1p(-p);
  for (double i = 1; i <= from; ++i) log_term += std::log((trials - from + i) / i);
  double term = std::exp(log_term);
  double sum = 0;
  const double odds = p / (1 - p);
  if (upper) {
    for (double i = from; i <= trials && term > 0; ++i) {
      sum += term;
      term *= (trials - i) / (i + 1) * odds;
      if (term < sum * 1e-17) break;
    }
    return std::min(1.0, sum);
  }
  for (double i = from; i >= 0 && term > 0; --i) {
    sum += term;
    term *= i / (trials - i + 1) / odds;
    if (term < sum * 1e-17) break;
  }
  return std::max(0.0, 1 - sum);
}

/// What is known of a probability after `successes` in `trials` independent trials. It covers the
/// truth at least as often as `confidence` says, also for counts of zero.
///
/// Errors:  [0, 1] without trials, for more successes than trials, or a confidence that is not
///          strictly between 0 and 1.
/// Cost:    some hundred times linear in the trials.
/// Source:  Clopper and Pearson 1934, "The use of confidence or fiducial limits".
inline interval proportion_interval(std::size_t successes, std::size_t trials,
                                    double confidence) noexcept {
  interval result{0, 1};
  if (trials == 0 || successes > trials || !(confidence > 0 && confidence < 1)) return result;
  const double tail = (1 - confidence) / 2;
  const auto bisect = [&](std::size_t k, double wanted) {
    double low = 0;
    double high = 1;
    for (int i = 0; i < 54; ++i) {
      const double middle = (low + high) / 2;
      (binomial_tail(trials, k, middle) < wanted ? low : high) = middle;
    }
    return (low + high) / 2;
  };
  if (successes != 0) result.low = bisect(successes, tail);
  if (successes != trials) result.high = bisect(successes + 1, 1 - tail);
  return result;
}

}  // namespace multitudes::stats
