// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/generate/score.hpp>
#include <multitudes/steering/attachment.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// log p of each token of a continuation, nats.
using token_nats = std::vector<double>;

inline double sum_of(const token_nats& nats) noexcept {
  return std::accumulate(nats.begin(), nats.end(), 0.0);
}

/// What a model expects of texts that might follow a context, token by token. The context is read
/// once.
///
/// Shapes:  one row for each continuation, with a number for each of its tokens.
/// Errors:  invalid_argument for an empty context or continuation, or an unknown last token; those
///          of batch::evaluate; out_of_memory if the batch has no room for two sequences.
/// Cost:    a pass over the context, and batched ones over the continuations.
template <executor E>
expected<std::vector<token_nats>> score_continuations(
    batch& b, E& workers, std::span<const token_id> context,
    std::span<const std::vector<token_id>> continuations, const steering::attachment& under = {}) {
  const auto refuse = [](std::string place, std::string found, std::string wanted) {
    return fail({.code = errc::invalid_argument,
                 .operation = "score continuations",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  };
  if (context.empty()) return refuse("context", "no tokens", "at least one");
  for (std::size_t i = 0; i < continuations.size(); ++i) {
    const std::string place = "continuation " + std::to_string(i);
    if (continuations[i].empty()) return refuse(place, "no tokens", "at least one");
    // The batch checks the others; the last one is only scored.
    if (continuations[i].back().value >= b.lm().shape().vocab_size) {
      return refuse(place, "token " + std::to_string(continuations[i].back().value),
                    "less than " + std::to_string(b.lm().shape().vocab_size));
    }
  }
  auto root = b.open();
  if (!root) return forward_error(root);
  auto outcome = b.steer(*root, under);
  if (outcome && context.size() > 1) {
    const feed start{*root, context.first(context.size() - 1), 0};
    outcome = b.evaluate(workers, std::span(&start, 1));
  }
  std::vector<token_nats> result(continuations.size());
  std::vector<std::vector<token_id>> fed;
  std::vector<feed> feeds;
  std::size_t next = 0;
  while (outcome && next < continuations.size()) {
    const std::size_t first = next;
    fed.clear();
    feeds.clear();
    for (; next < continuations.size(); ++next) {
      auto s = b.fork(*root);
      if (!s) {
        if (next == first) outcome = forward_error(s);
        break;
      }
      auto& tokens = fed.emplace_back(1, context.back());
      tokens.insert(tokens.end(), continuations[next].begin(), continuations[next].end() - 1);
      feeds.push_back({*s, {}, tokens.size()});
    }
    for (std::size_t i = 0; i < feeds.size(); ++i) feeds[i].tokens = fed[i];
    if (outcome) {
      outcome = b.evaluate(workers, feeds, [&](feed_place place, std::span<float> logits) {
        const std::size_t i = first + place.feed;
        result[i].push_back(log_probability(logits, continuations[i][place.token]));
      });
    }
    for (const feed& f : feeds) b.close(f.sequence);
  }
  b.close(*root);
  if (!outcome) return forward_error(outcome);
  return result;
}

}  // namespace multitudes::lab
