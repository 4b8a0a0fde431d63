// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace multitudes::text {

/// What stands in for bytes that are not UTF-8.
inline constexpr char32_t replacement_character = 0xFFFD;

/// The first character of some bytes, or the first piece of them that cannot be one.
struct decoded_character {
  char32_t code = replacement_character;
  std::size_t size = 1;  ///< bytes taken
  bool valid = false;
  bool truncated = false;  ///< invalid only because the bytes end too early
};

/// Decodes the character that `bytes`, which must not be empty, start with. Ill-formed input gives
/// the longest piece that starts a character (at least one byte), as Unicode recommends.
///
/// Source:  The Unicode Standard, table 3-7 and "U+FFFD substitution of maximal subparts".
constexpr decoded_character decode_character(std::string_view bytes) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned lead = at(0);
  if (lead < 0x80) return {.code = lead, .size = 1, .valid = true};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range is narrower where longer forms, surrogates or codes past U+10FFFF
  // would begin.
  unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t code = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (i == bytes.size()) return {.size = i, .truncated = true};
    if (at(i) < low || at(i) > high) return {.size = i};
    code = code << 6 | (at(i) & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {.code = code, .size = size, .valid = true};
}

/// How many of `bytes` can be shown now: all but a character that has begun and may yet be
/// completed by the bytes that follow.
constexpr std::size_t complete_prefix(std::string_view bytes) noexcept {
  for (std::size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
    const std::size_t start = bytes.size() - back;
    if ((static_cast<unsigned char>(bytes[start]) & 0xC0) == 0x80) continue;
    return decode_character(bytes.substr(start)).truncated ? start : bytes.size();
  }
  return bytes.size();
}

/// True if `bytes` are well-formed UTF-8 throughout.
constexpr bool is_valid_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const decoded_character c = decode_character(bytes);
    if (!c.valid) return false;
    bytes.remove_prefix(c.size);
  }
  return true;
}

/// Appends a character; `code` must be a Unicode scalar value.
constexpr void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) {
    out += static_cast<char>(static_cast<unsigned char>(byte));
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

/// Appends `bytes` with every ill-formed piece replaced by U+FFFD.
///
/// Cost:    linear; `out` grows by at most three times the size of `bytes`.
constexpr void append_repaired(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const decoded_character c = decode_character(bytes);
    if (c.valid) {
      out += bytes.substr(0, c.size);
    } else {
      append_utf8(out, replacement_character);
    }
    bytes.remove_prefix(c.size);
  }
}

/// `bytes` as well-formed UTF-8, see `append_repaired`.
inline std::string repaired(std::string_view bytes) {
  std::string out;
  append_repaired(out, bytes);
  return out;
}

}  // namespace multitudes::text
