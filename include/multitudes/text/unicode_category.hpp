// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/text/unicode_ranges.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace multitudes::text {

/// Bits of what a character is: the first letter of its general category, and White_Space, which
/// cuts across them.
namespace category {
inline constexpr std::uint8_t letter = detail::unicode::L;
inline constexpr std::uint8_t number = detail::unicode::N;
inline constexpr std::uint8_t mark = detail::unicode::M;
inline constexpr std::uint8_t punctuation = detail::unicode::P;
inline constexpr std::uint8_t symbol = detail::unicode::S;
inline constexpr std::uint8_t separator = detail::unicode::Z;
inline constexpr std::uint8_t other = 64;  ///< controls, unassigned, private, no character at all
inline constexpr std::uint8_t white_space = 128;
}  // namespace category

namespace detail {

constexpr std::uint8_t look_up_categories(char32_t code) noexcept {
  const auto& ranges = unicode::ranges;
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), code,
                       [](char32_t c, const category_range& r) { return c < r.first; });
  std::uint8_t found = category::other;
  if (after != ranges.begin() && code - (after - 1)->first < (after - 1)->size) {
    found = (after - 1)->category;
  }
  // White_Space is exactly the separators and six control characters.
  const bool control_space = (code >= 0x09 && code <= 0x0D) || code == 0x85;
  if (found == category::separator || control_space) found |= category::white_space;
  return found;
}

inline constexpr auto ascii_categories = [] {
  std::array<std::uint8_t, 128> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = look_up_categories(static_cast<char32_t>(i));
  }
  return table;
}();

}  // namespace detail

/// The category bits of a code point; never 0.
///
/// Cost:    one load for ASCII, a binary search for the rest.
constexpr std::uint8_t categories_of(char32_t code) noexcept {
  return code < 128 ? detail::ascii_categories[code] : detail::look_up_categories(code);
}

}  // namespace multitudes::text
