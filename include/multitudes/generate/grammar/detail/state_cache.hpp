// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/fingerprint.hpp>
#include <multitudes/generate/grammar/grammar_matcher.hpp>
#include <multitudes/generate/grammar/token_trie.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::detail {

/// States that were met, with numbers, and where bytes lead from each: an automaton that is made
/// as it is walked. Only speed depends on what it remembers. All room is set aside once.
class state_cache {
 public:
  using number = std::uint16_t;
  static constexpr number refused = 0xFFFF;
  static constexpr number overflowed = 0xFFFE;  ///< refused, for lack of room in the matcher
  static constexpr number full = 0xFFFD;        ///< no room here: `clear()` and begin again
  static constexpr std::size_t most_states = 0xFF00;

  state_cache(std::size_t n_states, std::size_t n_words)
      : n_states_(n_states),
        table_(std::bit_ceil(2 * n_states), unknown),
        next_(256 * n_states, unknown) {
    words_.reserve(n_words);
    states_.reserve(n_states);
  }

  void clear() noexcept {
    words_.clear();
    states_.clear();
    std::fill(table_.begin(), table_.end(), unknown);
  }

  /// The number of a state; `full` if it has none and there is no room.
  number of(std::span<const std::uint32_t> words) noexcept {
    fingerprint_builder collected;
    for (const std::uint32_t w : words) collected.add(std::uint64_t{w});
    const std::uint64_t hash = collected.finish().value;
    const std::size_t mask = table_.size() - 1;
    std::size_t i = static_cast<std::size_t>(hash) & mask;
    for (; table_[i] != unknown; i = (i + 1) & mask) {
      const number n = table_[i];
      if (states_[n].hash == hash && std::ranges::equal(words, words_of(n))) return n;
    }
    if (states_.size() == n_states_ || words.size() > words_.capacity() - words_.size()) {
      return full;
    }
    const auto made = static_cast<number>(states_.size());
    table_[i] = made;
    states_.push_back({hash, static_cast<std::uint32_t>(words_.size()),
                       static_cast<std::uint32_t>(words.size())});
    words_.insert(words_.end(), words.begin(), words.end());
    std::fill_n(next_.begin() + 256 * std::ptrdiff_t{made}, 256, unknown);
    return made;
  }

  /// Where a byte leads.
  number after(grammar_matcher& m, number from, unsigned char byte) noexcept {
    const number known = next_[256 * std::size_t{from} + byte];
    return known != unknown ? known : find_out(m, from, byte);
  }

  /// True if any bytes of these kinds (see token_trie), up to `height` characters of them, may
  /// follow `from`, and the text can end `bytes_left` bytes after each. Finds out for all of them
  /// at once where they lead: character by character into the same states, as in a quoted text.
  /// False says nothing. `farthest_end` becomes at least the most bytes to an end.
  bool all_may_follow(grammar_matcher& m, number from, std::uint64_t kinds, std::uint32_t height,
                      std::size_t bytes_left, std::uint32_t& farthest_end) noexcept {
    // An end may be as far again as the rest of a character that has begun.
    const std::uint32_t in_character = kinds >> token_trie::not_ascii & 1 ? 3 : 0;
    for (std::uint32_t h = 0; h < height; ++h) {
      if (!states_[from].run_is_known && !find_run(m, from)) return false;
      const number next = states_[from].run_next;
      if ((kinds & ~states_[from].run_kinds) != 0) return false;
      const std::uint32_t to_end = bytes_to_end(m, next) + in_character;
      if (to_end > bytes_left) return false;
      farthest_end = std::max(farthest_end, to_end);
      if (next == from) return true;
      from = next;
    }
    return true;
  }

  [[nodiscard]] std::span<const std::uint32_t> words_of(number n) const noexcept {
    return std::span(words_).subspan(states_[n].first_word, states_[n].n_words);
  }
  /// See grammar_matcher::bytes_to_end.
  std::uint32_t bytes_to_end(grammar_matcher& m, number n) noexcept {
    state& s = states_[n];
    if (s.bytes_to_end == not_measured) s.bytes_to_end = m.bytes_to_end(words_of(n));
    return s.bytes_to_end;
  }

 private:
  static constexpr number unknown = 0xFFFC;
  static constexpr std::uint32_t not_measured = ~std::uint32_t{0};
  struct state {
    std::uint64_t hash;
    std::uint32_t first_word, n_words;
    std::uint32_t bytes_to_end = not_measured;
    // Bytes of these kinds all lead to one state: see all_may_follow.
    std::uint64_t run_kinds = 0;
    number run_next = refused;
    bool run_is_known = false;
  };

  number find_out(grammar_matcher& m, number from, unsigned char byte) noexcept {
    number to = refused;
    switch (m.step(words_of(from), byte)) {
      case grammar_matcher::outcome::refused: break;
      case grammar_matcher::outcome::overflowed: to = overflowed; break;
      case grammar_matcher::outcome::accepted:
        to = of(m.result());
        if (to == full) return full;
        break;
    }
    const auto row = next_.begin() + 256 * std::ptrdiff_t{from};
    row[byte] = to;
    if (byte < 0x80) {
      const auto& kinds = m.rules().graph().ascii_kind;
      for (std::uint8_t c = 0; c < 0x80; ++c) {
        if (kinds[c] == kinds[byte]) row[c] = to;
      }
    }
    return to;
  }

  static constexpr std::uint64_t bit(unsigned kind) noexcept { return std::uint64_t{1} << kind; }

  /// What leads where a letter leads. False if there was no room.
  bool find_run(grammar_matcher& m, number from) noexcept {
    const number next = after(m, from, 'e');
    if (next == full) return false;
    std::uint64_t kinds = 0;
    if (next < full) kinds = ~std::uint64_t{0} & ~bit(token_trie::no_utf8);
    for (unsigned byte = 0; byte < 0x80 && kinds != 0; ++byte) {
      const number to = after(m, from, static_cast<unsigned char>(byte));
      if (to == full) return false;
      if (to != next) kinds &= ~bit(token_trie::byte_kind(static_cast<std::uint8_t>(byte)));
    }
    if (!m.reads_alike(words_of(from), 'e')) kinds &= ~bit(token_trie::not_ascii);
    state& s = states_[from];
    s.run_kinds = kinds;
    s.run_next = next;
    s.run_is_known = true;
    return true;
  }

  std::size_t n_states_;
  std::vector<number> table_;  // by hash
  std::vector<number> next_;   // (n_states, 256)
  std::vector<state> states_;
  std::vector<std::uint32_t> words_;
};

}  // namespace multitudes::detail
