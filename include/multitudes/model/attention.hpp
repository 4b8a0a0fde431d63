// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/model/kv_cache.hpp>
#include <multitudes/simd/kernel_set.hpp>

#include <array>
#include <cmath>
#include <cstddef>

namespace multitudes::model {

/// One query of attention: where it stands and its buffers.
struct head_query {
  std::size_t length;  ///< positions that it sees
  simd::attention_query buffers;
};

/// Causal attention of some queries over one key head of their sequence, page by page with a
/// running maximum and sum: the scores are never stored beyond one page. Queries share what is
/// read of a page.
///
/// Shapes:  head_dim as the cache's; queries of lengths that do not fall.
/// Cost:    2 * length * head_dim multiply-adds each; no allocation. The order of every sum depends
///          on the positions alone, so the bits do not depend on how a prompt was cut, nor on
///          which queries go together.
/// Source:  Milakov and Gimelshein 2018, arXiv:1805.02867 (running softmax).
inline void attend(const simd::kernel_set& kernels, const kv_cache& cache, sequence_id s,
                   layer_index layer, std::size_t kv_head, std::size_t head_dim,
                   std::span<const head_query> queries) noexcept {
  constexpr std::size_t most = 64;
  std::array<simd::attention_query, most> seeing;
  for (const head_query& q : queries) {
    std::fill_n(q.buffers.out, head_dim, 0.0f);
    *q.buffers.state = {};
  }
  const std::size_t longest = queries.empty() ? 0 : queries.back().length;
  for (std::size_t first = 0; first < longest; first += kv_page_length) {
    simd::attention_page page = cache.page(s, first / kv_page_length, layer, kv_head);
    page.scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
    // Queries that see equally much of the page stand side by side.
    std::size_t i = 0;
    while (i < queries.size() && queries[i].length <= first) ++i;
    while (i < queries.size()) {
      page.count = std::min(kv_page_length, queries[i].length - first);
      std::size_t n = 0;
      for (; i < queries.size() && n < most &&
             std::min(kv_page_length, queries[i].length - first) == page.count;
           ++i) {
        seeing[n++] = queries[i].buffers;
      }
      kernels.attend_page(page, seeing.data(), n);
    }
  }
  for (const head_query& q : queries) {
    const float inverse = 1.0f / q.buffers.state->total;
    for (std::size_t e = 0; e < head_dim; ++e) q.buffers.out[e] *= inverse;
  }
}

}  // namespace multitudes::model
