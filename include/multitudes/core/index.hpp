// SPDX-License-Identifier: MIT
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace multitudes {

/// An index that only fits its own kind of sequence: swapping a layer and a position is a
/// compile-time error, not a wrong answer.
template <class Tag>
struct strong_index {
  std::uint32_t value = 0;

  constexpr strong_index() = default;
  constexpr explicit strong_index(std::size_t v) noexcept : value(static_cast<std::uint32_t>(v)) {}

  constexpr strong_index& operator++() noexcept {
    ++value;
    return *this;
  }
  friend constexpr auto operator<=>(strong_index, strong_index) = default;
};

/// A transformer block, counted from 0.
using layer_index = strong_index<struct layer_tag>;
/// A place in a sequence, counted from 0.
using position = strong_index<struct position_tag>;
/// An entry of the vocabulary.
using token_id = strong_index<struct token_tag>;
/// A row of the batch that is being evaluated.
using row_index = strong_index<struct row_tag>;
/// A sequence that a key-value cache holds.
using sequence_id = strong_index<struct sequence_tag>;

}  // namespace multitudes
