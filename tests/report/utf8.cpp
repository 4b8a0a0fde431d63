// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/report/detail/utf8.hpp>

#include <cstdint>
#include <string>

namespace {

using namespace multitudes::report::detail;

std::string encode(char32_t c) {
  const auto byte = [](char32_t bits) {
    return static_cast<char>(static_cast<unsigned char>(bits));
  };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000) {
    return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  }
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)),
          byte(0x80 | (c & 0x3F))};
}

TEST_CASE("every character is read back, and surrogates are none") {
  int wrong = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const std::string bytes = encode(c);
    const character read = first_character(bytes + "x");
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    const bool right = surrogate ? read.value == replacement_character && read.n_bytes == 1
                                 : read.value == c && read.n_bytes == bytes.size();
    wrong += right ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a character that is cut short, overlong or too large is one broken byte") {
  for (const char* bytes : {"\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC0\x80", "\xC1\xBF",
                            "\xE0\x80\x80", "\xE0\x9F\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",
                            "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3(", "\xE2(\xA1"}) {
    CHECK(first_character(bytes).value == replacement_character);
    CHECK(first_character(bytes).n_bytes == 1);
  }
}

TEST_CASE("characters are counted, not bytes") {
  CHECK(n_characters("") == 0);
  CHECK(n_characters("abc") == 3);
  CHECK(n_characters("na\xC3\xAF" "ve \xE2\x88\x92 \xF0\x9F\x98\x80") == 9);
  CHECK(n_characters("\xFF\xFE") == 2);
}

}  // namespace
