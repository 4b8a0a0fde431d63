// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/simd/softmax.hpp>
#include <multitudes/simd/vector_ops.hpp>
#include <multitudes/train/cross_entropy.hpp>
#include <multitudes/train/reference_policy.hpp>
#include <multitudes/train/rollout.hpp>
#include <multitudes/train/trainer.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::train {

struct policy_options {
  double kl_weight = 0.1;  ///< reward that one nat of divergence from the reference costs
  /// How far a token's probability may move from the one it was sampled with before it stops
  /// counting (PPO): allows several steps on the same rollouts. 0: no limit and no ratio
  /// (REINFORCE), for one step on each.
  double clip = 0;
  /// Tokens of an answer before this one get no credit for what comes after them: neither for the
  /// reward nor for later divergence. They keep their own place's leash.
  std::size_t first_credited = 0;
};

struct policy_report {
  double kl = 0;             ///< nats from the reference, mean over rollouts of the sum over tokens
  double gradient_norm = 0;  ///< before clipping
  double clipped = 0;        ///< share of tokens that no longer counted
};

/// One step up the policy gradient of mean reward minus kl_weight times the divergence from the
/// reference. The divergence is computed over the whole vocabulary after every token of an answer,
/// not estimated from the token said, and a token answers for the divergence that follows it.
/// `advantages` decide between REINFORCE with a baseline and GRPO, `clip` between these and PPO.
///
/// Shapes:  advantages (rollouts).
/// Errors:  shape_mismatch if there is not one advantage for each rollout, or with `clip` one
///          log-probability for each token of an answer; invalid_argument for an empty prompt or an
///          unknown token; those of training_pass::forward and adamw::update. The weights stay as
///          they were.
/// Cost:    two forward passes, a second look at the logits, and a backward pass.
/// Source:  Williams 1992; Schulman et al. 2017, arXiv:1707.06347; Shao et al. 2024,
///          arXiv:2402.03300.
template <simd::product_precision P>
class policy_gradient {
 public:
  using value = typename P::value;

  explicit policy_gradient(policy_options options) : options_(options) {}

  template <executor E>
  expected<policy_report> step(E& workers, trainer<P>& policy, reference_policy<P>& reference,
                               std::span<const rollout> rollouts,
                               std::span<const double> advantages, double learning_rate) {
    const std::size_t width = policy.values().shape().vocab_size;
    if (auto ok = check(rollouts, advantages, width); !ok) return forward_error(ok);
    lay_out(rollouts);
    auto logs = reference.log_probabilities(workers, rows_, asked_);
    if (!logs) return forward_error(logs);
    if (auto ok = policy.forward(workers, rows_); !ok) return forward_error(ok);
    policy.visit_logits(workers, asked_, [&](std::size_t i, std::span<value> logits) {
      steps_[i].observe(logits, logs->subspan(i * width, width));
    });
    const policy_report seen = credit(rollouts, advantages);
    // The objective is a mean over rollouts.
    const value share = value(1) / static_cast<value>(std::max<std::size_t>(rollouts.size(), 1));
    const value leash = static_cast<value>(options_.kl_weight);
    policy.backward(workers, asked_, [&](std::size_t i, std::span<value> logits) {
      steps_[i].differentiate(logits, logs->subspan(i * width, width), leash, share);
    });
    auto norm = policy.apply(workers, learning_rate);
    if (!norm) return forward_error(norm);
    return policy_report{seen.kl, *norm, seen.clipped};
  }

 private:
  /// One token of an answer.
  struct said_token {
    token_id token{0};
    double log_probability = 0;  // now
    double kl = 0;               // of the distribution it was chosen from
    double credit = 0;           // weight of the gradient of its log-probability

    void observe(std::span<value> logits, std::span<const value> reference) noexcept {
      const value largest = simd::max<simd::native, value>(logits);
      const double of_token = static_cast<double>(logits[token.value]);
      double sum = 0, along = 0;
      for (std::size_t v = 0; v < logits.size(); ++v) {
        const double e = std::exp(static_cast<double>(logits[v]) - static_cast<double>(largest));
        sum += e;
        along += e * (static_cast<double>(logits[v]) - static_cast<double>(reference[v]));
      }
      const double normalizer = static_cast<double>(largest) + std::log(sum);
      log_probability = of_token - normalizer;
      kl = along / sum - normalizer;
    }

