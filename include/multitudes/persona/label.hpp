// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <string>
#include <string_view>

namespace multitudes {

/// Where a piece of an expression's text stands, which decides whether it needs parentheses.
enum class label_context : unsigned char {
  whole,       ///< alone, or the argument of a function
  piped,       ///< to the left of |
  added,       ///< to the left of + or -
  subtracted,  ///< to the right of + or -
  multiplied,  ///< next to * or after a minus sign
};

namespace detail {

/// The shortest decimal that reads back as the same float, or where the weight is no float, as
/// the same double: so 0.6f and 0.6 both show as they were written.
inline void write_number(std::string& out, double x) {
  char text[32];
  const auto narrow = static_cast<float>(x);
  const auto end = static_cast<double>(narrow) == x
                       ? std::to_chars(text, text + sizeof text, narrow).ptr
                       : std::to_chars(text, text + sizeof text, x).ptr;
  out.append(text, end);
}

/// Writes a label; one that is not a single word is put in parentheses inside an expression.
inline void write_name(std::string& out, std::string_view label, label_context context) {
  bool word = true;
  for (const char c : label) {
    word = word && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '.' || static_cast<unsigned char>(c) >= 0x80);
  }
  if (word || context == label_context::whole) {
    out += label;
  } else {
    out.append("(").append(label).append(")");
  }
}

/// Calls `body` between parentheses if `needed`.
template <class Body>
void write_grouped(std::string& out, bool needed, Body body) {
  if (needed) out += '(';
  body();
  if (needed) out += ')';
}

}  // namespace detail
}  // namespace multitudes
