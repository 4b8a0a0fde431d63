// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/measure/scorer.hpp>
#include <multitudes/lab/measure/steered_scorer.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// The mean of what leaves block `layer` at the last token of each text: (model_dim).
///
/// Errors:  those of scorer::states.
inline expected<std::vector<double>> mean_last_state(scorer& asked,
                                                     std::span<const std::vector<token_id>> all,
                                                     layer_index layer) {
  std::vector<double> mean(asked.who().shape().model_dim);
  auto done = asked.states(
      all, layer, [&](std::size_t i, std::size_t t) { return t + 1 == all[i].size(); },
      [&](std::size_t, std::size_t, std::span<const float> h) {
        for (std::size_t e = 0; e < mean.size(); ++e) {
          mean[e] += static_cast<double>(h[e]) / static_cast<double>(all.size());
        }
      });
  if (!done) return forward_error(done);
  return mean;
}

/// How probable `next` is after each text to a student in whom what leaves block `layer` at the
/// text's last token was replaced by `state`.
///
/// Shapes:  state (model_dim); the result: texts
/// Errors:  those of scorer::states and steered_scorer.
/// Source:  Hendel et al. 2023, arXiv:2310.15916 (task vectors).
inline expected<std::vector<double>> probability_with_state(
    scorer& asked, steered_scorer& steered, std::span<const std::vector<token_id>> all,
    layer_index layer, std::span<const double> state, token_id next) {
  std::vector<steering::attachment> each;
  expected<void> ok;
  auto done = asked.states(
      all, layer, [&](std::size_t i, std::size_t t) { return t + 1 == all[i].size(); },
      [&](std::size_t i, std::size_t t, std::span<const float> h) {
        std::vector<float> offset;
        for (std::size_t e = 0; e < h.size(); ++e) {
          offset.push_back(static_cast<float>(state[e] - static_cast<double>(h[e])));
        }
        auto plan = push_plan(steered.space(), layer, offset);
        if (!plan && ok) ok = forward_error(plan);
        if (!plan) return;
        each.push_back({.what = *std::move(plan),
                        .where = {.first = position(t), .last = position(all[i].size())}});
      });
  if (!done) return forward_error(done);
  if (!ok) return forward_error(ok);
  std::vector<double> p(all.size());
  done = steered.predict_next(all, each, [&](std::size_t i, std::span<const float> log_p) {
    p[i] = std::exp(static_cast<double>(log_p[next.value]));
  });
  if (!done) return forward_error(done);
  return p;
}

}  // namespace multitudes::lab
