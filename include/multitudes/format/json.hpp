// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/quoted.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace multitudes::json {

namespace detail {

/// The bytes of the UTF-8 character that a text starts with; 0 if it starts with none. Overlong
/// forms, surrogates and what lies beyond U+10FFFF are none.
constexpr std::size_t character_bytes(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  if (text.empty()) return 0;
  if (first < 0x80) return 1;
  // The second byte alone tells apart what is overlong, a surrogate or too large.
  const unsigned low = first == 0xE0 ? 0xA0u : first == 0xF0 ? 0x90u : 0x80u;
  const unsigned high = first == 0xED ? 0x9Fu : first == 0xF4 ? 0x8Fu : 0xBFu;
  const std::size_t n = first < 0xC2 || first > 0xF4 ? 0u
                        : first < 0xE0               ? 2u
                        : first < 0xF0               ? 3u
                                                     : 4u;
  if (n == 0 || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < n; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return n;
}

inline void append_character(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t b) {
    out += static_cast<char>(static_cast<unsigned char>(b));
  };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

/// How many bytes of a text are a number of JSON; 0 if it starts with none.
constexpr std::size_t number_bytes(std::string_view text) noexcept {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - start;
  };
  const auto accept = [&](char c) {
    const bool found = at < text.size() && text[at] == c;
    if (found) ++at;
    return found;
  };
  accept('-');
  const std::size_t start = at;
  const std::size_t n_whole = digits();
  if (n_whole == 0 || (n_whole > 1 && text[start] == '0')) return 0;
  if (accept('.') && digits() == 0) return 0;
  if (accept('e') || accept('E')) {
    if (!accept('+')) accept('-');
    if (digits() == 0) return 0;
  }
  return at;
}

/// The value of a number of JSON; infinite or zero where it is out of reach.
inline double number_value(std::string_view number) {
#if defined(__cpp_lib_to_chars)
  double value = 0;
  const auto end = number.data() + number.size();
  if (std::from_chars(number.data(), end, value).ec == std::errc()) return value;
#endif
  // Where the library cannot, and for what is out of reach (which `from_chars` tells no further).
  return std::strtod(std::string(number).c_str(), nullptr);
}

}  // namespace detail

/// Appends a number with as many digits as give back the same one; false, and nothing appended, if
/// it is not finite, which JSON has no word for.
inline bool append_number(std::string& out, double value) {
  if (!std::isfinite(value)) return false;
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), end.ptr);
  return true;
}

/// Appends a text as a JSON string; false, and nothing appended, if it is not UTF-8.
inline bool append_string(std::string& out, std::string_view text) {
  std::string quoted = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = detail::character_bytes(text.substr(i));
    if (n == 0) return false;
    const char c = text[i];
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr const char* digits = "0123456789abcdef";
      quoted += "\\u00";
      quoted += {digits[c / 16], digits[c % 16]};
    } else {
      quoted.append(text, i, n);
    }
    i += n;
  }
  out += quoted + '"';
  return true;
}

/// Reads JSON piece by piece, front to back: the caller asks for what its format has next. No
/// tree is built and nothing recurses, so time and memory are linear in the text. Whitespace
/// between the pieces is skipped. Errors say at which byte they are.
class cursor {
 public:
  /// How deep `skip` follows arrays and objects in each other.
  static constexpr std::size_t max_depth = 64;

  /// `place` is what errors begin with; the text starts at byte `offset` of its file.
  cursor(std::string_view text, std::string place, std::size_t offset = 0)
      : text_(text), place_(std::move(place)), offset_(offset) {}

  /// How many bytes have been read, for those who want a piece of the text as it is written.
  [[nodiscard]] std::size_t bytes_read() const noexcept { return position_; }

  [[nodiscard]] bool next_is(char c) noexcept {
    skip_space();
    return position_ < text_.size() && text_[position_] == c;
  }
  /// Steps over a punctuation character, if it comes next.
  [[nodiscard]] bool accept(char c) noexcept {
    if (!next_is(c)) return false;
    ++position_;
    return true;
  }
  [[nodiscard]] expected<void> expect(char c) {
    if (accept(c)) return {};
    return fail(unexpected_here(std::string("'") + c + "'"));
  }
  /// Nothing but whitespace is left.
  [[nodiscard]] expected<void> finish() {
    skip_space();
    if (position_ == text_.size()) return {};
    return fail(unexpected_here("the end of the text"));
  }

