// SPDX-License-Identifier: MIT
#pragma once

#include "helpers.hpp"

#include <multitudes/train/rollout.hpp>
#include <multitudes/train/schedule.hpp>
#include <multitudes/train/trainer.hpp>

#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace multitudes_test {

/// All answers of at most `max_tokens` to one prompt that a small model can give, so that the
/// best policy can be counted out: pi0 * exp(reward / kl_weight) / Z.
struct toy_policy {
  std::uint32_t vocab_size = 8;
  std::size_t max_tokens = 1;
  multitudes::token_id end{999};  ///< none by default
  std::vector<multitudes::token_id> prompt = tokens_of({1, 2});

  using answer = std::vector<multitudes::token_id>;
  using reward = std::function<double(std::span<const multitudes::token_id>)>;

  /// The head is larger than first weights have it: the model has opinions.
  [[nodiscard]] multitudes::train::trainer<> start() const {
    auto model = small_model(vocab_size, 3);
    for (std::uint32_t v = 0; v < vocab_size; ++v) {
      for (float& x : model.head().row(v)) x *= 10;
    }
    // Decay would pull away from the optimum.
    return *multitudes::train::trainer<>::make(std::move(model), limits(), {.weight_decay = 0});
  }
  [[nodiscard]] static multitudes::model::training_limits limits() {
    return {.max_rows = 1024, .max_document_rows = 16};
  }

  [[nodiscard]] std::vector<answer> answers() const {
    std::vector<answer> all, open{{}};
    while (!open.empty()) {
      answer a = open.back();
      open.pop_back();
      if (a.size() == max_tokens || (!a.empty() && a.back() == end)) {
        all.push_back(a);
        continue;
      }
      a.emplace_back(0u);
      for (std::uint32_t v = 0; v < vocab_size; ++v) {
        a.back() = multitudes::token_id(v);
        open.push_back(a);
      }
    }
    return all;
  }

  /// The probability of each of the answers.
  [[nodiscard]] std::vector<double> probabilities(multitudes::train::trainer<>& policy) const {
    std::vector<double> all;
    multitudes::inline_executor one;
    for (const answer& a : answers()) {
      multitudes::model::document_rows rows;
      auto text = prompt;
      text.insert(text.end(), a.begin(), a.end() - 1);
      rows.append(text);
      std::vector<std::size_t> asked;
      for (std::size_t t = 0; t < a.size(); ++t) asked.push_back(prompt.size() - 1 + t);
      (void)policy.forward(one, rows);
      double loss = 0;
      policy.visit_logits(one, asked, [&](std::size_t i, std::span<float> logits) {
        loss += multitudes::train::cross_entropy(logits, a[i], 1.0f);
      });
      all.push_back(std::exp(-loss));
    }
    return all;
  }

  /// `before`, tilted by exp(scale * reward).
  [[nodiscard]] std::vector<double> tilted(std::vector<double> before, const reward& r,
                                           double scale) const {
    const auto all = answers();
    double sum = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      before[i] *= std::exp(scale * r(all[i]));
      sum += before[i];
    }
    for (double& p : before) p /= sum;
    return before;
  }
};

/// How far `p` is from `q`, in nats: the mean under `p` of log(p / q).
inline double divergence(const std::vector<double>& p, const std::vector<double>& q) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += p[i] > 0 ? p[i] * std::log(p[i] / q[i]) : 0;
  return sum;
}

}  // namespace multitudes_test
