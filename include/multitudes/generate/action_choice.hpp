// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/generate/score.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace multitudes {

/// How the likelihoods of actions become probabilities of choosing them.
struct action_choice {
  /// 1: as likely as the model finds them; below, the likeliest gains. A temperature that makes
  /// them calibrated is fitted on observed choices (stats/calibration.hpp).
  float temperature = 1.0f;
  /// Divides an action's log-likelihood by its number of tokens, for actions of unequal lengths.
  bool per_token = false;
};

/// Errors:  invalid_argument for a temperature that is not positive and finite.
inline expected<void> validate(const action_choice& how) {
  if (how.temperature > 0 && std::isfinite(how.temperature)) return {};
  return fail({.code = errc::invalid_argument,
               .operation = "choose action",
               .place = "temperature",
               .found = std::to_string(how.temperature),
               .expected = "above 0, finite",
               .remedy = {}});
}

/// Makes log-likelihoods of actions the probabilities of choosing them.
///
/// Shapes:  log_p (n), in/out; n_tokens (n), at least 1 each.
inline void to_probabilities(std::span<double> log_p, std::span<const std::size_t> n_tokens,
                             const action_choice& how) noexcept {
  if (log_p.empty()) return;
  for (std::size_t i = 0; i < log_p.size(); ++i) {
    if (how.per_token) log_p[i] /= static_cast<double>(n_tokens[i]);
    log_p[i] /= static_cast<double>(how.temperature);
  }
  const double most = *std::max_element(log_p.begin(), log_p.end());
  double sum = 0;
  for (double& x : log_p) sum += x = std::exp(x - most);
  for (double& x : log_p) x /= sum;
}

/// Which of them a draw falls on.
///
/// Shapes:  probabilities (n), at least one.
inline std::size_t draw_action(std::span<const double> probabilities, philox random) noexcept {
  double left = static_cast<double>(random.uniform());
  std::size_t last = 0;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (!(probabilities[i] > 0)) continue;
    last = i;
    left -= probabilities[i];
    if (left < 0) break;
  }
  return last;
}

/// How probable each action is as what comes after a situation, under a plan.
///
/// Returns: (actions), which add up to 1.
/// Errors:  those of log_probabilities; invalid_argument for no actions, or one without tokens.
/// Cost:    one batched pass over all of them; each reads the situation anew (a stage shares it).
template <executor E>
expected<std::vector<double>> action_probabilities(batch& b, E& workers,
                                                   std::span<const token_id> situation,
                                                   std::span<const std::vector<token_id>> actions,
                                                   const action_choice& how = {},
                                                   const steering::attachment& under = {}) {
  if (auto ok = validate(how); !ok) return forward_error(ok);
  std::vector<scored_text> texts;
  std::vector<std::size_t> n_tokens;
  for (const auto& action : actions) {
    texts.push_back({{situation.begin(), situation.end()}, situation.size()});
    texts.back().tokens.insert(texts.back().tokens.end(), action.begin(), action.end());
    n_tokens.push_back(action.size());
  }
  if (texts.empty()) {
    return fail({.code = errc::invalid_argument,
                 .operation = "choose action",
                 .place = {},
                 .found = "no actions",
                 .expected = "at least one",
                 .remedy = {}});
  }
  auto log_p = log_probabilities(b, workers, texts, under);
  if (!log_p) return log_p;
  to_probabilities(*log_p, n_tokens, how);
  return log_p;
}

}  // namespace multitudes
