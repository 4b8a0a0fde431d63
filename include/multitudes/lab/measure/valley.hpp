// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/linalg/regression.hpp>
#include <multitudes/stats/line_fit.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace multitudes::lab {

/// What a text says against a persona and for its rival, and what a reader believes after it.
struct pressed_belief {
  double evidence = 0;  ///< log-likelihood of the rival less that of the persona, nats
  double log_odds = 0;  ///< of the persona against the rival, nats
};

/// Depth of a persona's valley, E50: the evidence against the persona at which a reader's log-odds
/// pass zero. Of the ideal reader it is the logarithm of how much more prevalent the persona is
/// than its rival; negative where it is the rival that must be argued away.
///
/// Where readers change sides is found first; the line is then fitted to texts within `window`
/// nats of it, so that beliefs that are too certain to be read do not bend it.
///
/// A persona that no text makes the reader leave is given the most evidence that there was, one
/// that it never takes up the least: to drop them would make valleys shallower than they are.
///
/// Errors:  nothing without beliefs, with fewer than four near the border, or if they do not fall
///          with evidence.
inline std::optional<double> depth_of(std::span<const pressed_belief> beliefs,
                                      double window = 2.5) {
  std::vector<double> stays, leaves;
  for (const pressed_belief& b : beliefs) (b.log_odds > 0 ? stays : leaves).push_back(-b.evidence);
  if (stays.empty() && leaves.empty()) return std::nullopt;
  if (leaves.empty()) return -*std::ranges::min_element(stays);
  if (stays.empty()) return -*std::ranges::max_element(leaves);
  const linalg::logistic_link side = linalg::fit_link(stays, leaves);
  if (!(side.slope > 0)) return std::nullopt;
  const double border = side.bias / side.slope;
  std::vector<double> x, y;
  for (const pressed_belief& b : beliefs) {
    if (std::abs(b.evidence - border) > window) continue;
    x.push_back(b.evidence);
    y.push_back(b.log_odds);
  }
  if (x.size() < 4) return std::nullopt;
  const auto fit = stats::fit_line(x, y);
  if (!fit || !(fit->slope < 0)) return std::nullopt;
  const double depth = -fit->intercept / fit->slope;
  // A line that is nearly level crosses anywhere: the border is then the better estimate.
  return std::abs(depth - border) > window ? border : depth;
}

/// Escape length, n50: how many items of a rival it takes until the median of the log-odds passes
/// zero, with a line between whole numbers; 0 if it was never above.
///
/// Shapes:  log_odds (texts, items + 1): of each text before the first item and after each.
/// Errors:  nothing if it does not pass, or without texts.
inline std::optional<double> escape_length(std::span<const std::vector<double>> log_odds) {
  if (log_odds.empty()) return std::nullopt;
  double before = 0;
  for (std::size_t n = 0; n < log_odds[0].size(); ++n) {
    std::vector<double> now;
    for (const auto& text : log_odds) now.push_back(text[n]);
    std::ranges::sort(now);
    const std::size_t half = now.size() / 2;
    const double median = now.size() % 2 == 1 ? now[half] : (now[half - 1] + now[half]) / 2;
    if (median <= 0) {
      return n == 0 ? 0 : static_cast<double>(n - 1) + before / (before - median);
    }
    before = median;
  }
  return std::nullopt;
}

}  // namespace multitudes::lab
