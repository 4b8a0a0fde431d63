// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::train {

/// Which feedback reaches the model: all of it, only praise, or only blame.
enum class feedback : std::uint8_t { signed_both, positive_only, negative_only };

/// Each reward minus the mean of the others of its group: a baseline that leaves the policy
/// gradient unbiased. A group of one keeps its reward.
///
/// Shapes:  rewards (n), groups of `group` neighbours (the last may be smaller).
/// Source:  Kool et al. 2019 ("Buy 4 REINFORCE samples, get a baseline for free").
inline std::vector<double> leave_one_out_advantages(std::span<const double> rewards,
                                                    std::size_t group) {
  std::vector<double> advantages(rewards.begin(), rewards.end());
  for (std::size_t first = 0; group > 1 && first < rewards.size(); first += group) {
    const auto of_group = rewards.subspan(first, std::min(group, rewards.size() - first));
    if (of_group.size() < 2) continue;
    double sum = 0;
    for (const double r : of_group) sum += r;
    const double n = static_cast<double>(of_group.size());
    for (std::size_t i = 0; i < of_group.size(); ++i) {
      advantages[first + i] = of_group[i] - (sum - of_group[i]) / (n - 1);
    }
  }
  return advantages;
}

/// Each reward in standard deviations from its group's mean; 0 where all of a group are equal.
/// With a KL weight, mind that rewards are no longer in their own unit.
///
/// Source:  Shao et al. 2024, arXiv:2402.03300 (GRPO).
inline std::vector<double> group_relative_advantages(std::span<const double> rewards,
                                                     std::size_t group) {
  std::vector<double> advantages(rewards.size(), 0.0);
  group = std::max<std::size_t>(group, 1);
  for (std::size_t first = 0; first < rewards.size(); first += group) {
    const auto of_group = rewards.subspan(first, std::min(group, rewards.size() - first));
    const double n = static_cast<double>(of_group.size());
    double mean = 0;
    for (const double r : of_group) mean += r / n;
    double variance = 0;
    for (const double r : of_group) variance += (r - mean) * (r - mean) / n;
    const double deviation = std::sqrt(variance);
    if (!(deviation > 1e-12)) continue;
    for (std::size_t i = 0; i < of_group.size(); ++i) {
      advantages[first + i] = (of_group[i] - mean) / deviation;
    }
  }
  return advantages;
}

/// Drops the feedback that is not to reach the model.
inline void choose_feedback(feedback which, std::span<double> advantages) noexcept {
  for (double& a : advantages) {
    if (which == feedback::positive_only) a = std::max(a, 0.0);
    if (which == feedback::negative_only) a = std::min(a, 0.0);
  }
}

}  // namespace multitudes::train
