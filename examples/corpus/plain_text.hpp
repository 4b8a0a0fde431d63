// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corpus {

/// What a file uses its line ends for.
enum class layout : std::uint8_t {
  wrapped,     ///< prose broken at a page width; a blank line ends a paragraph
  verse,       ///< each line is a line
  paragraphs,  ///< each line is a paragraph
};

/// A paragraph, a stanza, or the heading of a chapter.
struct paragraph {
  std::string text;
  bool heading = false;
};

namespace detail {

inline bool is_upper(char c) { return 'A' <= c && c <= 'Z'; }
inline bool is_lower(char c) { return 'a' <= c && c <= 'z'; }

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

inline std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

/// Replacements that make all files use one set of signs: otherwise the shape of a quotation
/// mark would name the author, and words would not.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> plain_signs{{
    {"\xE2\x80\x98", "'"},
    {"\xE2\x80\x99", "'"},
    {"\xE2\x80\x9C", "\""},
    {"\xE2\x80\x9D", "\""},
    {"\xE2\x80\x93", "-"},
    {"\xE2\x80\x94", "--"},
    {"\xE2\x80\xA6", "..."},
    {"\xEF\xBB\xBF", ""},
    {"\xC2\xA0", " "},
}};

/// The length that nine lines in ten do not exceed.
inline std::size_t usual_width(const std::vector<std::string_view>& lines) {
  std::vector<std::size_t> lengths;
  for (const auto line : lines) {
    if (!line.empty()) lengths.push_back(line.size());
  }
  if (lengths.empty()) return 0;
  const auto at = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() * 9 / 10);
  std::nth_element(lengths.begin(), at, lengths.end());
  return *at;
}

inline bool all_capitals(std::string_view text) {
  return std::none_of(text.begin(), text.end(), is_lower) &&
         std::count_if(text.begin(), text.end(), is_upper) >= 3;
}

/// `IV`, `IV.`, `12`, `12.`
inline bool is_number(std::string_view word) {
  while (!word.empty() && (word.back() == '.' || word.back() == ':')) word.remove_suffix(1);
  return !word.empty() && (word.find_first_not_of("IVXLC") == std::string_view::npos ||
                           word.find_first_not_of("0123456789") == std::string_view::npos);
}

inline bool is_heading(std::string_view line) {
  line = trimmed(line);
  while (!line.empty() && (line.front() == '[' || line.front() == '*')) line.remove_prefix(1);
  if (line.empty() || line.size() > 80 || line.back() == ':' || line.back() == ',') return false;
  if (all_capitals(line)) return true;
  const std::size_t end = line.find(' ');
  if (is_number(line.substr(0, end))) return end == std::string_view::npos || line[end - 1] == '.';
  for (const std::string_view word :
       {"Chapter", "CHAPTER", "Book", "BOOK", "Part", "PART", "Letter", "LETTER", "Act", "ACT",
        "Scene", "SCENE", "Canto", "CANTO", "ADVENTURE", "FEDERALIST No."}) {
    if (!line.starts_with(word) || line.size() < word.size() + 2) continue;
    std::string_view rest = line.substr(word.size() + 1);
    if (line[word.size()] == ' ' && is_number(rest.substr(0, rest.find(' ')))) return true;
  }
  return false;
}

/// Verses, lists and addresses inside wrapped prose: most lines stop well before the margin.
inline bool keeps_lines(const std::vector<std::string_view>& block, std::size_t width) {
  const auto last = block.end() - 1;
  const auto n_short = std::count_if(block.begin(), last,
                                     [&](std::string_view l) { return l.size() * 10 < width * 7; });
  return block.size() > 1 && n_short * 2 > last - block.begin();
}

/// Tables drawn with bars: mostly signs, and worse than nothing once their lines are joined.
inline bool is_table(const std::vector<std::string_view>& block) {
  const auto n_ruled = std::count_if(block.begin(), block.end(), [](std::string_view l) {
    return std::count(l.begin(), l.end(), '|') > 1;
  });
  return n_ruled * 3 > std::ssize(block);
}

inline std::string joined(const std::vector<std::string_view>& block, bool keep_lines) {
  std::string text;
  for (const auto line : block) {
    // Whatever was broken after a dash or a hyphen had no blank there.
    if (!text.empty() && keep_lines) text += '\n';
    if (!text.empty() && !keep_lines && text.back() != '-') text += ' ';
    text += trimmed(line);
  }
  return text;
}

/// Verse keeps its lines; one that was too long for the page goes on, indented, in the next.
inline std::string joined_verse(const std::vector<std::string_view>& block) {
  std::string text;
  std::size_t previous = 0;
  for (const auto line : block) {
    const bool continues = previous > 55 && line.starts_with("  ");
    if (!text.empty()) text += continues ? ' ' : '\n';
    text += trimmed(line);
    previous = line.size();
  }
  return text;
}

/// True if the stop at `at` ends "Mr", "Dr" or an initial rather than a sentence.
inline bool is_short(std::string_view text, std::size_t at) {
  std::size_t start = at;
  while (start > 0 && text[start - 1] != ' ' && text[start - 1] != '\n') --start;
  while (start < at && (text[start] == '"' || text[start] == '\'')) ++start;
  return at - start <= 3 && start < at && is_upper(text[start]);
}

}  // namespace detail

