// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/quoted.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::npy::detail {

/// What the header of an array says.
struct header {
  std::string_view description;  ///< of an element: byte order, kind, bytes
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
};

/// Reads the header's text: a Python dict literal of exactly these three keys, in any order.
class header_parser {
 public:
  /// The text starts at byte `offset` of the file that errors call `file_name`.
  header_parser(std::string_view text, std::string_view file_name, std::size_t offset)
      : text_(text), file_name_(file_name), offset_(offset) {}

  expected<header> run() {
    header result;
    bool has_description = false;
    bool has_order = false;
    bool has_shape = false;
    if (auto done = expect('{'); !done) return forward_error(done);
    while (!accept('}')) {
      const auto key = quoted_text();
      if (!key) return fail(key.error());
      if (auto done = expect(':'); !done) return forward_error(done);
      expected<void> done;
      if (*key == "descr" && !std::exchange(has_description, true)) {
        done = parse_description(result);
      } else if (*key == "fortran_order" && !std::exchange(has_order, true)) {
        done = parse_order(result);
      } else if (*key == "shape" && !std::exchange(has_shape, true)) {
        done = parse_shape(result.shape);
      } else {
        return refuse("key " + multitudes::detail::quoted(*key),
                      "descr, fortran_order and shape, each once");
      }
      if (!done) return forward_error(done);
      if (!accept(',') && !next_is('}')) return refuse_here("',' or '}'");
    }
    if (!has_description || !has_order || !has_shape) {
      return refuse("less", "descr, fortran_order and shape");
    }
    skip_space();
    if (position_ != text_.size()) return refuse_here("spaces to the end of the header");
    return result;
  }

 private:
  void skip_space() noexcept {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) {
      ++position_;
    }
  }
  [[nodiscard]] bool next_is(char c) noexcept {
    skip_space();
    return position_ < text_.size() && text_[position_] == c;
  }
  [[nodiscard]] bool accept(char c) noexcept {
    if (!next_is(c)) return false;
    ++position_;
    return true;
  }
  [[nodiscard]] bool accept_word(std::string_view word) noexcept {
    skip_space();
    if (!text_.substr(position_).starts_with(word)) return false;
    position_ += word.size();
    return true;
  }
  [[nodiscard]] expected<void> expect(char c) {
    if (accept(c)) return {};
    return refuse_here(std::string("'") + c + "'");
  }

  [[nodiscard]] expected<std::string_view> quoted_text() {
    const char quote = next_is('"') ? '"' : '\'';
    if (auto done = expect(quote); !done) return forward_error(done);
    const std::size_t end = text_.find(quote, position_);
    if (end == text_.npos) return refuse_here("a closing quote");
    const std::string_view text = text_.substr(position_, end - position_);
    position_ = end + 1;
    return text;
  }

  [[nodiscard]] expected<void> parse_description(header& result) {
    if (next_is('[')) {
      return fail(at(errc::unsupported, "an array of records", "an array of numbers"));
    }
    const auto text = quoted_text();
    if (!text) return fail(text.error());
    result.description = *text;
    return {};
  }

  [[nodiscard]] expected<void> parse_order(header& result) {
    result.fortran_order = accept_word("True");
    if (result.fortran_order || accept_word("False")) return {};
    return refuse_here("True or False");
  }

  [[nodiscard]] expected<void> parse_shape(std::vector<std::uint64_t>& shape) {
    if (auto done = expect('('); !done) return done;
    while (!accept(')')) {
      const auto n = number();
      if (!n) return fail(n.error());
      shape.push_back(*n);
      if (!accept(',') && !next_is(')')) return refuse_here("',' or ')'");
    }
    return {};
  }

  [[nodiscard]] expected<std::uint64_t> number() {
    skip_space();
    const std::size_t start = position_;
    std::uint64_t value = 0;
    bool fits = true;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
      const auto digit = static_cast<std::uint64_t>(text_[position_] - '0');
      fits = fits && value <= (std::numeric_limits<std::uint64_t>::max() - digit) / 10;
      value = value * 10 + digit;
      ++position_;
    }
    if (fits && position_ != start) return value;
    position_ = start;
    return refuse_here("a length");
  }

  [[nodiscard]] error at(errc code, std::string found, std::string wanted) const {
    std::string place(file_name_);
    if (!place.empty()) place += ", ";
    place += "byte " + std::to_string(offset_ + position_) + ", header";
    return {.code = code,
            .operation = "npy",
            .place = std::move(place),
            .found = std::move(found),
            .expected = std::move(wanted),
            .remedy = "write the array again, with numpy.save"};
  }
  [[nodiscard]] unexpected<error> refuse(std::string found, std::string wanted) const {
    return fail(at(errc::malformed, std::move(found), std::move(wanted)));
  }
  [[nodiscard]] unexpected<error> refuse_here(std::string wanted) const {
    const auto rest = text_.substr(std::min(position_, text_.size()), 12);
    return refuse(rest.empty() ? "the end" : multitudes::detail::quoted(rest), std::move(wanted));
  }

  std::string_view text_;
  std::string_view file_name_;
  std::size_t offset_;
  std::size_t position_ = 0;
};

}  // namespace multitudes::npy::detail
