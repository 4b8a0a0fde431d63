// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace multitudes {

/// Something a persona wants. The embedding (model_dim) lives in the activation space of the
/// persona that holds the goal, and is empty until it has been learned. The label identifies it.
struct goal {
  std::string label;
  std::string statement;
  std::vector<float> embedding;

  friend bool operator==(const goal&, const goal&) = default;
};

/// How much a goal is pursued (weight > 0) or avoided (weight < 0).
struct weighted_goal {
  multitudes::goal goal;
  double weight = 1.0;

  friend bool operator==(const weighted_goal&, const weighted_goal&) = default;
};

/// Adds `weight * g` to a set of goals, in which a label occurs once, in order of appearance.
/// The statement that came first stays; a learned embedding fills in a missing one.
///
/// Cost:    linear in the size of the set; copies the goal if its label is new.
inline void add_goal(std::vector<weighted_goal>& set, const goal& g, double weight) {
  for (weighted_goal& known : set) {
    if (known.goal.label != g.label) continue;
    known.weight += weight;
    if (known.goal.embedding.empty()) known.goal.embedding = g.embedding;
    return;
  }
  set.push_back({g, weight});
}

/// Forgets the goals whose weights have cancelled.
inline void drop_idle_goals(std::vector<weighted_goal>& set) {
  std::erase_if(set, [](const weighted_goal& g) { return g.weight == 0.0; });
}

}  // namespace multitudes
