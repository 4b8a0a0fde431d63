// SPDX-License-Identifier: MIT
#include <multitudes/text/unicode_category.hpp>

#include <doctest/doctest.h>

#include <cstddef>

using namespace multitudes::text;

TEST_CASE("characters have the category that Unicode gives them") {
  static_assert(categories_of(U'a') == category::letter);
  static_assert(categories_of(U'5') == category::number);
  static_assert(categories_of(U'!') == category::punctuation);
  static_assert(categories_of(U'+') == category::symbol);
  static_assert(categories_of(U' ') == (category::separator | category::white_space));
  static_assert(categories_of(U'\n') == (category::other | category::white_space));
  CHECK(categories_of(0) == category::other);
  CHECK(categories_of(0x1F) == category::other);
  CHECK(categories_of(0x85) == (category::other | category::white_space));
  CHECK(categories_of(0xBD) == category::number);  // one half
  CHECK(categories_of(0x301) == category::mark);
  CHECK(categories_of(0x3000) == (category::separator | category::white_space));
  CHECK(categories_of(0x200B) == category::other);  // zero width space is no space
  CHECK(categories_of(0x4E00) == category::letter);
  CHECK(categories_of(0x9FFF) == category::letter);
  CHECK(categories_of(0x1F999) == category::symbol);  // llama
  CHECK(categories_of(0xFFFD) == category::symbol);
  CHECK(categories_of(0xD800) == category::other);
  CHECK(categories_of(0x10FFFF) == category::other);
}

TEST_CASE("the ranges are sorted, apart and of one category each") {
  const auto& ranges = detail::unicode::ranges;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    REQUIRE(ranges[i].size > 0);
    const unsigned bits = ranges[i].category;
    REQUIRE((bits != 0 && (bits & (bits - 1)) == 0 && bits < category::other));
    if (i == 0) continue;
    const char32_t end = ranges[i - 1].first + ranges[i - 1].size;
    const bool apart = end < ranges[i].first ||
                       (end == ranges[i].first && ranges[i - 1].category != ranges[i].category);
    REQUIRE(apart);
  }
}

TEST_CASE("the white spaces are the 25 characters of the White_Space property") {
  int n = 0;
  for (char32_t c = 0; c < 0x110000; ++c) n += (categories_of(c) & category::white_space) != 0;
  CHECK(n == 25);
}
