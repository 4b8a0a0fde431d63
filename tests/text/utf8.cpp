// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/text/utf8.hpp>

#include "../support/long_run.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace multitudes;
using namespace multitudes::text;

namespace {

constexpr bool decodes(std::string_view bytes, char32_t code) {
  const decoded_character c = decode_character(bytes);
  return c.valid && !c.truncated && c.code == code && c.size == bytes.size();
}
constexpr bool refuses(std::string_view bytes, std::size_t size, bool truncated = false) {
  const decoded_character c = decode_character(bytes);
  return !c.valid && c.size == size && c.truncated == truncated;
}

// Every property below must hold for any bytes; these make the rare cases common.
std::string random_bytes(philox& random, std::size_t most) {
  constexpr std::string_view likely =
      "\x7F\x80\x8F\x90\x9F\xA0\xBF\xC1\xC2\xDF\xE0\xED\xEF\xF0\xF4\xF5\xFF";
  std::string out(random.below(static_cast<std::uint32_t>(most) + 1), ' ');
  for (char& c : out) {
    c = random.below(2) == 0 ? likely[random.below(static_cast<std::uint32_t>(likely.size()))]
                             : static_cast<char>(random.below(256));
  }
  return out;
}

}  // namespace

TEST_CASE("well-formed characters decode, at compile time too") {
  static_assert(decodes("a", U'a'));
  static_assert(decodes(std::string_view("\0", 1), 0));
  static_assert(decodes("\xC2\x80", 0x80));
  static_assert(decodes("\xDF\xBF", 0x7FF));
  static_assert(decodes("\xE0\xA0\x80", 0x800));
  static_assert(decodes("\xED\x9F\xBF", 0xD7FF));
  static_assert(decodes("\xEE\x80\x80", 0xE000));
  static_assert(decodes("\xEF\xBF\xBF", 0xFFFF));
  static_assert(decodes("\xF0\x90\x80\x80", 0x10000));
  static_assert(decodes("\xF4\x8F\xBF\xBF", 0x10FFFF));
  CHECK(decodes("\xF0\x9F\xA6\x99", 0x1F999));
}

TEST_CASE("ill-formed bytes are refused one maximal piece at a time") {
  CHECK(refuses("\x80", 1));
  CHECK(refuses("\xC0\x80", 1));          // longer than needed
  CHECK(refuses("\xE0\x9F\x80", 1));      // longer than needed
  CHECK(refuses("\xED\xA0\x80", 1));      // a surrogate
  CHECK(refuses("\xF4\x90\x80\x80", 1));  // past U+10FFFF
  CHECK(refuses("\xF5\x80\x80\x80", 1));
  CHECK(refuses("\xE2\x82g", 2));
  CHECK(refuses("\xF0\x9F\xA6g", 3));
  CHECK(refuses("\xE2\x82", 2, true));
  CHECK(refuses("\xC2", 1, true));
}

TEST_CASE("every scalar value survives writing and reading") {
  for (char32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    std::string bytes;
    append_utf8(bytes, code);
    if (!decodes(bytes, code)) FAIL("U+" << static_cast<unsigned long>(code));
  }
}

TEST_CASE("repaired bytes are valid, and valid bytes are left alone") {
  CHECK(repaired("a\xE2\x82"
                 "b\xFF") ==
        "a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD");
  CHECK(repaired("\xED\xA0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  philox random(11);
  for (int i = 0; i < multitudes_test::sample_count(2000, 200000); ++i) {
    const std::string bytes = random_bytes(random, 12);
    const std::string fixed = repaired(bytes);
    REQUIRE(is_valid_utf8(fixed));
    REQUIRE(repaired(fixed) == fixed);
    REQUIRE((fixed == bytes) == is_valid_utf8(bytes));
  }
}

TEST_CASE("the complete prefix holds back only what may still become a character") {
  CHECK(complete_prefix("") == 0);
  CHECK(complete_prefix("ab") == 2);
  CHECK(complete_prefix("a\xF0\x9F\xA6") == 1);
  CHECK(complete_prefix("a\xF0\x9F\xA6\x99") == 5);
  CHECK(complete_prefix("\x80\x80\x80\x80") == 4);
  CHECK(complete_prefix("a\xE0\x80") == 3);
  philox random(12);
  for (int i = 0; i < multitudes_test::sample_count(2000, 200000); ++i) {
    const std::string bytes = random_bytes(random, 12);
    const std::string_view all = bytes;
    const std::size_t n = complete_prefix(all);
    REQUIRE(n <= all.size());
    REQUIRE(all.size() - n <= 3);
    REQUIRE(repaired(all.substr(0, n)) + repaired(all.substr(n)) == repaired(all));
  }
}
