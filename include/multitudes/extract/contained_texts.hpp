// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>
#include <multitudes/extract/detail/text_order.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace multitudes {

/// For each text one that begins with all of it, or itself: what a model reads of the one it has
/// then read of the other. Data sets that cut one sentence at every word are full of these. No
/// text found is itself contained in another.
///
/// Cost:    sorts the texts; compares each with its neighbor.
inline std::vector<std::size_t> find_containing_texts(
    std::span<const std::span<const token_id>> texts) {
  const std::vector<std::size_t> order = detail::in_text_order(texts);
  std::vector<std::size_t> host(texts.size());
  for (std::size_t i = order.size(); i-- > 0;) {
    const auto text = texts[order[i]];
    host[order[i]] = order[i];
    if (i + 1 == order.size()) continue;
    // Whatever begins with a text stands right behind it.
    const auto next = texts[order[i + 1]];
    const bool begins =
        text.size() <= next.size() && std::equal(text.begin(), text.end(), next.begin());
    if (begins) host[order[i]] = host[order[i + 1]];
  }
  return host;
}

}  // namespace multitudes
