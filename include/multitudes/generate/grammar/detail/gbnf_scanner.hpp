// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/json.hpp>
#include <multitudes/generate/grammar/character_set.hpp>
#include <multitudes/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace multitudes::detail {

/// A place in the text of a grammar, and the smallest things that can stand there.
class gbnf_scanner {
 public:
  explicit gbnf_scanner(std::string_view text) : text_(text) {}

  [[nodiscard]] std::size_t position() const noexcept { return at_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ >= text_.size(); }
  void step(std::size_t n = 1) noexcept { at_ += n; }
  [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  static bool is_name(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
  }

  /// Over spaces, line ends and comments; tells whether a line ended.
  bool skip_blank() noexcept {
    bool line_ended = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        if (at_ == text_.size()) break;
      } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
        break;
      }
      line_ended = line_ended || text_[at_] == '\n';
    }
    return line_ended;
  }

  [[nodiscard]] std::string_view name() const noexcept {
    std::size_t n = 0;
    while (is_name(peek(n))) ++n;
    return text_.substr(at_, n);
  }
  /// A rule begins here: a name and `::=`.
  [[nodiscard]] bool at_rule() const noexcept {
    std::size_t n = name().size();
    if (n == 0) return false;
    while (peek(n) == ' ' || peek(n) == '\t') ++n;
    return text_.substr(std::min(at_ + n, text_.size())).starts_with("::=");
  }

  void step_over_definition() noexcept { at_ = text_.find("::=", at_) + 3; }
  /// Over a character of punctuation, blanks before it included, if it comes next.
  bool accept(char c) noexcept {
    skip_blank();
    const bool found = peek() == c;
    if (found) ++at_;
    return found;
  }

  /// `line 3, column 7`, both counted from 1, columns in bytes.
  [[nodiscard]] std::string place(std::size_t where) const {
    const std::string_view before = text_.substr(0, where);
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    return "line " + std::to_string(line) + ", column " + std::to_string(where - line_start + 1);
  }
  [[nodiscard]] std::string quoted_from(std::size_t start) const {
    return detail::quoted(text_.substr(start, at_ - start));
  }
  [[nodiscard]] error at(std::size_t where, std::string found, std::string wanted,
                         errc code = errc::malformed, std::string remedy = {}) const {
    return {.code = code,
            .operation = "grammar",
            .place = place(where),
            .found = std::move(found),
            .expected = std::move(wanted),
            .remedy = std::move(remedy)};
  }
  [[nodiscard]] error unexpected(std::string wanted, std::string remedy = {}) const {
    if (at_ >= text_.size()) {
      return at(text_.size(), "the end", std::move(wanted), errc::truncated, std::move(remedy));
    }
    return at(at_, detail::quoted(text_.substr(at_, 12)), std::move(wanted), errc::malformed,
              std::move(remedy));
  }

  /// Digits; what is too large stays too large without overflowing.
  bool number(std::size_t& value) {
    skip_blank();
    const std::size_t start = at_;
    for (value = 0; is_digit(peek()); ++at_) {
      value = std::min<std::size_t>(value * 10 + static_cast<std::size_t>(peek() - '0'), 1'000'000);
    }
    return at_ > start;
  }

  /// A character of a literal or class, escaped or not, up to what closes it.
  expected<char32_t> character(const char* closing, std::size_t opened_at) {
    const char c = peek();
    if (at_ >= text_.size() || c == '\n' || c == '\r') {
      return fail(unexpected(
          closing, "what is open began at " + place(opened_at) + "; write \\n for a line end"));
    }
    if (c == '\\') return escape();
    const text::decoded_character read = text::decode_character(text_.substr(at_));
    if (!read.valid) return fail(unexpected("UTF-8"));
    at_ += read.size;
    return read.code;
  }

 private:
  expected<char32_t> escape() {
    const std::size_t start = at_++;
    const char c = peek();
    constexpr std::string_view names = "nrt\\\"[]-^";
    constexpr std::string_view meanings = "\n\r\t\\\"[]-^";
    if (const std::size_t i = names.find(c); c != '\0' && i != names.npos) {
      ++at_;
      return static_cast<char32_t>(meanings[i]);
    }
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
      at_ = start;
      return fail(unexpected("\\n \\r \\t \\\\ \\\" \\[ \\] \\- \\^ \\xHH \\uHHHH or \\UHHHHHHHH"));
    }
    ++at_;
    char32_t code = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const char lower = static_cast<char>(peek() | 0x20);
      const bool letter = lower >= 'a' && lower <= 'f';
      if (!letter && !is_digit(peek())) {
        return fail(unexpected(std::to_string(digits) + " hexadecimal digits"));
      }
      code = code << 4 | static_cast<char32_t>(letter ? lower - 'a' + 10 : peek() - '0');
    }
    if (code > character_set::last_character || (code >= 0xD800 && code < 0xE000)) {
      return fail(at(start, quoted_from(start), "a character of Unicode"));
    }
    return code;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace multitudes::detail
