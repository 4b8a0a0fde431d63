// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Texts to train on: books from a folder, and what the other headers here generate.
namespace corpus {

using multitudes::philox;

enum class split : std::uint8_t { train, held_out };

/// One text, and what is known about it. The text never tells more than a reader would see;
/// the labels are for choosing, counting and judging.
struct document {
  std::string text;
  std::string kind;     ///< "book", "village", "factorial", "instruction"
  std::string style;    ///< an author, a villager's temper, a factorial style
  std::string subject;  ///< a title, a topic, a factorial subject
  split part = split::train;
  std::string spelling{};  ///< "British", "American"; empty where nobody chose
};

/// One of the items, each as likely as the others.
template <class T, std::size_t N>
const T& pick(const std::array<T, N>& items, philox& random) {
  return items[random.below(static_cast<std::uint32_t>(N))];
}
template <class List>
  requires requires(const List& list) { list.size(); }
const auto& pick(const List& items, philox& random) {
  return items[random.below(static_cast<std::uint32_t>(items.size()))];
}

/// True in this share of calls.
inline bool chance(float probability, philox& random) { return random.uniform() < probability; }

/// The text with its first letter large (ASCII only; leading quotes and asterisks are passed).
inline std::string capitalized(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c == '"' || c == '*' || c == '\'') continue;
    if ('a' <= c && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    break;
  }
  return result;
}

}  // namespace corpus
