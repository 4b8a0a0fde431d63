// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/generate/session.hpp>
#include <multitudes/simd/vector_ops.hpp>
#include <multitudes/steering/residual_norms.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace multitudes {

/// Measures how long a typical residual row is after each block, on a text that the model writes
/// itself (temperature 1, fixed seed): the same model always gives the same norms. The first
/// position is left out, because models park an oversized row there.
///
/// Errors:  out_of_memory; invalid_argument for no tokens.
/// Cost:    `n_tokens` decoded tokens.
template <executor E>
expected<steering::residual_norms> calibrate(const language_model& lm, E& workers,
                                             std::size_t n_tokens = 64) {
  if (n_tokens == 0 || n_tokens > lm.shape().context_length + std::size_t{65536}) {
    return fail({.code = errc::invalid_argument,
                 .operation = "calibrate",
                 .place = "n_tokens",
                 .found = std::to_string(n_tokens),
                 .expected = "at least 1, and no more than the model can hold",
                 .remedy = {}});
  }
  auto s = session<E>::make(lm, {.context = n_tokens + 2, .how = {.temperature = 1.0f, .seed = 1}},
                            workers);
  if (!s) return forward_error(s);
  const std::size_t n_layers = lm.shape().n_layers;
  std::vector<std::vector<float>> norms(n_layers);
  const auto measure = [&](feed_place, layer_index layer, std::span<const float> h) {
    norms[layer.value].push_back(std::sqrt(simd::sum_of_squares<simd::native, float>(h)));
  };
  const token_id first = lm.tokenizer->bos().value_or(token_id(0));
  if (auto ok = s->read(std::span(&first, 1)); !ok) return forward_error(ok);
  // The last choice is not evaluated any more, hence one more than is measured.
  for (std::size_t i = 0; i <= n_tokens; ++i) {
    auto token = s->next(measure);
    if (!token) return forward_error(token);
  }
  steering::residual_norms result{lm.space(), std::vector<float>(n_layers)};
  for (std::size_t l = 0; l < n_layers; ++l) {
    auto middle = norms[l].begin() + static_cast<std::ptrdiff_t>(norms[l].size() / 2);
    std::nth_element(norms[l].begin(), middle, norms[l].end());
    result.typical[l] = *middle;
  }
  return result;
}

}  // namespace multitudes
