// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/detail/utf8.hpp>
#include <multitudes/report/table.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace multitudes::report {

/// One page of Markdown: the twin of `html_page`, for files under version control. All text is
/// escaped here, and folded at 100 columns; control characters become spaces.
class markdown_page {
 public:
  explicit markdown_page(std::string_view title) { heading_of("#", title); }

  /// `level` 2 to 4; what lies outside is brought inside.
  void heading(std::string_view text, int level = 2) {
    heading_of(std::string(static_cast<std::size_t>(std::clamp(level, 2, 4)), '#'), text);
  }
  void paragraph(std::string_view text) { fold(text, ""); }
  /// What somebody else said.
  void quotation(std::string_view text) { fold(text, "> "); }
  void add(const table& t) {
    begin_block();
    out_ += t.to_markdown();
  }

  /// The document; the page is then empty.
  [[nodiscard]] std::string finish() { return std::move(out_); }

 private:
  static constexpr std::size_t most_columns = 100;

  void begin_block() {
    if (!out_.empty()) out_ += "\n";
  }
  void heading_of(const std::string& mark, std::string_view text) {
    begin_block();
    out_ += mark + " " + escape(text) + "\n";
  }

  /// Markup becomes text; every run of white space a space.
  static std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte <= 0x20 || byte == 0x7F) {
        if (!out.empty() && out.back() != ' ') out += ' ';
        continue;
      }
      if (std::string_view("\\`*_<>[#~").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
  }

  /// A word that would begin a list, or underline a heading, at the start of a line.
  static bool begins_list(std::string_view word) {
    if (word.find_first_not_of("-+=") == std::string_view::npos) return true;
    const std::size_t digits = word.find_first_not_of("0123456789");
    return digits != 0 && digits != std::string_view::npos && digits + 1 == word.size() &&
           (word[digits] == '.' || word[digits] == ')');
  }

  void fold(std::string_view text, std::string_view before) {
    begin_block();
    const std::string escaped = escape(text);
    std::string_view rest = escaped;
    std::string line(before);
    bool fresh = true;
    while (!rest.empty()) {
      const std::string_view word = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(rest.size(), word.size() + 1));
      const std::size_t columns = detail::n_characters(line) + 1 + detail::n_characters(word);
      if (!fresh && columns > most_columns && !begins_list(word)) {
        out_ += line + "\n";
        line = before;
        fresh = true;
      }
      if (fresh && begins_list(word)) {
        line += std::string(word.substr(0, word.size() - 1)) + "\\" + word.back();
      } else {
        line += (fresh ? "" : " ") + std::string(word);
      }
      fresh = false;
    }
    out_ += line + "\n";
  }

  std::string out_;
};

}  // namespace multitudes::report
