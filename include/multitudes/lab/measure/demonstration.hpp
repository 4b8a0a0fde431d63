// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/corpus/sampler.hpp>

#include <cstddef>
#include <vector>

namespace multitudes::lab {

/// Adds items by a writer, of kinds as frequent as documents have them.
inline prompt& demonstrate(prompt& to, const gazette& g, const persona_traits& who,
                           std::size_t n_items, philox& random) {
  for (std::size_t i = 0; i < n_items; ++i) {
    to.item(static_cast<item_kind>(draw(g.tables().item_shares, random)), who, random);
  }
  return to;
}

/// Adds items that tell nothing about a writer's style or knowledge: talk of people, and phrases
/// whose cue says what to do with them.
inline prompt& add_neutral(prompt& to, std::size_t n_items, philox& random) {
  for (std::size_t i = 0; i < n_items; ++i) {
    to.item(random.below(2) == 0 ? item_kind::mention : item_kind::skill, {}, random);
  }
  return to;
}

/// A copy of a prompt's tokens.
inline std::vector<token_id> text_of(const prompt& p) {
  return {p.tokens().begin(), p.tokens().end()};
}

}  // namespace multitudes::lab
