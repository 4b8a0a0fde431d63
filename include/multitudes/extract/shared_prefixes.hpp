// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>
#include <multitudes/extract/detail/text_order.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace multitudes {

/// A beginning that several texts share, to be computed once.
struct shared_prefix {
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  std::size_t length = 0;     ///< tokens
  std::size_t parent = none;  ///< a shorter prefix that begins this one
  std::size_t text = 0;       ///< one of the texts that begin with it
  std::size_t level = 0;      ///< prefixes above it
};

/// The prefixes of a set of texts, and the longest one of each text.
struct prefix_forest {
  std::vector<shared_prefix> prefixes;
  std::vector<std::size_t> of_text;  ///< (texts), shared_prefix::none for none
};

/// Finds which beginnings are worth computing once: those of at least two texts that are
/// `least_tokens` longer than the next shorter one, on at most `max_levels` levels.
///
/// Cost:    sorts the texts; compares each with its neighbours.
inline prefix_forest find_shared_prefixes(std::span<const std::span<const token_id>> texts,
                                          std::size_t least_tokens = 4,
                                          std::size_t max_levels = 3) {
  constexpr std::size_t none = shared_prefix::none;
  prefix_forest forest;
  forest.of_text.assign(texts.size(), none);
  const std::vector<std::size_t> order = detail::in_text_order(texts);
  const auto common = [&](std::size_t i) {  // of the i-th and the next in order
    if (i + 1 >= order.size()) return std::size_t{0};
    const auto a = texts[order[i]];
    const auto b = texts[order[i + 1]];
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                                    a.begin());
  };
  // The prefixes of the text at hand, from the shortest on. All are found before any is judged.
  std::vector<std::size_t> open;
  auto& all = forest.prefixes;
  const auto length = [&] { return open.empty() ? 0 : all[open.back()].length; };
  std::size_t before = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::size_t popped = none;
    while (length() > before) {
      popped = open.back();
      open.pop_back();
    }
    if (popped != none && length() < before) {
      // A shorter beginning goes on with this text where a longer one has ended.
      all.push_back({before, open.empty() ? none : open.back(), order[i]});
      all[popped].parent = all.size() - 1;
      open.push_back(all.size() - 1);
    }
    const std::size_t after = common(i);
    if (after > length()) {
      all.push_back({after, open.empty() ? none : open.back(), order[i]});
      open.push_back(all.size() - 1);
    }
    forest.of_text[order[i]] = open.empty() ? none : open.back();
    before = after;
  }
  // Keeps those worth it, parents before children; the others hand theirs on to their parents.
  std::vector<std::size_t> by_length(all.size());
  std::iota(by_length.begin(), by_length.end(), std::size_t{0});
  std::stable_sort(by_length.begin(), by_length.end(),
                   [&](std::size_t a, std::size_t b) { return all[a].length < all[b].length; });
  std::vector<std::size_t> kept_as(all.size(), none);
  std::vector<shared_prefix> kept;
  for (const std::size_t p : by_length) {
    shared_prefix prefix = all[p];
    prefix.parent = prefix.parent == none ? none : kept_as[prefix.parent];
    const bool has_parent = prefix.parent != none;
    prefix.level = has_parent ? kept[prefix.parent].level + 1 : 0;
    const std::size_t start = has_parent ? kept[prefix.parent].length : 0;
    if (prefix.length - start >= least_tokens && prefix.level < max_levels) {
      kept_as[p] = kept.size();
      kept.push_back(prefix);
    } else {
      kept_as[p] = prefix.parent;
    }
  }
  for (std::size_t& p : forest.of_text) p = p == none ? none : kept_as[p];
  all = std::move(kept);
  return forest;
}

}  // namespace multitudes