/// The text between the marks of Project Gutenberg, or all of it.
inline std::string_view without_boilerplate(std::string_view text) {
  for (const std::string_view mark : {"*** START OF", "***START OF", "*** END OF", "***END OF"}) {
    const std::size_t at = text.find(mark);
    if (at == std::string_view::npos) continue;
    if (mark.find("END") != std::string_view::npos) {
      text = text.substr(0, at);
    } else {
      const std::size_t end = text.find('\n', at);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
  }
  return text;
}

/// The text with `\n` line ends, plain quotes and dashes, and no blanks at the ends of lines.
inline std::string tidied(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  bool in_indent = true;  // blanks are kept here, and one at a time elsewhere
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if ((static_cast<unsigned char>(c) & 0x80) != 0) {
      const auto sign =
          std::find_if(detail::plain_signs.begin(), detail::plain_signs.end(),
                       [&](const auto& s) { return text.substr(i).starts_with(s.first); });
      const bool known = sign != detail::plain_signs.end();
      result += known ? sign->second : text.substr(i, 1);
      i += known ? sign->first.size() : 1;
      in_indent = false;
      continue;
    }
    ++i;
    if (c == '\r' && i < text.size() && text[i] == '\n') continue;
    if (c == '\n' || c == '\r') {
      while (result.ends_with(' ')) result.pop_back();
      result += '\n';
      in_indent = true;
    } else if (c <= ' ') {
      if (in_indent || !result.ends_with(' ')) result += ' ';
    } else {
      result += c;
      in_indent = false;
    }
  }
  return result;
}

/// Long lines hold paragraphs; lines that nearly all begin with a capital are verse.
inline layout guess_layout(std::string_view tidy) {
  std::size_t n = 0, n_long = 0, n_next = 0, n_capital = 0;
  bool inside = false;
  for (const auto line : detail::lines_of(tidy)) {
    const std::string_view words = detail::trimmed(line);
    if (words.empty()) {
      inside = false;
      continue;
    }
    ++n;
    n_long += line.size() > 100;
    const std::size_t letter = words.find_first_not_of("\"'([");
    n_next += inside;
    n_capital += inside && letter != std::string_view::npos && detail::is_upper(words[letter]);
    inside = true;
  }
  if (n_long * 10 > n) return layout::paragraphs;
  return n_capital * 10 > n_next * 6 ? layout::verse : layout::wrapped;
}

/// The paragraphs, stanzas and headings of a tidied text.
///
/// Cost:    linear in the text.
inline std::vector<paragraph> paragraphs_of(std::string_view tidy, layout how) {
  const auto lines = detail::lines_of(tidy);
  const std::size_t width = detail::usual_width(lines);
  const auto n_blank = std::count(lines.begin(), lines.end(), std::string_view());
  // Without blank lines, a paragraph ends where a sentence ends well before the margin.
  const bool dense = how == layout::wrapped && n_blank * 50 < std::ssize(lines);
  const auto starts_with_capitals = [](std::string_view line) {
    return detail::all_capitals(line.substr(0, line.find_first_of(" ,.")));
  };

  std::vector<paragraph> result;
  std::vector<std::string_view> block;
  bool is_title = false;  // a brace is how some old etexts mark the title of a poem
  const auto flush = [&] {
    if (block.empty()) return;
    const bool heading =
        is_title || (block.size() == 1 &&
                     (detail::is_heading(block[0]) || (dense && block[0].size() * 10 < width * 9 &&
                                                       starts_with_capitals(block[0]))));
    if (detail::is_table(block)) {
      // Ruled tables are not language.
    } else if (how == layout::verse) {
      result.push_back({detail::joined_verse(block), heading});
    } else {
      const bool keep = how == layout::paragraphs || (!dense && detail::keeps_lines(block, width));
      result.push_back({detail::joined(block, keep), heading});
    }
    block.clear();
    is_title = false;
  };
  for (const auto line : lines) {
    const std::string_view words = detail::trimmed(line);
    if (words.empty() || (dense && line.size() * 10 < width * 9 && starts_with_capitals(words))) {
      flush();
    }
    if (words.empty()) continue;
    is_title = is_title || words.front() == '}';
    block.push_back(words.front() == '}' ? detail::trimmed(words.substr(1)) : line);
    if (dense && line.size() * 10 < width * 9 && words.back() == '.') flush();
  }
  flush();
  return result;
}

/// How much of the text to cut off so that the piece has at most `most` bytes and ends as late
/// and as well as it can: at a paragraph, else a line, a sentence, a word, a character.
///
/// Returns: 1 to `most`, or the whole of a text that is short enough; `least` is where to begin
///          to look for the better ends.
inline std::size_t cut_length(std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() <= most) return text.size();
  const std::string_view head = text.substr(0, most);
  for (const std::string_view end :
       {"\n\n", "\n", ". ", ".\" ", "?\" ", "!\" ", "? ", "! ", "; ", " "}) {
    std::size_t at = head.rfind(end);
    while (at != std::string_view::npos && at > 0 && end == ". " && detail::is_short(head, at)) {
      at = head.rfind(end, at - 1);
    }
    if (at != std::string_view::npos && at >= least && at > 0) return at + end.size();
  }
  std::size_t at = most;
  while (at > 1 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

}  // namespace corpus
