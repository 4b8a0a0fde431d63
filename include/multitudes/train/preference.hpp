// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/train/cross_entropy.hpp>
#include <multitudes/train/reference_policy.hpp>
#include <multitudes/train/trainer.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace multitudes::train {

/// Two answers to one prompt, of which the first is liked better.
struct preference {
  std::vector<token_id> prompt;
  std::vector<token_id> chosen;
  std::vector<token_id> rejected;
};

struct preference_report {
  double loss = 0;           ///< mean of -log sigmoid(margin), before the step
  double accuracy = 0;       ///< share of pairs with a positive margin
  double gradient_norm = 0;  ///< before clipping
};

/// Learns from preferences without rewards: raises the margin kl_weight * (log-ratio of the chosen
/// answer to the reference - that of the rejected one) of every pair. If the pairs follow a
/// Bradley-Terry model of some reward, the optimum is that of policy_gradient with this kl_weight.
///
/// Source:  Rafailov et al. 2023, arXiv:2305.18290 (DPO).
template <simd::product_precision P>
class preference_learning {
 public:
  using value = typename P::value;

  explicit preference_learning(double kl_weight) : kl_weight_(kl_weight) {}

  /// One step on the mean loss of the pairs; an empty answer counts as certain.
  ///
  /// Errors:  invalid_argument for an empty prompt or an unknown token; those of
  ///          training_pass::forward and adamw::update. The weights stay as they were.
  /// Cost:    two forward passes, a second look at the logits, and a backward pass.
  template <executor E>
  expected<preference_report> step(E& workers, trainer<P>& policy, reference_policy<P>& reference,
                                   std::span<const preference> pairs, double learning_rate) {
    if (auto ok = lay_out(pairs); !ok) return forward_error(ok);
    const std::size_t width = policy.values().shape().vocab_size;
    if (auto ok = detail::check_targets(targets_, width); !ok) return forward_error(ok);
    auto logs = reference.log_probabilities(workers, rows_, asked_);
    if (!logs) return forward_error(logs);
    if (auto ok = policy.forward(workers, rows_); !ok) return forward_error(ok);
    policy.visit_logits(workers, asked_, [&](std::size_t i, std::span<value> logits) {
      const double before = static_cast<double>((*logs)[i * width + targets_[i].value]);
      log_ratios_[i] = -cross_entropy(logits, targets_[i], value(1)) - before;
    });
    preference_report report = weigh(pairs);
    policy.backward(workers, asked_, [&](std::size_t i, std::span<value> logits) {
      cross_entropy(logits, targets_[i], static_cast<value>(weights_[i]));
    });
    auto norm = policy.apply(workers, learning_rate);
    if (!norm) return forward_error(norm);
    report.gradient_norm = *norm;
    return report;
  }

 private:
  expected<void> lay_out(std::span<const preference> pairs) {
    rows_.clear();
    asked_.clear();
    targets_.clear();
    std::vector<token_id> text;
    for (const preference& pair : pairs) {
      if (pair.prompt.empty()) {
        return fail({.code = errc::invalid_argument,
                     .operation = "learn from preferences",
                     .place = "pair " + std::to_string(&pair - pairs.data()),
                     .found = "no prompt",
                     .expected = "at least one token",
                     .remedy = "begin with the model's beginning-of-text token"});
      }
      for (const std::vector<token_id>* answer : {&pair.chosen, &pair.rejected}) {
        if (answer->empty()) continue;
        text = pair.prompt;
        text.insert(text.end(), answer->begin(), answer->end() - 1);
        const std::size_t first = rows_.size() + pair.prompt.size() - 1;
        rows_.append(text);
        for (std::size_t t = 0; t < answer->size(); ++t) asked_.push_back(first + t);
        targets_.insert(targets_.end(), answer->begin(), answer->end());
      }
    }
    log_ratios_.assign(asked_.size(), 0.0);
    weights_.assign(asked_.size(), 0.0);
    return {};
  }

  /// The loss, and what each token's cross-entropy weighs in its gradient.
  preference_report weigh(std::span<const preference> pairs) {
    preference_report report;
    const double n = static_cast<double>(std::max<std::size_t>(pairs.size(), 1));
    std::size_t i = 0;
    for (const preference& pair : pairs) {
      const std::size_t n_chosen = pair.chosen.size();
      const std::size_t n_rejected = pair.rejected.size();
      double margin = 0;
      for (std::size_t t = 0; t < n_chosen; ++t) margin += kl_weight_ * log_ratios_[i + t];
      for (std::size_t t = 0; t < n_rejected; ++t) {
        margin -= kl_weight_ * log_ratios_[i + n_chosen + t];
      }
      // log(1 + exp(-margin)), without overflow.
      report.loss += (std::max(-margin, 0.0) + std::log1p(std::exp(-std::abs(margin)))) / n;
      report.accuracy += margin > 0 ? 1 / n : 0;
      const double pull = kl_weight_ / (1 + std::exp(margin)) / n;
      for (std::size_t t = 0; t < n_chosen; ++t) weights_[i + t] = pull;
      for (std::size_t t = 0; t < n_rejected; ++t) weights_[i + n_chosen + t] = -pull;
      i += n_chosen + n_rejected;
    }
    return report;
  }

  double kl_weight_;
  model::document_rows rows_;
  std::vector<std::size_t> asked_;
  std::vector<token_id> targets_;   // (asked)
  std::vector<double> log_ratios_;  // (asked)
  std::vector<double> weights_;     // (asked)
};

}  // namespace multitudes::train
