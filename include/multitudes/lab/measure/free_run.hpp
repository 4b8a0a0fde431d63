// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/lab/corpus/cursor.hpp>
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/measure/scorer.hpp>
#include <multitudes/lab/student.hpp>
#include <multitudes/train/rollout.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// What a student writes after each of these beginnings when nothing is chosen but by its own
/// probabilities: beginning and continuation together.
///
/// Errors:  those of roll_out.
/// Cost:    a forward pass for each token of as many texts as there are, up to 64 at a time.
inline expected<texts> write_on(thread_pool& workers, const student& who,
                                std::span<const std::vector<token_id>> beginnings,
                                std::size_t max_tokens, std::uint64_t seed) {
  language_model lm;
  lm.weights = std::make_shared<const model::weights>(who.weights->as_weights());
  const std::size_t n = std::min<std::size_t>(beginnings.size(), 64);
  if (n == 0) return texts();
  auto speaker = batch::make(std::move(lm), {.n_sequences = n, .context = 256});
  if (!speaker) return forward_error(speaker);
  auto said = train::roll_out(
      workers, *speaker, beginnings,
      {.n_per_prompt = 1, .max_tokens = max_tokens, .end_token = word("<end>"), .seed = seed});
  if (!said) return forward_error(said);
  texts all;
  for (train::rollout& r : *said) all.push_back(std::move(r.tokens));
  return all;
}

/// As much of a text as is a beginning of a document of this gazette and ends where an item may
/// begin: what a student wrote stops in the middle, and may be no gazette at all.
inline std::vector<token_id> whole_items(const gazette& g, std::span<const token_id> tokens) {
  cursor at(g);
  choice_scratch scratch;
  std::size_t good = 0;
  for (std::size_t i = 0; i < tokens.size() && !at.is_done(); ++i) {
    if (!at.next(scratch).find(tokens[i])) break;
    at.take(tokens[i]);
    if (at.ended_item()) good = i + 1;
  }
  return {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(good)};
}

}  // namespace multitudes::lab