  /// A string, with its escapes resolved.
  ///
  /// Errors:  malformed for what is no UTF-8, control characters, unknown escapes and halves of
  ///          surrogate pairs; truncated.
  [[nodiscard]] expected<std::string> string() {
    if (auto done = expect('"'); !done) return forward_error(done);
    std::string out;
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '"') {
        ++position_;
        return out;
      }
      if (c == '\\') {
        if (auto done = escape(out); !done) return forward_error(done);
        continue;
      }
      const std::size_t n = detail::character_bytes(text_.substr(position_));
      if (n == 0 || static_cast<unsigned char>(c) < 0x20) {
        return fail(unexpected_here("UTF-8 text without control characters"));
      }
      out.append(text_, position_, n);
      position_ += n;
    }
    return fail(unexpected_here("the closing '\"'"));
  }

  /// An integer from 0 to 2^64 - 1, in plain digits.
  [[nodiscard]] expected<std::uint64_t> unsigned_integer() {
    skip_space();
    const std::size_t start = position_;
    std::uint64_t value = 0;
    bool fits = true;
    while (position_ < text_.size() && is_digit(text_[position_])) {
      const auto digit = static_cast<std::uint64_t>(text_[position_] - '0');
      fits = fits && value <= (std::numeric_limits<std::uint64_t>::max() - digit) / 10;
      value = value * 10 + digit;
      ++position_;
    }
    const std::size_t n = position_ - start;
    if (n == 0 || !fits || (n > 1 && text_[start] == '0')) {
      position_ = start;
      return fail(unexpected_here("an integer from 0 to 2^64 - 1, without leading zeros"));
    }
    return value;
  }

  /// A number, fraction and exponent included.
  ///
  /// Errors:  malformed; truncated; unsupported for what no double comes near.
  [[nodiscard]] expected<double> number() {
    skip_space();
    const std::size_t n = detail::number_bytes(text_.substr(position_));
    if (n == 0) return fail(unexpected_here("a number"));
    const double value = detail::number_value(text_.substr(position_, n));
    if (!std::isfinite(value)) {
      return fail(at(errc::unsupported, "a number beyond 1.8e308", "a smaller one"));
    }
    position_ += n;
    return value;
  }

  /// Steps over `null`, if it comes next.
  [[nodiscard]] bool accept_null() noexcept {
    skip_space();
    const bool found = text_.substr(position_).starts_with("null");
    if (found) position_ += 4;
    return found;
  }

  /// `true` or `false`.
  [[nodiscard]] expected<bool> boolean() {
    skip_space();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "true" : "false";
      if (!text_.substr(position_).starts_with(word)) continue;
      position_ += word.size();
      return value;
    }
    return fail(unexpected_here("true or false"));
  }

  /// Steps over a value of any kind.
  ///
  /// Errors:  malformed; truncated; unsupported for values more than 64 deep.
  [[nodiscard]] expected<void> skip() {
    std::vector<char> closing;  // of the arrays and objects that are open
    for (;;) {
      const bool in_object = !closing.empty() && closing.back() == '}';
      if (in_object) {
        if (auto key = string(); !key) return forward_error(key);
        if (auto done = expect(':'); !done) return done;
      }
      const bool opens_array = accept('[');
      if (opens_array || accept('{')) {
        if (closing.size() == max_depth) {
          return fail(at(errc::unsupported,
                         "values more than " + std::to_string(max_depth) + " deep",
                         "at most that"));
        }
        closing.push_back(opens_array ? ']' : '}');
        if (!accept(closing.back())) continue;
        closing.pop_back();
      } else if (auto done = skip_scalar(); !done) {
        return done;
      }
      while (!closing.empty() && !accept(',')) {
        if (auto done = expect(closing.back()); !done) return done;
        closing.pop_back();
      }
      if (closing.empty()) return {};
    }
  }

  /// An error at this place.
  [[nodiscard]] error at(errc code, std::string found, std::string wanted) const {
    return {.code = code,
            .operation = "json",
            .place = place_ + (place_.empty() ? "byte " : ", byte ") +
                     std::to_string(offset_ + position_),
            .found = std::move(found),
            .expected = std::move(wanted),
            .remedy = "write the file again"};
  }

 private:
  static constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

  void skip_space() noexcept {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t' ||
                                        text_[position_] == '\n' || text_[position_] == '\r')) {
      ++position_;
    }
  }

  [[nodiscard]] error unexpected_here(std::string wanted) const {
    if (position_ == text_.size()) return at(errc::truncated, "the end", std::move(wanted));
    return at(errc::malformed, multitudes::detail::quoted(text_.substr(position_, 12)),
              std::move(wanted));
  }

  [[nodiscard]] expected<void> skip_scalar() {
    if (next_is('"')) {
      if (auto text = string(); !text) return forward_error(text);
      return {};
    }
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(position_).starts_with(word)) {
        position_ += word.size();
        return {};
      }
    }
    const std::size_t start = position_;
    constexpr std::string_view of_numbers = "+-.0123456789Ee";
    while (position_ < text_.size() && of_numbers.find(text_[position_]) != of_numbers.npos) {
      ++position_;
    }
    if (position_ == start) return fail(unexpected_here("a value"));
    return {};
  }

  /// Four hexadecimal digits.
  [[nodiscard]] expected<std::uint32_t> hex4() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i, ++position_) {
      const char c = position_ < text_.size() ? text_[position_] : '\0';
      const char lower = static_cast<char>(c | 0x20);
      const bool letter = lower >= 'a' && lower <= 'f';
      if (!letter && !is_digit(c)) return fail(unexpected_here("four hexadecimal digits"));
      value = value * 16 + static_cast<std::uint32_t>(letter ? lower - 'a' + 10 : c - '0');
    }
    return value;
  }

  [[nodiscard]] expected<void> escape(std::string& out) {
    ++position_;
    const char c = position_ < text_.size() ? text_[position_] : '\0';
    constexpr std::string_view names = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t i = names.find(c); i != names.npos) {
      out += meanings[i];
      ++position_;
      return {};
    }
    if (c != 'u') return fail(unexpected_here("an escape of JSON"));
    ++position_;
    auto code = hex4();
    if (!code) return forward_error(code);
    if (*code >= 0xD800 && *code < 0xDC00 && text_.substr(position_).starts_with("\\u")) {
      position_ += 2;
      const auto low = hex4();
      if (!low) return fail(low.error());
      if (*low >= 0xDC00 && *low < 0xE000) {
        *code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
      }
    }
    if (*code >= 0xD800 && *code < 0xE000) {
      return fail(at(errc::malformed, "half of a surrogate pair", "both halves"));
    }
    detail::append_character(out, *code);
    return {};
  }

  std::string_view text_;
  std::string place_;
  std::size_t offset_;
  std::size_t position_ = 0;
};

}  // namespace multitudes::json
