// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/lab/measure/scorer.hpp>
#include <multitudes/lab/student.hpp>
#include <multitudes/train/rollout.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// What a student says to each prompt, `n_each` times, until `<end>` or so many tokens.
///
/// Errors:  those of batch and roll_out.
inline expected<std::vector<train::rollout>> speak(thread_pool& workers, const student& who,
                                                   const texts& prompts, std::size_t n_each,
                                                   std::size_t max_tokens, std::uint64_t seed) {
  language_model lm;
  lm.weights = std::make_shared<const model::weights>(who.weights->as_weights());
  auto speaker = batch::make(std::move(lm), {.n_sequences = 64, .context = 256});
  if (!speaker) return forward_error(speaker);
  return train::roll_out(
      workers, *speaker, prompts,
      {.n_per_prompt = n_each, .max_tokens = max_tokens, .end_token = word("<end>"), .seed = seed});
}

/// How far one student's expectations are from another's before each token of the answers:
/// KL(here || there) in nats, for each answer and place.
///
/// Shapes:  for each rollout (tokens of the answer)
/// Errors:  those of scorer.
/// Cost:    two forward passes; memory for one student's expectations.
inline expected<std::vector<std::vector<double>>> divergence_by_place(
    scorer& here, scorer& there, std::span<const train::rollout> answers) {
  texts all;
  std::vector<std::vector<double>> kl;
  for (const train::rollout& r : answers) {
    all.push_back(r.tokens);
    kl.emplace_back(r.answer().size());
  }
  const auto wanted = [&](std::size_t i, std::size_t t) {
    return t + 1 >= answers[i].n_prompt && t + 1 < all[i].size();
  };
  std::vector<float> table;
  auto first =
      there.predict(all, wanted, [&](std::size_t, std::size_t, std::span<const float> log_p) {
        table.insert(table.end(), log_p.begin(), log_p.end());
      });
  if (!first) return forward_error(first);
  std::size_t row = 0;
  auto second =
      here.predict(all, wanted, [&](std::size_t i, std::size_t t, std::span<const float> log_p) {
        const auto other = std::span(table).subspan(row++ * log_p.size(), log_p.size());
        double sum = 0;
        for (std::size_t v = 0; v < log_p.size(); ++v) {
          const double l = static_cast<double>(log_p[v]);
          sum += std::exp(l) * (l - static_cast<double>(other[v]));
        }
        kl[i][t + 1 - answers[i].n_prompt] = sum;
      });
  if (!second) return forward_error(second);
  return kl;
}

/// The mean over the answers of the sum over their places.
inline double mean_sum(std::span<const std::vector<double>> kl) noexcept {
  double sum = 0;
  for (const auto& answer : kl) {
    for (const double x : answer) sum += x;
  }
  return kl.empty() ? 0 : sum / static_cast<double>(kl.size());
}

}  // namespace multitudes::lab
