// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace multitudes::detail {

/// The texts in the order of a dictionary, equal ones in their own: those that begin alike stand
/// side by side, a text before the longer ones that begin with it.
inline std::vector<std::size_t> in_text_order(std::span<const std::span<const token_id>> texts) {
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto less = std::lexicographical_compare_three_way(texts[a].begin(), texts[a].end(),
                                                             texts[b].begin(), texts[b].end());
    return less != 0 ? less < 0 : a < b;
  });
  return order;
}

}  // namespace multitudes::detail
