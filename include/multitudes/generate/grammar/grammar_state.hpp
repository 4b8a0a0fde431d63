// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/grammar/detail/state_view.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes {

/// How far a text has come in a grammar: a value, a few dozen numbers for most grammars and at
/// most `matcher_limits::state_words`. Begin with a copy of `grammar_matcher::start()`. To save
/// one, save the text (or tokens) that it has read, and read that again.
///
/// Copying one allocates just the room that it takes; assigning to one that has been larger, or
/// had `reserve`, allocates nothing.
class grammar_state {
 public:
  grammar_state() = default;
  /// `words` must be those of a state of the same grammar.
  explicit grammar_state(std::span<const std::uint32_t> words)
      : words_(words.begin(), words.end()) {}

  /// What was read so far is a whole text of the grammar.
  [[nodiscard]] bool may_end() const noexcept {
    return !words_.empty() && detail::state_view(words_).may_end();
  }
  /// Nothing can follow: the text is whole and cannot go on.
  [[nodiscard]] bool must_end() const noexcept {
    return may_end() && detail::state_view(words_).n_items() == 0;
  }

  /// Makes room for `matcher_limits::state_words` words, so that no later step allocates.
  void reserve(std::size_t words) { words_.reserve(words); }
  void assign(std::span<const std::uint32_t> words) { words_.assign(words.begin(), words.end()); }
  [[nodiscard]] std::span<const std::uint32_t> words() const noexcept { return words_; }

  /// Equal states allow the same texts to follow; unequal ones may as well.
  friend bool operator==(const grammar_state&, const grammar_state&) = default;

 private:
  std::vector<std::uint32_t> words_;  // see detail::state_view
};

}  // namespace multitudes
