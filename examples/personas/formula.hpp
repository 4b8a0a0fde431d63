// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace personas {

using namespace multitudes;

/// A persona's name and how much of it.
struct summand {
  double weight = 1;
  std::string name{};
};

/// Reads a mixture as people write it: `0.6*bard + 0.4*chemist - verbose`. Names are made of
/// letters, digits and underscores, and begin with a letter.
///
/// Errors:  malformed, naming the column.
inline expected<std::vector<summand>> parse_formula(std::string_view text) {
  std::size_t at = 0;
  const auto is_letter = [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto skip_spaces = [&] {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
  };
  const auto bad = [&](const char* wanted) {
    return fail({.code = errc::malformed,
                 .operation = "read mixture",
                 .place = "column " + std::to_string(at + 1) + " of '" + std::string(text) + "'",
                 .found = at < text.size() ? "'" + std::string(1, text[at]) + "'" : "the end",
                 .expected = wanted,
                 .remedy = "write it like 0.6*bard + 0.4*chemist - verbose"});
  };
  std::vector<summand> sum;
  for (;;) {
    skip_spaces();
    double weight = 1;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
      weight = text[at] == '-' ? -1 : 1;
      ++at;
      skip_spaces();
    } else if (!sum.empty()) {
      return bad("+ or -");
    }
    if (at < text.size() && (is_digit(text[at]) || text[at] == '.')) {
      double number = 0;
      const auto read = std::from_chars(text.data() + at, text.data() + text.size(), number);
      if (read.ec != std::errc{} || !std::isfinite(number)) return bad("a weight");
      at = static_cast<std::size_t>(read.ptr - text.data());
      weight *= number;
      skip_spaces();
      if (at == text.size() || text[at] != '*') return bad("*");
      ++at;
      skip_spaces();
    }
    if (at == text.size() || !is_letter(text[at])) return bad("a persona's name");
    const std::size_t first = at;
    while (at < text.size() && (is_letter(text[at]) || is_digit(text[at]) || text[at] == '_')) ++at;
    sum.push_back({weight, std::string(text.substr(first, at - first))});
    skip_spaces();
    if (at == text.size()) return sum;
  }
}

}  // namespace personas
