// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/world/grid.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace multitudes::lab {

/// What is known of somebody's goal from what they did: the exact posterior, in log space.
class goal_belief {
 public:
  /// Prevalences need not add up to 1.
  explicit goal_belief(std::span<const double> prior) : log_(prior.size()) {
    for (std::size_t g = 0; g < prior.size(); ++g) log_[g] = std::log(prior[g]);
    normalize();
  }

  /// How probable what was done is under each goal. What is impossible under all changes nothing.
  ///
  /// Shapes:  likelihood (n_goals).
  /// Returns: how probable it was, before it was seen.
  double observe(std::span<const double> likelihood) noexcept {
    double sum = 0;
    for (std::size_t g = 0; g < log_.size(); ++g) sum += likelihood[g] * std::exp(log_[g]);
    if (!(sum > 0)) return 0;
    for (std::size_t g = 0; g < log_.size(); ++g) log_[g] += std::log(likelihood[g]);
    normalize();
    return sum;
  }

  [[nodiscard]] std::size_t size() const noexcept { return log_.size(); }
  [[nodiscard]] double probability(std::size_t g) const noexcept { return std::exp(log_[g]); }
  [[nodiscard]] double log_probability(std::size_t g) const noexcept { return log_[g]; }

 private:
  void normalize() noexcept {
    const double top = *std::ranges::max_element(log_);
    double sum = 0;
    for (const double l : log_) sum += std::exp(l - top);
    for (double& l : log_) l -= top + std::log(sum);
  }

  std::vector<double> log_;
};

/// What a walk says about its goal, by the exact planner: the belief after its last action. The
/// goals are the objects of the world, in order, and only those that are there.
///
/// Errors:  shape_mismatch if the prior is not of one number for each object; invalid_argument
///          for an action that is not legal where it is done, or an object that is not there.
/// Cost:    n_goals * n_grid_actions exponentials an action.
/// Source:  Baker, Saxe and Tenenbaum 2009, "Action understanding as inverse planning".
inline expected<goal_belief> infer_goal(grid_world w, std::span<const grid_action> actions,
                                        double temperature, std::span<const double> prior) {
  const auto bad = [](errc code, std::string place, std::string found) {
    return fail({.code = code,
                 .operation = "infer goal",
                 .place = std::move(place),
                 .found = std::move(found)});
  };
  std::size_t n = 0;
  while (n < w.objects.size() && w.objects[n]) ++n;
  if (prior.size() != n || n == 0) {
    return bad(errc::shape_mismatch, "prior",
               std::to_string(prior.size()) + " goals for " + std::to_string(n) + " objects");
  }
  goal_belief belief(prior);
  std::vector<double> likelihood(n);
  for (std::size_t t = 0; t < actions.size(); ++t) {
    if (!w.is_legal(actions[t])) {
      return bad(errc::invalid_argument, "action " + std::to_string(t), "one that is not legal");
    }
    for (std::size_t g = 0; g < n; ++g) {
      std::array<double, n_grid_actions> policy{};
      grid_policy(w, g, temperature, policy);
      likelihood[g] = policy[static_cast<std::size_t>(actions[t])];
    }
    belief.observe(likelihood);
    w.you = w.after(actions[t]);
  }
  return belief;
}

}  // namespace multitudes::lab
