// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace multitudes::stats {

/// Holm's step-down correction: p values of several tests, raised so that rejecting each one whose
/// raised value is at most a rejects a true hypothesis, anywhere among them, with probability a at
/// most. Tests may depend on each other in any way.
///
/// The smallest p is multiplied by the number n of tests, the next one by n - 1, and so on; none
/// ends below a smaller one's, and none above 1. What is not a number counts as 1. A test that is
/// planned but not made yet takes part as 1: then nothing that is rejected now is taken back later.
///
/// Cost:    a sort.
/// Source:  Holm 1979, "A simple sequentially rejective multiple test procedure".
inline std::vector<double> holm(std::span<const double> p) {
  std::vector<double> adjusted;
  for (const double value : p)
    adjusted.push_back(std::isnan(value) ? 1 : std::clamp(value, 0., 1.));
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return adjusted[a] < adjusted[b]; });
  double largest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    double& value = adjusted[order[i]];
    largest = std::max(largest, value * static_cast<double>(order.size() - i));
    value = std::min(1.0, largest);
  }
  return adjusted;
}

}  // namespace multitudes::stats
