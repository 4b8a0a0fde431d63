// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/lab/corpus/words.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::lab {

namespace detail {

inline constexpr std::size_t n_words =
    words::marks.size() + words::names.size() + words::openers.size() + words::closers.size() +
    words::slots.size() + words::domains.size() + words::subjects.size() + words::truths.size() +
    words::myths.size() + words::phrase.size() + words::latin.size() + words::goals.size() +
    words::errands.size() + words::weekdays.size() + words::rows.size() + words::columns.size() +
    words::moves.size() + words::sides.size() + words::plain.size();

inline constexpr auto word_list = [] {
  std::array<std::string_view, n_words> all{};
  std::size_t n = 0;
  const auto add = [&](const auto& list) {
    for (const std::string_view w : list) all[n++] = w;
  };
  add(words::marks);
  add(words::names);
  add(words::openers);
  add(words::closers);
  add(words::slots);
  add(words::domains);
  add(words::subjects);
  add(words::truths);
  add(words::myths);
  add(words::phrase);
  add(words::latin);
  add(words::goals);
  add(words::errands);
  add(words::weekdays);
  add(words::rows);
  add(words::columns);
  add(words::moves);
  add(words::sides);
  add(words::plain);
  return all;
}();

}  // namespace detail

/// The Gazette's tokens: every word is one, whatever the configuration, so that models of
/// different corpora have the same vocabulary.
inline constexpr std::size_t gazette_vocab_size = detail::n_words;

/// The token's word; empty for an id outside the vocabulary.
constexpr std::string_view gazette_word(token_id t) noexcept {
  return t.value < gazette_vocab_size ? detail::word_list[t.value] : std::string_view();
}

/// The word's token, if it is one.
///
/// Cost:    a walk over the vocabulary; meant for constants and for people.
constexpr std::optional<token_id> find_gazette_word(std::string_view word) noexcept {
  for (std::size_t i = 0; i < detail::word_list.size(); ++i) {
    if (detail::word_list[i] == word) return token_id(i);
  }
  return std::nullopt;
}

/// The token of a word that is known to exist; a misspelt one does not compile.
consteval token_id word(std::string_view w) { return find_gazette_word(w).value(); }

/// Words with spaces between them, sections and documents on lines of their own.
inline std::string gazette_text(std::span<const token_id> tokens) {
  std::string text;
  for (const token_id t : tokens) {
    if (!text.empty()) text += t == word("<doc>") ? '\n' : ' ';
    text += gazette_word(t);
  }
  return text;
}

/// Words to tokens; any white space parts them.
///
/// Errors:  not_found for a word outside the vocabulary, with its place.
inline expected<std::vector<token_id>> gazette_tokens(std::string_view text) {
  std::vector<token_id> tokens;
  constexpr std::string_view blanks = " \n\t\r";
  for (std::size_t at = 0; (at = text.find_first_not_of(blanks, at)) != text.npos;) {
    const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
    const std::string_view word = text.substr(at, end - at);
    const auto found = find_gazette_word(word);
    if (!found) {
      return fail({.code = errc::not_found,
                   .operation = "tokenize for the Gazette",
                   .place = "byte " + std::to_string(at),
                   .found = "'" + std::string(word) + "'",
                   .expected = "a word of lab/corpus/words.hpp"});
    }
    tokens.push_back(*found);
    at = end;
  }
  return tokens;
}

}  // namespace multitudes::lab
