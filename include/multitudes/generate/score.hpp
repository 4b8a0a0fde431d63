// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/batch.hpp>
#include <multitudes/simd/kernel_set.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace multitudes {

/// A text of which the tokens from `first_scored` on are judged, given all before them.
struct scored_text {
  std::vector<token_id> tokens;
  std::size_t first_scored = 1;

  [[nodiscard]] std::size_t n_scored() const noexcept { return tokens.size() - first_scored; }
};

/// The natural logarithm of the sum of exp(logits), which turns logits into log-probabilities; the
/// logits are lost.
///
/// Cost:    two passes over the vocabulary; no allocation.
inline double log_normalizer(std::span<float> logits) noexcept {
  const simd::kernel_set& kernels = simd::active_kernels();
  const float top = kernels.largest(logits.data(), logits.size());
  return static_cast<double>(top) +
         std::log(static_cast<double>(kernels.exp_sum(logits.data(), logits.size(), top)));
}

/// The natural logarithm of the probability that `logits` give to `token`; the logits are lost.
///
/// Cost:    two passes over the vocabulary; no allocation.
inline double log_probability(std::span<float> logits, token_id token) noexcept {
  const auto wanted = static_cast<double>(logits[token.value]);
  return wanted - log_normalizer(logits);
}

/// How likely the model finds texts under a plan: for each, the sum over its scored tokens of
/// their log-probabilities, in nats. To the plan, scored tokens are written ones, as if the model
/// had chosen them, and those before are read.
///
/// Errors:  invalid_argument if a text has no token before the first that is scored, or scores
///          none; out_of_memory if one is longer than the batch's context; space_mismatch.
/// Cost:    one batched pass for each n_sequences texts.
template <executor E>
expected<std::vector<double>> log_probabilities(batch& b, E& workers,
                                                std::span<const scored_text> texts,
                                                const steering::attachment& under = {}) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].first_scored == 0 || texts[i].first_scored >= texts[i].tokens.size()) {
      return fail({.code = errc::invalid_argument,
                   .operation = "score texts",
                   .place = "text " + std::to_string(i),
                   .found = "first scored token " + std::to_string(texts[i].first_scored) + " of " +
                            std::to_string(texts[i].tokens.size()),
                   .expected = "at least one token before it and one to score",
                   .remedy = "begin texts with the model's beginning-of-text token"});
    }
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    // The batch checks the others; the last one is only scored.
    const token_id last = texts[i].tokens.back();
    if (last.value < b.lm().shape().vocab_size) continue;
    return fail({.code = errc::invalid_argument,
                 .operation = "score texts",
                 .place = "text " + std::to_string(i) + ", last token",
                 .found = std::to_string(last.value),
                 .expected = "less than " + std::to_string(b.lm().shape().vocab_size),
                 .remedy = "encode with this model's tokenizer"});
  }
  std::vector<double> sums(texts.size(), 0.0);
  std::vector<sequence_id> open;
  std::vector<feed> feeds;
  std::vector<std::vector<steering::token_source>> sources;
  std::size_t next = 0;
  expected<void> outcome;
  while (outcome && next < texts.size()) {
    const std::size_t first = next;
    for (; next < texts.size(); ++next) {
      auto s = b.open();
      if (!s) {
        if (next == first) outcome = forward_error(s);
        break;
      }
      open.push_back(*s);
      if (outcome = b.steer(*s, under); !outcome) break;
      // The last token is only scored, never continued.
      const scored_text& text = texts[next];
      const std::size_t n = text.tokens.size() - 1;
      sources.emplace_back(n, steering::token_source::written);
      std::fill_n(sources.back().begin(), text.first_scored, steering::token_source::read);
      feeds.push_back({*s, std::span(text.tokens).first(n), text.n_scored(), sources.back()});
    }
    if (outcome) {
      outcome = b.evaluate(workers, feeds, [&](feed_place place, std::span<float> logits) {
        const scored_text& text = texts[first + place.feed];
        sums[first + place.feed] += log_probability(logits, text.tokens[place.token + 1]);
      });
    }
    for (const sequence_id s : open) b.close(s);
    open.clear();
    feeds.clear();
    sources.clear();
  }
  if (!outcome) return forward_error(outcome);
  return sums;
}

}  // namespace multitudes
