// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/cursor.hpp>
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/corpus/tables.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// A place in a document where writers differ: what may stand there, and how probable it is to
/// each. A model that read `at` tokens can be asked there whom it takes the writer for.
struct marked_slot {
  std::size_t at = 0;              ///< the token that was chosen here; its predecessors are read
  choice_key key{};                ///< what of a writer matters
  std::vector<token_id> tokens{};  // (n_options)
  probability_table given{};       // (values of the key, n_options)

  [[nodiscard]] std::span<const double> under(const persona_traits& who) const noexcept {
    return given.row(value_of(key, who));
  }
};

/// All such places of a document, or of the beginning of one, which may end before a slot: that
/// one is marked too.
///
/// Errors:  malformed if no document goes like this, with the token's place.
inline expected<std::vector<marked_slot>> mark_slots(const gazette& g,
                                                     std::span<const token_id> tokens) {
  std::vector<marked_slot> slots;
  cursor at(g);
  choice_scratch scratch;
  for (std::size_t i = 0; i <= tokens.size(); ++i) {
    if (at.is_done() && i == tokens.size()) break;
    const choice c = at.is_done() ? choice{} : at.next(scratch);
    if (c.key != choice_key::nothing) {
      marked_slot slot{.at = i, .key = c.key, .tokens = {c.tokens.begin(), c.tokens.end()}};
      slot.given = probability_table(g.n_values(c.key), c.n_options());
      for (std::size_t v = 0; v < slot.given.n_values(); ++v) {
        std::ranges::copy(c.row(v), slot.given.row(v).begin());
      }
      slots.push_back(std::move(slot));
    }
    if (i == tokens.size()) break;
    if (!c.find(tokens[i])) {
      return fail({.code = errc::malformed,
                   .operation = "mark slots",
                   .place = "token " + std::to_string(i),
                   .found = "'" + std::string(gazette_word(tokens[i])) + "'",
                   .expected = at.is_done() ? "nothing: the document is complete"
                                            : "a word that may follow"});
    }
    at.take(tokens[i]);
  }
  return slots;
}

}  // namespace multitudes::lab
