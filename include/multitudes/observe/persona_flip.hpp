// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/observe/posterior.hpp>
#include <multitudes/observe/valley_measures.hpp>
#include <multitudes/stats/half_radius.hpp>
#include <multitudes/stats/proportion.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace multitudes {

/// A conversation held as one persona that then reads the text of another: the log-odds of the
/// first against the second as that text runs on.
struct flip_trial {
  std::vector<double> tokens;    ///< of the other's text so far, rising; the first is usually 0
  std::vector<double> log_odds;  ///< nats, at the same places
  /// True evidence against the first persona so far, nats, at the same places: of a known
  /// generator, or of reference models. Empty if there is none.
  std::vector<double> evidence = {};
  std::size_t group = 0;  ///< trials of one group are alike
};

/// Where the log-odds cross zero; infinite if they never do.
struct flip {
  double tokens = std::numeric_limits<double>::infinity();
  double evidence = std::numeric_limits<double>::infinity();
};

/// The first crossing, on the line between the places around it. A trial that begins below zero
/// has flipped at its first place: the persona was never put on.
inline flip find_flip(const flip_trial& trial) {
  const std::size_t n = std::min(trial.tokens.size(), trial.log_odds.size());
  const bool has_evidence = trial.evidence.size() >= n;
  for (std::size_t i = 0; i < n; ++i) {
    if (trial.log_odds[i] > 0) continue;
    const double before = i == 0 ? 0 : trial.log_odds[i - 1];
    const double share = i == 0 ? 1 : before / (before - trial.log_odds[i]);
    const auto between = [&](const std::vector<double>& values) {
      return i == 0 ? values[0] : values[i - 1] + share * (values[i] - values[i - 1]);
    };
    flip found;
    found.tokens = between(trial.tokens);
    if (has_evidence) found.evidence = between(trial.evidence);
    return found;
  }
  return {};
}

/// How hard it is to talk a model out of a persona.
struct escape {
  measured_number tokens;    ///< n50: the median; infinite if half of the trials never flip
  measured_number evidence;  ///< E50, nats: the median, or infinite
  double flipped = 0;        ///< the share of trials that did
  stats::interval flipped_between{0, 1};
  double never_on = 0;  ///< the share that began below zero
  std::size_t n_trials = 0;
};

/// Medians over trials with bootstrap intervals over their groups. A trial that never flips counts
/// as infinite, so that texts that are too short make the medians infinite, not small.
inline escape summarize_flips(std::span<const flip_trial> trials, double confidence, int resamples,
                              philox& random) {
  escape result;
  result.n_trials = trials.size();
  if (trials.empty()) return result;
  std::vector<flip> flips;
  std::map<std::size_t, std::vector<std::size_t>> groups;
  std::size_t n_flipped = 0;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    flips.push_back(find_flip(trials[i]));
    groups[trials[i].group].push_back(i);
    if (flips[i].tokens < std::numeric_limits<double>::infinity()) ++n_flipped;
    if (!trials[i].log_odds.empty() && trials[i].log_odds[0] <= 0) {
      result.never_on += 1 / static_cast<double>(trials.size());
    }
  }
  result.flipped = static_cast<double>(n_flipped) / static_cast<double>(trials.size());
  result.flipped_between = stats::proportion_interval(n_flipped, trials.size(), confidence);
  const auto median = [](const std::vector<flip>& of, double flip::*field) {
    std::vector<double> values;
    for (const flip& f : of) values.push_back(f.*field);
    return stats::detail::order_quantile(std::move(values), 0.5);
  };
  result.tokens.value = median(flips, &flip::tokens);
  result.evidence.value = median(flips, &flip::evidence);
  if (groups.size() < 2) return result;
  std::vector<const std::vector<std::size_t>*> lists;
  for (const auto& [group, items] : groups) lists.push_back(&items);
  std::vector<double> tokens;
  std::vector<double> evidence;
  std::vector<flip> drawn;
  for (int r = 0; r < resamples; ++r) {
    drawn.clear();
    for (std::size_t i = 0; i < lists.size(); ++i) {
      for (const std::size_t item :
           *lists[random.below(static_cast<std::uint32_t>(lists.size()))]) {
        drawn.push_back(flips[item]);
      }
    }
    tokens.push_back(median(drawn, &flip::tokens));
    evidence.push_back(median(drawn, &flip::evidence));
  }
  result.tokens.between = detail::percentile_interval(std::move(tokens), confidence);
  result.evidence.between = detail::percentile_interval(std::move(evidence), confidence);
  return result;
}

/// A trial made of a posterior over a whole text, the other's words beginning after `onset`
/// tokens: the steps that end there or later.
///
/// Shapes:  ends (steps of the trace): after how many tokens each ends.
inline flip_trial flip_trial_of(const posterior_trace& trace, std::span<const std::size_t> ends,
                                std::size_t onset, std::size_t first, std::size_t other,
                                std::size_t group = 0) {
  flip_trial trial;
  trial.group = group;
  for (std::size_t i = 0; i < std::min(trace.size(), ends.size()); ++i) {
    if (ends[i] < onset) continue;
    trial.tokens.push_back(static_cast<double>(ends[i] - onset));
    trial.log_odds.push_back(trace.log_odds(i, first, other));
  }
  return trial;
}

}  // namespace multitudes
