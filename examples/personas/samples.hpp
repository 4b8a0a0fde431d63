// SPDX-License-Identifier: MIT
#pragma once

#include "../or_exit.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/generate/sampler.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Personas of the default model: how they are learned, judged and measured.
namespace personas {

using namespace multitudes;
using example::or_exit;

/// How samples begin: with words that anybody would write, so that none begins with a line that
/// names an author.
inline constexpr std::array<std::string_view, 10> openings{
    "The", "It was", "And", "In the", "But", "There", "I have", "When", "This", "For"};

/// Another plan that takes part in a sample.
struct second_plan {
  steering::plan under{};
  std::size_t first = 1;   ///< token of the sample
  bool alternates = true;  ///< from there on it takes every second token; else all of them
};

/// A sample to write: how it begins, under which plan.
struct request {
  steering::plan under{};
  std::string prompt{};
  std::optional<second_plan> then{};
};

/// The plan for one token of a sample.
inline const steering::plan& plan_at(const request& r, std::size_t token) {
  const bool second =
      r.then && token >= r.then->first && (!r.then->alternates || (token - r.then->first) % 2 == 0);
  return second ? r.then->under : r.under;
}

/// What the model adds to each prompt, exactly `n_tokens` long: an end of the text is never
/// chosen, since it would leave too little to judge.
inline std::vector<std::vector<token_id>> sample_tokens(const language_model& lm,
                                                        thread_pool& workers,
                                                        std::span<const request> requests,
                                                        std::size_t n_tokens, const sampling& how) {
  constexpr std::size_t together = 64;
  struct text {
    std::vector<token_id> tokens;
    std::size_t n_prompt;
    sequence_id sequence;
    sampler draw;
  };
  std::vector<std::vector<token_id>> results;
  for (std::size_t first = 0; first < requests.size(); first += together) {
    const std::size_t n = std::min(together, requests.size() - first);
    std::vector<text> texts;
    std::size_t longest = 0;
    for (const request& r : requests.subspan(first, n)) {
      auto tokens = lm.tokenizer->encode(r.prompt);
      const std::size_t n_prompt = tokens.size();
      longest = std::max(longest, n_prompt);
      texts.push_back({std::move(tokens), n_prompt, sequence_id{},
                       sampler(how, lm.shape().vocab_size, first + texts.size())});
    }
    auto b = or_exit(batch::make(lm, {.n_sequences = n, .context = longest + n_tokens}));
    std::vector<feed> feeds(n);
    for (std::size_t i = 0; i < n; ++i) {
      texts[i].sequence = or_exit(b.open());
      or_exit(b.steer(texts[i].sequence, {requests[first + i].under, {}}));
      feeds[i] = {texts[i].sequence, texts[i].tokens, 1};
    }
    for (std::size_t step = 0; step < n_tokens; ++step) {
      or_exit(b.evaluate(workers, feeds, [&](feed_place at, std::span<float> logits) {
        text& t = texts[at.feed];
        if (const auto end = lm.tokenizer->eos()) {
          logits[end->value] = -std::numeric_limits<float>::infinity();
        }
        t.tokens.push_back(t.draw.choose(logits, t.tokens, position(t.tokens.size())));
      }));
      for (std::size_t i = 0; i < n; ++i) {
        feeds[i] = {texts[i].sequence, std::span(texts[i].tokens).last(1), 1};
        const request& r = requests[first + i];
        if (r.then) or_exit(b.steer(texts[i].sequence, {plan_at(r, step + 1), {}}));
      }
    }
    for (const text& t : texts) {
      results.emplace_back(t.tokens.begin() + static_cast<std::ptrdiff_t>(t.n_prompt),
                           t.tokens.end());
    }
  }
  return results;
}

/// The same as text.
inline std::vector<std::string> write_samples(const language_model& lm, thread_pool& workers,
                                              std::span<const request> requests,
                                              std::size_t n_tokens, const sampling& how) {
  std::vector<std::string> results;
  for (const auto& tokens : sample_tokens(lm, workers, requests, n_tokens, how)) {
    results.push_back(lm.tokenizer->decode(tokens));
  }
  return results;
}

/// `n` samples under one plan, after the openings in turn, each after the same `before`.
inline std::vector<request> requests_for(const steering::plan& under, std::size_t n,
                                         const std::string& before = {}) {
  std::vector<request> requests;
  for (std::size_t i = 0; i < n; ++i) {
    requests.push_back({under, before + std::string(openings[i % openings.size()])});
  }
  return requests;
}

}  // namespace personas
