// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/batch.hpp>
#include <multitudes/generate/score.hpp>
#include <multitudes/observe/posterior.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// Reads who is speaking from how likely the model finds the text after each persona's label (a
/// prompt that names it, or shows it): log p(text up to here | label). It presumes that the model
/// knows the labels, and is then the model's own Bayes rule, carried out by hand.
///
/// Shapes:  labels (n_personas), each at least one token; the trace has a step for each token of
///          the text.
/// Errors:  invalid_argument without labels or text, or for an empty label; those of
///          batch::evaluate.
/// Cost:    a batched pass over label and text for each persona.
template <executor E>
expected<evidence_trace> label_evidence(batch& b, E& workers,
                                        std::span<const std::vector<token_id>> labels,
                                        std::span<const token_id> text) {
  const auto refuse = [](std::string place) {
    return fail({.code = errc::invalid_argument,
                 .operation = "read evidence by labels",
                 .place = std::move(place),
                 .found = "no tokens",
                 .expected = "at least one",
                 .remedy = "begin labels with the model's beginning-of-text token"});
  };
  if (labels.empty() || text.empty()) return refuse(labels.empty() ? "labels" : "text");
  for (std::size_t k = 0; k < labels.size(); ++k) {
    if (labels[k].empty()) return refuse("label " + std::to_string(k));
  }
  if (text.back().value >= b.lm().shape().vocab_size) {  // the batch never sees the last one
    return fail({.code = errc::invalid_argument,
                 .operation = "read evidence by labels",
                 .place = "last token",
                 .found = std::to_string(text.back().value),
                 .expected = "less than " + std::to_string(b.lm().shape().vocab_size),
                 .remedy = "encode with this model's tokenizer"});
  }
  evidence_trace trace{labels.size(), std::vector<double>(text.size() * labels.size(), 0.0)};
  std::vector<std::vector<token_id>> whole;
  for (const auto& label : labels) {
    whole.push_back(label);
    whole.back().insert(whole.back().end(), text.begin(), text.end() - 1);
  }
  std::vector<feed> feeds;
  expected<void> outcome;
  std::size_t next = 0;
  while (outcome && next < labels.size()) {
    const std::size_t first = next;
    feeds.clear();
    for (; next < labels.size(); ++next) {
      auto s = b.open();
      if (!s) {
        if (next == first) outcome = forward_error(s);
        break;
      }
      feeds.push_back({*s, whole[next], text.size()});
    }
    if (outcome) {
      outcome = b.evaluate(workers, feeds, [&](feed_place place, std::span<float> logits) {
        const std::size_t k = first + place.feed;
        const std::size_t t = place.token + 1 - labels[k].size();
        trace.nats[t * labels.size() + k] = log_probability(logits, text[t]);
      });
    }
    for (const feed& f : feeds) b.close(f.sequence);
  }
  if (!outcome) return forward_error(outcome);
  for (std::size_t i = labels.size(); i < trace.nats.size(); ++i) {
    trace.nats[i] += trace.nats[i - labels.size()];
  }
  return trace;
}

}  // namespace multitudes
