// SPDX-License-Identifier: MIT
#pragma once

#include "books.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corpus {

struct window_options {
  std::size_t least_bytes = 350;
  std::size_t most_bytes = 850;  ///< with its label, near 256 tokens
  float labeled_share = 0.4f;
};

namespace detail {

/// Lines that tie a name to what follows or precedes; `{a}` author, `{t}` title, `{y}` year,
/// `{f}` form, `{s}` spelling, `{x}` the text.
constexpr std::array<std::string_view, 16> label_forms{
    "Author: {a}\n{x}",
    "Author: {a}\n\n{x}",
    "Author: {a}\nTitle: {t}\n\n{x}",
    "Title: {t}\nAuthor: {a}\n\n{x}",
    "{t}, by {a}\n\n{x}",
    "{t}, by {a} ({y})\n\n{x}",
    "From the works of {a}:\n\n{x}",
    "From {t}, by {a}:\n\n{x}",
    "As {a} would say:\n{x}",
    "In the words of {a}:\n{x}",
    "{a} writes:\n{x}",
    "By {a}\n\n{x}",
    "In the style of {a}:\n{x}",
    "{f} by {a}:\n\n{x}",
    "Author: {a}. Form: {f}. Spelling: {s}.\n\n{x}",
    "{x}\n\n-- {a}",
};

inline std::string filled(std::string_view form, const work& w, std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '{') {
      result += form[i];
      continue;
    }
    switch (form[i + 1]) {
      case 'a': result += w.author; break;
      case 't': result += w.title; break;
      case 'y': result += w.year; break;
      case 'f': result += w.form; break;
      case 's': result += w.spelling; break;
      default: result += text; break;
    }
    i += 2;
  }
  return result;
}

inline bool can_fill(std::string_view form, const work& w) {
  return (form.find("{y}") == std::string_view::npos || !w.year.empty()) &&
         (form.find("{s}") == std::string_view::npos || !w.spelling.empty()) &&
         (form.find("{t}") == std::string_view::npos || w.title != w.author);
}

}  // namespace detail

/// The text with a line that names its author, in one of many forms.
inline std::string with_label(const work& w, std::string_view text, philox& random) {
  std::string_view form;
  do {
    form = pick(detail::label_forms, random);
  } while (!detail::can_fill(form, w));
  std::string result = detail::filled(form, w, text);
  return form.starts_with("{x}") ? result : capitalized(result);
}

/// A chunk cut into pieces for training, most without a label. Where the cuts fall depends on
/// `random`, so that another pass over the books sees other pieces.
///
/// Returns: `kind` is "book", `style` the author, `subject` the title.
inline void append_windows(std::vector<document>& out, const shelf& books, const chunk& c,
                           const window_options& options, philox random) {
  const work& w = books.work_of(c);
  std::string_view rest = c.text;
  const std::size_t spread = std::max(options.most_bytes, options.least_bytes + 1);
  bool first = true;
  while (!rest.empty()) {
    const auto range = static_cast<std::uint32_t>(spread - options.least_bytes);
    const std::size_t most = first ? options.least_bytes + random.below(range) : options.most_bytes;
    const std::size_t length = cut_length(rest, most / 2, most);
    const std::string_view piece = detail::trimmed(rest.substr(0, length));
    rest.remove_prefix(length);
    first = false;
    if (piece.empty()) continue;
    const bool labeled = chance(options.labeled_share, random);
    out.push_back({labeled ? with_label(w, piece, random) : std::string(piece), "book", w.author,
                   w.title, c.part});
  }
}

/// One pass over all chunks of one part, in the order of the shelf: shuffle what you train on.
inline std::vector<document> windows(const shelf& books, split part, std::uint64_t seed,
                                     std::uint64_t pass, const window_options& options = {}) {
  std::vector<document> out;
  for (std::size_t i = 0; i < books.chunks.size(); ++i) {
    if (books.chunks[i].part != part) continue;
    append_windows(out, books, books.chunks[i], options, philox(seed, (pass << 32) + i));
  }
  return out;
}

}  // namespace corpus
