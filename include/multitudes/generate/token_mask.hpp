// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace multitudes {

/// Which tokens may come next.
class token_mask {
 public:
  token_mask() = default;
  /// Allows none.
  explicit token_mask(std::size_t vocab_size)
      : vocab_size_(vocab_size), words_((vocab_size + 63) / 64, 0) {}

  [[nodiscard]] std::size_t vocab_size() const noexcept { return vocab_size_; }
  /// Tokens beyond the vocabulary are not allowed.
  [[nodiscard]] bool allows(token_id t) const noexcept {
    return t.value < vocab_size_ && (words_[t.value / 64] >> (t.value % 64) & 1) != 0;
  }
  [[nodiscard]] std::size_t count() const noexcept {
    std::size_t n = 0;
    for (const std::uint64_t w : words_) n += static_cast<std::size_t>(std::popcount(w));
    return n;
  }
  /// `t` must be in the vocabulary.
  void allow(token_id t) noexcept { words_[t.value / 64] |= std::uint64_t{1} << (t.value % 64); }
  void clear() noexcept { std::fill(words_.begin(), words_.end(), 0); }

  /// Shapes:  (vocab_size / 64, rounded up); bit i % 64 of word i / 64 is token i.
  [[nodiscard]] std::span<const std::uint64_t> words() const noexcept { return words_; }

  friend bool operator==(const token_mask&, const token_mask&) = default;

 private:
  std::size_t vocab_size_ = 0;
  std::vector<std::uint64_t> words_;
};

/// Gives every token that is not allowed a logit of minus infinity; among the others,
/// probabilities keep their proportions.
///
/// Shapes:  logits (any size; tokens that the mask does not know are not allowed).
/// Errors:  not_found if no allowed token is possible; the logits are then as they were.
/// Cost:    a pass over the logits; no allocation.
inline expected<void> restrict_to(const token_mask& allowed, std::span<float> logits) {
  constexpr float impossible = -std::numeric_limits<float>::infinity();
  const std::span<const std::uint64_t> words = allowed.words();
  const auto word_at = [&](std::size_t token) {
    return token / 64 < words.size() ? words[token / 64] : std::uint64_t{0};
  };
  const auto is_possible = [&](std::size_t token) {
    return (word_at(token) >> token % 64 & 1) != 0 && logits[token] > impossible;
  };
  std::size_t possible = 0;
  while (possible < logits.size() && !is_possible(possible)) {
    possible += word_at(possible) == 0 ? 64 - possible % 64 : 1;
  }
  if (possible < logits.size()) {
    for (std::size_t first = 0; first < logits.size(); first += 64) {
      const auto here = logits.subspan(first, std::min<std::size_t>(64, logits.size() - first));
      const std::uint64_t word = word_at(first);
      if (word == 0) {
        std::fill(here.begin(), here.end(), impossible);
      } else if (word != ~std::uint64_t{0}) {
        for (std::size_t i = 0; i < here.size(); ++i) {
          if ((word >> i & 1) == 0) here[i] = impossible;
        }
      }
    }
    return {};
  }
  return fail({.code = errc::not_found,
               .operation = "choose a token",
               .place = "the mask",
               .found = std::to_string(allowed.count()) + " allowed tokens, none of them possible",
               .expected = "at least one",
               .remedy = "a mask that allows nothing has to end the text"});
}

}  // namespace multitudes
