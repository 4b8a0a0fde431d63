// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/measure/play.hpp>

#include <cmath>
#include <cstddef>
#include <limits>

namespace multitudes::lab {

/// The logarithm of how much likelier a game is to one player than to another, of both of whom all
/// probabilities are known: no judge can do better. A game that was broken could not be the
/// other's.
inline double log_ratio(const game& g, double to_one, double to_other) noexcept {
  if (g.is_broken) return std::numeric_limits<double>::infinity();
  return to_one - to_other;
}

/// The judge sees two games on the same board, one by each player, and says which is the first's:
/// 1 if that is right, 0 if wrong, 0.5 if there is nothing to choose. Its mean over boards is the
/// area under the judge's curve: 0.5 for players that cannot be told apart.
constexpr double forced_choice(double ratio_of_one, double ratio_of_other) noexcept {
  return ratio_of_one > ratio_of_other ? 1 : ratio_of_one < ratio_of_other ? 0 : 0.5;
}

/// KL(p || q) at a turn, nats: what an act of p's tells about whose it is, in the mean. Infinite
/// where p does what q never would.
inline double divergence(const turn& p, const turn& q) noexcept {
  double nats = 0;
  for (std::size_t o = 0; o < p.odds.size(); ++o) {
    if (p.odds[o] > 0) nats += p.odds[o] * (std::log(p.odds[o]) - std::log(q.odds[o]));
  }
  return nats;
}

/// How many acts a judge must see until the odds are 20 to 1, if each tells this much in the mean.
///
/// Source:  Wald 1945, "Sequential tests of statistical hypotheses".
inline double acts_to_detection(double nats_per_act) noexcept {
  return nats_per_act > 0 ? std::log(20.0) / nats_per_act : std::numeric_limits<double>::infinity();
}

}  // namespace multitudes::lab
