// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/simd/softmax.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace multitudes::train {

/// What a policy said to a prompt.
struct rollout {
  std::vector<token_id> tokens;           ///< the prompt, then the answer
  std::size_t n_prompt = 0;               ///< tokens of the prompt
  std::vector<double> log_probabilities;  ///< of each token of the answer, when it was said
  bool ended = false;                     ///< with the end token, which is the answer's last

  [[nodiscard]] std::span<const token_id> answer() const noexcept {
    return std::span(tokens).subspan(n_prompt);
  }
};

struct rollout_options {
  std::size_t n_per_prompt = 8;
  std::size_t max_tokens = 64;  ///< of an answer
  token_id end_token{0};        ///< ends an answer, and belongs to it
  std::uint64_t seed = 1;
  std::uint64_t first_stream = 0;  ///< of the first rollout's random numbers; the next has the next
};

namespace detail {

/// A token drawn from the softmax of the logits, which become probabilities.
inline token_id draw(std::span<float> logits, philox& random) noexcept {
  simd::softmax<simd::native, float>(logits);
  const double u = static_cast<double>(random.uniform());
  double sum = 0;
  std::size_t last_possible = 0;
  for (std::size_t v = 0; v < logits.size(); ++v) {
    if (!(logits[v] > 0)) continue;
    sum += static_cast<double>(logits[v]);
    last_possible = v;
    if (u < sum) break;
  }
  return token_id(static_cast<std::uint32_t>(last_possible));
}

}  // namespace detail

/// Samples answers to prompts exactly from the model's own distribution (temperature 1, nothing
/// cut off: policy gradients assume it), `n_per_prompt` for each prompt and in that order. Each
/// prompt is computed once and shared. The result does not depend on how many sequences the batch
/// holds.
///
/// Errors:  invalid_argument if a prompt is empty, max_tokens is 0, or n_per_prompt is 0 or above
///          the batch's sequences; those of batch; non_finite if the model gives no numbers.
/// Cost:    one pass over the weights for each answer position of as many answers as fit.
template <executor E>
expected<std::vector<rollout>> roll_out(E& workers, batch& b,
                                        std::span<const std::vector<token_id>> prompts,
                                        const rollout_options& options) {
  const std::size_t each = options.n_per_prompt;
  const std::size_t n_sequences = b.cache().n_sequences();
  if (each == 0 || each > n_sequences) {
    return fail({.code = errc::invalid_argument,
                 .operation = "roll out",
                 .place = "n_per_prompt",
                 .found = std::to_string(each),
                 .expected = "1 to the batch's " + std::to_string(n_sequences) + " sequences",
                 .remedy = "make the batch with more sequences"});
  }
  if (options.max_tokens == 0) {
    return fail({.code = errc::invalid_argument,
                 .operation = "roll out",
                 .place = "max_tokens",
                 .found = "0",
                 .expected = "at least 1",
                 .remedy = {}});
  }
  std::vector<rollout> all(prompts.size() * each);
  std::vector<sequence_id> sequences(all.size());
  std::vector<std::size_t> active;  // rollouts that go on
  std::vector<feed> feeds;
  bool broken = false;
  // Draws the next token of a rollout, and notes whether it goes on.
  const auto draw = [&](std::size_t i, std::span<float> logits) {
    rollout& r = all[i];
    philox random(options.seed, options.first_stream + i, r.log_probabilities.size());
    const token_id token = detail::draw(logits, random);
    const float p = logits[token.value];
    broken = broken || !(p > 0);
    r.tokens.push_back(token);
    r.log_probabilities.push_back(std::log(static_cast<double>(p)));
    r.ended = token == options.end_token;
  };
  const std::size_t wave = n_sequences / each;  // prompts at the same time
  for (std::size_t first = 0; first < prompts.size(); first += wave) {
    const std::size_t last = std::min(first + wave, prompts.size());
    feeds.clear();
    active.clear();
    expected<void> ok;
    for (std::size_t p = first; p < last && ok; ++p) {
      auto s = b.open();
      if (!s) {
        ok = forward_error(s);
        break;
      }
      sequences[p * each] = *s;
      active.push_back(p * each);
      feeds.push_back({*s, prompts[p], 1});
      if (prompts[p].empty()) {
        ok = fail({.code = errc::invalid_argument,
                   .operation = "roll out",
                   .place = "prompt " + std::to_string(p),
                   .found = "no tokens",
                   .expected = "at least one",
                   .remedy = "begin with the model's beginning-of-text token"});
      }
    }
    if (ok) {
      std::vector<float> first_logits;
      ok = b.evaluate(workers, feeds, [&](feed_place at, std::span<float> logits) {
        for (std::size_t k = 0; k < each; ++k) {
          rollout& r = all[(first + at.feed) * each + k];
          r.tokens.assign(prompts[first + at.feed].begin(), prompts[first + at.feed].end());
          r.n_prompt = r.tokens.size();
          first_logits.assign(logits.begin(), logits.end());
          draw((first + at.feed) * each + k, first_logits);
        }
      });
    }
    for (std::size_t p = first; p < last && ok; ++p) {
      for (std::size_t k = 1; k < each && ok; ++k) {
        auto s = b.fork(sequences[p * each]);
        if (!s) {
          ok = forward_error(s);
          break;
        }
        sequences[p * each + k] = *s;
        active.push_back(p * each + k);
      }
    }
    const std::vector<std::size_t> opened = active;
    while (ok && !broken) {
      std::erase_if(active, [&](std::size_t i) {
        return all[i].ended || all[i].answer().size() >= options.max_tokens;
      });
      if (active.empty()) break;
      feeds.clear();
      for (const std::size_t i : active) {
        feeds.push_back({sequences[i], std::span(all[i].tokens).last(1), 1});
      }
      ok = b.evaluate(workers, feeds, [&](feed_place at, std::span<float> logits) {
        draw(active[at.feed], logits);
      });
    }
    for (const std::size_t i : opened) b.close(sequences[i]);
    if (!ok) return forward_error(ok);
    if (broken) {
      return fail({.code = errc::non_finite,
                   .operation = "roll out",
                   .place = "logits",
                   .found = "NaN or infinity",
                   .expected = "numbers",
                   .remedy = "lower the learning rate, or go back to an earlier checkpoint"});
    }
  }
  return all;
}

}  // namespace multitudes::train
