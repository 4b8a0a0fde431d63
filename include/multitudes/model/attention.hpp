// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/model/kv_cache.hpp>
#include <multitudes/simd/attention.hpp>
#include <multitudes/simd/softmax.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <array>
#include <cmath>
#include <limits>

namespace multitudes::model {

/// Causal attention of one query head over the first `length` positions of its sequence, page by
/// page with a running maximum and sum: the scores are never stored beyond one page.
///
/// Shapes:  query, out (head_dim).
/// Cost:    2 * length * head_dim multiply-adds; no allocation. The order of every sum depends on
///          the positions alone, so the bits do not depend on how a prompt was cut.
/// Source:  Milakov and Gimelshein 2018, arXiv:1805.02867 (running softmax).
template <simd::instruction_set I>
void attend(const kv_cache& cache, sequence_id s, layer_index layer, std::size_t kv_head,
            std::size_t length, std::span<const float> query, std::span<float> out) noexcept {
  const std::size_t head_dim = query.size();
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  float maximum = -std::numeric_limits<float>::infinity();
  float total = 0.0f;
  std::fill(out.begin(), out.end(), 0.0f);
  for (std::size_t first = 0; first < length; first += kv_page_length) {
    const std::size_t count = std::min(kv_page_length, length - first);
    std::array<float, kv_page_length> scores;
    const std::span<float> page(scores.data(), count);
    simd::page_scores<I, float>(query, cache.keys(s, first / kv_page_length, layer, kv_head),
                                kv_page_length, scale, page);
    const float new_maximum = std::max(maximum, simd::max<I, float>(page));
    if (new_maximum == -std::numeric_limits<float>::infinity()) continue;  // nothing to add yet
    // exp(-inf) = 0 on the first page, where nothing has been summed yet.
    const float shrink = maximum == new_maximum ? 1.0f : std::exp(maximum - new_maximum);
    maximum = new_maximum;
    total = shrink * total + simd::exp_sum<I, float>(page, maximum);
    simd::add_page<I, float>(shrink, page, cache.values(s, first / kv_page_length, layer, kv_head),
                             head_dim, out);
  }
  const float inverse = 1.0f / total;
  for (float& element : out) element *= inverse;
}

}  // namespace multitudes::model