    void differentiate(std::span<value> logits, std::span<const value> reference, value leash,
                       value share) const noexcept {
      // The probabilities that `observe` saw: the weights have not changed since.
      const value normalizer =
          static_cast<value>(static_cast<double>(logits[token.value]) - log_probability);
      const value pull = static_cast<value>(credit);
      const value divergence = static_cast<value>(kl);
      for (std::size_t v = 0; v < logits.size(); ++v) {
        const value log_p = logits[v] - normalizer;
        const value p = std::exp(log_p);
        logits[v] = share * p * (pull + leash * (log_p - reference[v] - divergence));
      }
      logits[token.value] -= share * pull;
    }
  };

  expected<void> check(std::span<const rollout> rollouts, std::span<const double> advantages,
                       std::size_t vocab_size) const {
    const auto bad = [](errc code, std::string place, std::size_t found, std::string wanted) {
      return fail({.code = code,
                   .operation = "policy gradient",
                   .place = std::move(place),
                   .found = std::to_string(found),
                   .expected = std::move(wanted),
                   .remedy = {}});
    };
    if (advantages.size() != rollouts.size()) {
      return bad(errc::shape_mismatch, "advantages", advantages.size(),
                 std::to_string(rollouts.size()) + ", one for each rollout");
    }
    for (std::size_t i = 0; i < rollouts.size(); ++i) {
      const rollout& r = rollouts[i];
      const std::string place = "rollout " + std::to_string(i);
      if (r.n_prompt == 0 || r.n_prompt > r.tokens.size()) {
        return bad(errc::invalid_argument, place + ", n_prompt", r.n_prompt,
                   "1 to its " + std::to_string(r.tokens.size()) + " tokens");
      }
      if (auto ok = detail::check_targets(r.answer(), vocab_size); !ok) return ok;
      if (options_.clip > 0 && r.log_probabilities.size() != r.answer().size()) {
        return bad(errc::shape_mismatch, place + ", log_probabilities", r.log_probabilities.size(),
                   std::to_string(r.answer().size()));
      }
    }
    return {};
  }

  void lay_out(std::span<const rollout> rollouts) {
    rows_.clear();
    asked_.clear();
    steps_.clear();
    for (const rollout& r : rollouts) {
      if (r.answer().empty()) continue;
      const std::size_t first = rows_.size() + r.n_prompt - 1;
      rows_.append(std::span(r.tokens).first(r.tokens.size() - 1));
      for (std::size_t t = 0; t < r.answer().size(); ++t) {
        asked_.push_back(first + t);
        steps_.push_back({r.answer()[t], 0, 0, 0});
      }
    }
  }

  /// What each token is to be praised or blamed for: its rollout's advantage, less what the
  /// divergence after it costs above the mean of the rollouts that are as long.
  policy_report credit(std::span<const rollout> rollouts, std::span<const double> advantages) {
    std::vector<double> later_sums, counts;  // by place in the answer
    const auto over_tokens = [&](const auto& f) {
      std::size_t i = 0;
      for (std::size_t r = 0; r < rollouts.size(); ++r) {
        const std::size_t n = rollouts[r].answer().size();
        double later = 0;
        for (std::size_t t = n; t-- > 0;) {
          f(r, t, steps_[i + t], later);
          later += steps_[i + t].kl;
        }
        i += n;
      }
    };
    policy_report seen;
    over_tokens([&](std::size_t, std::size_t t, const said_token& s, double later) {
      if (later_sums.size() <= t) {
        later_sums.resize(t + 1);
        counts.resize(t + 1);
      }
      later_sums[t] += later;
      counts[t] += 1;
      seen.kl += s.kl;
    });
    double n_clipped = 0;
    over_tokens([&](std::size_t r, std::size_t t, said_token& s, double later) {
      const double others = counts[t] > 1 ? (later_sums[t] - later) / (counts[t] - 1) : 0.0;
      const double cost = options_.kl_weight * (later - others);
      s.credit = t < options_.first_credited ? 0 : advantages[r] - cost;
      if (options_.clip > 0) {
        const double ratio = std::exp(s.log_probability - rollouts[r].log_probabilities[t]);
        const bool is_far = s.credit > 0 ? ratio > 1 + options_.clip : ratio < 1 - options_.clip;
        n_clipped += is_far ? 1 : 0;
        s.credit = is_far ? 0 : s.credit * ratio;
      }
    });
    seen.kl /= static_cast<double>(std::max<std::size_t>(rollouts.size(), 1));
    seen.clipped = n_clipped / static_cast<double>(std::max<std::size_t>(steps_.size(), 1));
    return seen;
  }

  policy_options options_;
  model::document_rows rows_;
  std::vector<std::size_t> asked_;
  std::vector<said_token> steps_;  // (asked)
};

}  // namespace multitudes::train
