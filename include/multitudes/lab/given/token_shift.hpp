// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/generate/score.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// What tuning changed at one place of a text.
struct token_shift {
  double kl = 0;         ///< KL(tuned || base), nats
  std::size_t rank = 0;  ///< of the tuned model's favorite in the base model, from 0
  token_id favorite{0};  ///< of the tuned model
};

/// Two models of one tokenizer, whose predictions can be compared token by token.
///
/// Errors:  shape_mismatch if the vocabularies differ, naming the first piece that does.
inline expected<void> check_same_tokenizer(const language_model& a, const language_model& b) {
  const auto refuse = [](std::string place, std::string found, std::string wanted) {
    return fail({.code = errc::shape_mismatch,
                 .operation = "compare two models",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = "give a tuned model that was made from the base model"});
  };
  const std::size_t n = a.tokenizer->vocab_size();
  if (n != b.tokenizer->vocab_size() || a.shape().vocab_size != b.shape().vocab_size) {
    return refuse("vocabulary", std::to_string(b.tokenizer->vocab_size()) + " pieces",
                  std::to_string(n) + ", as in the base model");
  }
  for (std::size_t i = 0; i < n; ++i) {
    const token_id token(static_cast<std::uint32_t>(i));
    if (a.tokenizer->bytes_of(token) != b.tokenizer->bytes_of(token)) {
      return refuse("token " + std::to_string(i), "another piece than in the base model",
                    "the same tokenizer");
    }
  }
  return {};
}

namespace detail {

/// All log-probabilities of what follows each of the last `n_last` tokens: (n_last, vocab_size).
template <executor E>
expected<std::vector<float>> next_log_probabilities(batch& b, E& workers,
                                                    std::span<const token_id> text,
                                                    std::size_t n_last) {
  auto s = b.open();
  if (!s) return forward_error(s);
  const std::size_t vocab = b.lm().shape().vocab_size;
  std::vector<float> table;
  table.reserve(n_last * vocab);
  std::vector<float> copy(vocab);
  const feed whole{*s, text, n_last};
  auto outcome =
      b.evaluate(workers, std::span(&whole, 1), [&](feed_place, std::span<float> logits) {
        std::copy(logits.begin(), logits.end(), copy.begin());
        const auto normalizer = static_cast<float>(log_normalizer(copy));
        for (const float x : logits) table.push_back(x - normalizer);
      });
  b.close(*s);
  if (!outcome) return forward_error(outcome);
  return table;
}

}  // namespace detail

/// What tuning changed after each of the last `n_last` tokens of a text, in order.
///
/// Errors:  invalid_argument without tokens, or for more of the last than there are;
///          shape_mismatch for models of different vocabularies; those of batch::evaluate.
/// Cost:    a pass of each model; 8 bytes for each place and piece of the vocabulary.
template <executor E>
expected<std::vector<token_shift>> token_shifts(batch& base, batch& tuned, E& workers,
                                                std::span<const token_id> text,
                                                std::size_t n_last) {
  if (n_last == 0 || n_last > text.size()) {
    return fail({.code = errc::invalid_argument,
                 .operation = "compare two models",
                 .place = "n_last",
                 .found = std::to_string(n_last),
                 .expected = "1 to " + std::to_string(text.size()),
                 .remedy = {}});
  }
  const std::size_t vocab = base.lm().shape().vocab_size;
  if (tuned.lm().shape().vocab_size != vocab) {
    auto differ = check_same_tokenizer(base.lm(), tuned.lm());
    if (!differ) return forward_error(differ);
  }
  auto before = detail::next_log_probabilities(base, workers, text, n_last);
  if (!before) return forward_error(before);
  auto after = detail::next_log_probabilities(tuned, workers, text, n_last);
  if (!after) return forward_error(after);
  std::vector<token_shift> shifts(n_last);
  for (std::size_t i = 0; i < n_last; ++i) {
    const auto p = std::span(*after).subspan(i * vocab, vocab);
    const auto q = std::span(*before).subspan(i * vocab, vocab);
    const auto best = static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
    shifts[i].favorite = token_id(static_cast<std::uint32_t>(best));
    double kl = 0;
    for (std::size_t v = 0; v < vocab; ++v) {
      const double log_p = static_cast<double>(p[v]);
      kl += std::exp(log_p) * (log_p - static_cast<double>(q[v]));
      if (q[v] > q[best]) ++shifts[i].rank;
    }
    shifts[i].kl = std::max(0.0, kl);
  }
  return shifts;
}

}  // namespace multitudes::lab
