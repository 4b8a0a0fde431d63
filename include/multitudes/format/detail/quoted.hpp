// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace multitudes::detail {

/// A name from a file as an error may show it: in quotes, cut at 80 bytes, with everything that
/// could trouble a terminal as `\xHH`.
inline std::string quoted(std::string_view name) {
  constexpr std::size_t limit = 80;
  constexpr const char* digits = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : name.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7E || c == '"' || c == '\\') {
      text += {'\\', 'x', digits[byte / 16], digits[byte % 16]};
    } else {
      text += c;
    }
  }
  text += '"';
  if (name.size() > limit) text += "... (" + std::to_string(name.size()) + " bytes)";
  return text;
}

}  // namespace multitudes::detail
