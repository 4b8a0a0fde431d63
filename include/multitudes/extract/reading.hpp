// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/extract/pairs.hpp>
#include <multitudes/text/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes {

/// Which rows of a text stand for it: their mean does.
enum class read_position : std::uint8_t {
  after_difference,  ///< from the first token on in which the two texts differ
  mean_over_text,    ///< all tokens but the beginning-of-text one, the prompt included
  mean_over_answer,  ///< the tokens behind the prompt
  last_token,
};

/// A stretch of a text, in tokens; half-open.
struct token_range {
  std::size_t first = 0;
  std::size_t last = 0;

  [[nodiscard]] constexpr std::size_t size() const noexcept { return last - first; }
  friend constexpr bool operator==(token_range, token_range) = default;
};

/// A stretch of a text, in bytes; half-open.
struct byte_range {
  std::size_t first = 0;
  std::size_t last = std::numeric_limits<std::size_t>::max();
};

/// A text and the stretches of it that are read, each as the mean of its rows.
struct reading {
  std::vector<token_id> tokens;
  std::vector<token_range> spans;
};

/// The two sides of a pair; they have equally many spans, and what stands at the same place in the
/// two lists is compared.
struct reading_pair {
  reading positive;
  reading negative;
};

namespace detail {

/// A text behind its prompt, and where it begins.
struct prompted_text {
  std::vector<token_id> tokens;
  std::size_t begin = 0;   // tokens that start every text
  std::size_t answer = 0;  // the first token of the text itself

  prompted_text(const text::tokenizer& tokenizer, std::string_view prompt, std::string_view text)
      : tokens(tokenizer.encode(prompt.empty() ? text : prompt)),
        begin(tokenizer.encode("").size()),
        answer(begin) {
    if (prompt.empty()) return;
    answer = tokens.size();
    const auto rest = tokenizer.encode(text, {.start_token = false, .continues = true});
    tokens.insert(tokens.end(), rest.begin(), rest.end());
  }
  [[nodiscard]] bool is_empty() const noexcept { return tokens.size() <= answer; }
};

/// The first token of a text that stands for it; never one of the `begin` that start every text.
inline std::size_t first_read(read_position read, const prompted_text& text,
                              std::span<const token_id> other) noexcept {
  const std::span<const token_id> own = text.tokens;
  switch (read) {
    case read_position::mean_over_text: return text.begin;
    case read_position::mean_over_answer: return text.answer;
    case read_position::last_token: break;
    case read_position::after_difference: {
      const auto parting = std::mismatch(own.begin(), own.end(), other.begin(), other.end());
      const auto first = static_cast<std::size_t>(parting.first - own.begin());
      return std::max(std::min(first, own.size() - 1), text.begin);
    }
  }
  return std::max(own.size() - 1, text.begin);
}

inline unexpected<error> empty_side(const char* operation, const std::string& place) {
  return fail({.code = errc::invalid_argument,
               .operation = operation,
               .place = place,
               .found = "a text without tokens",
               .expected = "two texts to compare",
               .remedy = "fill or remove the pair"});
}

}  // namespace detail

/// The tokens that hold the bytes of a range: those of which at least one byte lies in it. Bytes
/// count from the beginning of the text that was encoded; control tokens have none.
///
/// Errors:  invalid_argument if the range is empty or holds no byte of the text.
/// Cost:    a look at each token.
inline expected<token_range> tokens_of_bytes(const text::tokenizer& tokenizer,
                                             std::span<const token_id> tokens, byte_range bytes) {
  token_range found{tokens.size(), 0};
  std::size_t at = 0;
  bool at_start = true;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::size_t size =
        (at_start ? tokenizer.first_bytes_of(tokens[i]) : tokenizer.bytes_of(tokens[i])).size();
    at_start = at_start && tokenizer.bytes_of(tokens[i]).empty();
    if (size > 0 && at < bytes.last && at + size > bytes.first) {
      found.first = std::min(found.first, i);
      found.last = i + 1;
    }
    at += size;
  }
  if (found.first < found.last) return found;
  const std::string end = bytes.last == byte_range{}.last ? "the end" : std::to_string(bytes.last);
  return fail({.code = errc::invalid_argument,
               .operation = "find tokens of bytes",
               .place = "bytes " + std::to_string(bytes.first) + " to " + end,
               .found = "nothing of the text",
               .expected = "a part of its " + std::to_string(at) + " bytes",
               .remedy = "count bytes, not characters, from the beginning of the text"});
}

/// Pairs of texts as pairs of readings, with one span for each of the positions.
///
/// Errors:  invalid_argument for a text without tokens, naming the pair, or no positions.
inline expected<std::vector<reading_pair>> readings_of(const text::tokenizer& tokenizer,
                                                       std::span<const contrast_pair> pairs,
                                                       std::span<const read_position> positions) {
  if (positions.empty()) {
    return fail({.code = errc::invalid_argument,
                 .operation = "learn from pairs",
                 .place = "read positions",
                 .found = "none",
                 .expected = "at least one",
                 .remedy = {}});
  }
  std::vector<reading_pair> result;
  result.reserve(pairs.size());
  for (const contrast_pair& pair : pairs) {
    detail::prompted_text positive(tokenizer, pair.positive_prompt, pair.positive);
    detail::prompted_text negative(tokenizer, pair.negative_prompt, pair.negative);
    if (positive.is_empty() || negative.is_empty()) {
      return detail::empty_side("learn from pairs", "pair " + std::to_string(result.size()));
    }
    reading_pair made;
    for (const read_position read : positions) {
      made.positive.spans.push_back(
          {detail::first_read(read, positive, negative.tokens), positive.tokens.size()});
      made.negative.spans.push_back(
          {detail::first_read(read, negative, positive.tokens), negative.tokens.size()});
    }
    made.positive.tokens = std::move(positive.tokens);
    made.negative.tokens = std::move(negative.tokens);
    result.push_back(std::move(made));
  }
  return result;
}

}  // namespace multitudes
