// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

namespace multitudes::report::detail {

inline constexpr char32_t replacement_character = 0xFFFD;

/// One character of UTF-8 and the bytes that it took.
struct character {
  char32_t value = replacement_character;
  std::size_t n_bytes = 1;
};

/// The first character of text that is not empty. Text of a model may stop within a character: a
/// byte that starts none becomes one replacement character.
constexpr character first_character(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) -> char32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t n_bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return {};
  char32_t value = lead & (0xFFu >> (n_bytes + 1));
  for (std::size_t i = 1; i < n_bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3F);
  }
  const bool overlong = (n_bytes == 3 && value < 0x800) || (n_bytes == 4 && value < 0x10000);
  if (overlong || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, n_bytes};
}

/// How many characters: the columns that text takes where every character is one wide.
constexpr std::size_t n_characters(std::string_view text) noexcept {
  std::size_t n = 0;
  for (; !text.empty(); ++n) text.remove_prefix(first_character(text).n_bytes);
  return n;
}

}  // namespace multitudes::report::detail
