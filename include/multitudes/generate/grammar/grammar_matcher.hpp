// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/generate/grammar/detail/open_stacks.hpp>
#include <multitudes/generate/grammar/detail/state_view.hpp>
#include <multitudes/generate/grammar/grammar.hpp>
#include <multitudes/generate/grammar/grammar_state.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes {

/// How much a grammar may need; texts that need more are cut off by an error.
struct matcher_limits {
  std::size_t state_words = 8192;  ///< of 4 bytes; nesting takes 3 to 9 a level
  std::size_t visits = 16'384;     ///< pairs of place and frame that one byte may lead to
};

/// Reads texts byte by byte against a grammar: room to work in, for one thread at a time.
///
/// A state is the set of all that may be going on, every alternative at once, with stacks of
/// calls that share structure. It is kept in a form of its own for what it allows, so that a text
/// that comes back to the same situation comes back to the same state, for left recursion and
/// many ambiguous grammars too. Where ambiguity makes states grow with the text, they grow at most
/// with its square.
///
/// Cost:    for a byte, at most `visits` visits and a sort of them; memory `state_words`; both
///          fixed when it is made. No step allocates except to enlarge a state that has no room.
/// Source:  Scott and Johnstone 2010, "GLL parsing"; nullable rules as in Aycock and Horspool
///          2002, "Practical Earley parsing".
class grammar_matcher {
 public:
  enum class outcome : std::uint8_t { accepted, refused, overflowed };

  /// Errors:  invalid_argument if a limit is out of range; out_of_memory if the limits are too
  ///          small for the grammar's beginning.
  static expected<grammar_matcher> make(grammar g, matcher_limits limits = {}) {
    const auto good = [](std::size_t n) { return n >= 16 && n <= (std::size_t{1} << 24); };
    if (!good(limits.state_words) || !good(limits.visits)) {
      return fail({.code = errc::invalid_argument,
                   .operation = "grammar",
                   .place = "limits",
                   .found = std::to_string(limits.state_words) + " words, " +
                            std::to_string(limits.visits) + " visits",
                   .expected = "16 to 2^24 of each",
                   .remedy = {}});
    }
    grammar_matcher made(std::move(g), limits);
    if (!made.stacks_.begin_text(made.graph())) return fail(made.overflow("the beginning"));
    made.start_.assign(made.stacks_.result());
    return made;
  }

  [[nodiscard]] const grammar& rules() const noexcept { return grammar_; }
  [[nodiscard]] const matcher_limits& limits() const noexcept { return limits_; }
  /// Before the first byte.
  [[nodiscard]] const grammar_state& start() const noexcept { return start_; }

  /// Reads on. False, and `at` as it was, if no text of the grammar goes on like this (a text in
  /// the middle of a character included).
  ///
  /// Errors:  out_of_memory if the limits are met; `at` is then as it was.
  expected<bool> accept(grammar_state& at, std::string_view bytes) {
    if (at.words().empty()) return bytes.empty();
    before_.assign(at.words().begin(), at.words().end());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const outcome done = step(at.words(), static_cast<unsigned char>(bytes[i]));
      if (done == outcome::accepted) {
        at.assign(result());
        continue;
      }
      at.assign(before_);
      if (done == outcome::refused) return false;
      return fail(overflow("byte " + std::to_string(i)));
    }
    return true;
  }
  /// The whole of `text` follows the grammar.
  ///
  /// Errors:  those of accept.
  expected<bool> matches(std::string_view text) {
    grammar_state at = start_;
    auto accepted = accept(at, text);
    if (!accepted || !*accepted) return accepted;
    return at.may_end();
  }

  /// One byte after the state that `words` are: its words are `result()` then, until the next step.
  outcome step(std::span<const std::uint32_t> words, unsigned char byte) noexcept {
    const detail::state_view from(words);
    detail::partial_character c = from.partial();
    if (c.missing == 0) {
      if (byte < 0x80) return finish(stacks_.consume(graph(), from, byte));
      if (byte < 0xC2 || byte > 0xF4) return outcome::refused;
      c.size = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
      c.missing = c.size - 1;
      c.bits = byte & (0x7Fu >> c.size);
    } else {
      if ((byte & 0xC0) != 0x80) return outcome::refused;
      --c.missing;
      if (!c.decided) c.bits = c.bits << 6 | (byte & 0x3F);
    }
    if (c.missing > 0) return finish(stacks_.narrow(graph(), from, c));
    if (c.decided) return finish(stacks_.consume_any(graph(), from));
    return finish(stacks_.consume(graph(), from, c.bits));
  }
  [[nodiscard]] std::span<const std::uint32_t> result() const noexcept { return stacks_.result(); }

  /// Every character that is not ASCII leads where `letter` does.
  [[nodiscard]] bool reads_alike(std::span<const std::uint32_t> words, char letter) const noexcept {
    const detail::state_view at(words);
    for (std::size_t i = 0; i < at.n_items(); ++i) {
      const character_set& set = graph().sets[graph().places[at.item(i).place].operand];
      const bool all =
          set.covers(0x80, 0xD7FF) && set.covers(0xE000, character_set::last_character);
      const bool as_letter = set.contains(static_cast<unsigned char>(letter));
      if (as_letter ? !all : set.meets(0x80, character_set::last_character)) return false;
    }
    return at.partial().missing == 0;
  }

  /// The fewest bytes after which the text that `words` are the state of may end; 2^30 for more.
  ///
  /// Cost:    a few passes over the state.
  [[nodiscard]] std::uint32_t bytes_to_end(std::span<const std::uint32_t> words) noexcept {
    return stacks_.bytes_to_end(graph(), detail::state_view(words));
  }
  [[nodiscard]] std::uint32_t bytes_to_end(const grammar_state& at) noexcept {
    return at.words().empty() ? 0 : bytes_to_end(at.words());
  }

 private:
  grammar_matcher(grammar g, matcher_limits limits)
      : grammar_(std::move(g)),
        limits_(limits),
        stacks_(limits.state_words, limits.visits, graph().rule_starts.size()) {
    before_.reserve(limits.state_words);
  }

  [[nodiscard]] const detail::rule_graph& graph() const noexcept { return grammar_.graph(); }

  [[nodiscard]] outcome finish(bool fits) const noexcept {
    if (!fits) return outcome::overflowed;
    const detail::state_view to(stacks_.result());
    return to.n_items() > 0 || to.may_end() ? outcome::accepted : outcome::refused;
  }

  [[nodiscard]] error overflow(std::string place) const {
    return {.code = errc::out_of_memory,
            .operation = "grammar",
            .place = std::move(place),
            .found = "more that may be going on at once than there is room for",
            .expected = "at most " + std::to_string(limits_.state_words) + " words and " +
                        std::to_string(limits_.visits) + " visits",
            .remedy = "raise matcher_limits, nest less, or make the grammar less ambiguous"};
  }

  grammar grammar_;
  matcher_limits limits_;
  detail::open_stacks stacks_;
  grammar_state start_;
  std::vector<std::uint32_t> before_;
};

}  // namespace multitudes
