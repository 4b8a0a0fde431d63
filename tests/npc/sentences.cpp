// SPDX-License-Identifier: MIT
#include <multitudes/npc/sentences.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using multitudes::npc::sentence_finder;

/// The sentences of a text that comes in pieces of one character.
std::vector<std::string> sentences(std::string_view text) {
  std::vector<std::string> all{""};
  sentence_finder find;
  for (std::size_t at = 0; at < text.size();) {
    const auto b = static_cast<unsigned char>(text[at]);
    const std::size_t n = b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
    const std::string_view c = text.substr(at, n);
    if (find.find_end(c) != std::string_view::npos) {
      all.emplace_back();
      CHECK(find.find_end(c) == std::string_view::npos);
    }
    all.back() += c;
    at += n;
  }
  // All of it at once ends the first sentence at the same place.
  sentence_finder again;
  const std::size_t end = again.find_end(text);
  CHECK(text.substr(0, end) == all[0]);
  return all;
}

using list = std::vector<std::string>;

TEST_CASE("Sentences end where speech may begin, in several scripts") {
  CHECK(sentences("Go! Now.") == list{"Go!", " Now."});
  CHECK(sentences("It is 3.14 or so... he said") == list{"It is 3.14 or so...", " he said"});
  CHECK(sentences("\"Stop!\" she cried. Why?!\nWell") ==
        list{"\"Stop!\"", " she cried.", " Why?!", "\nWell"});
  CHECK(sentences("\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82\xE5\x86\x8D\xE8\xA7\x81") ==
        list{"\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82", "\xE5\x86\x8D\xE8\xA7\x81"});
  CHECK(sentences("\xE0\xA4\xB9\xE0\xA5\xA4 \xE0\xA4\x95") ==
        list{"\xE0\xA4\xB9\xE0\xA5\xA4", " \xE0\xA4\x95"});
  CHECK(sentences("\xD9\x87\xD8\x9F\xD9\x87") == list{"\xD9\x87\xD8\x9F", "\xD9\x87"});
  CHECK(sentences("\xE3\x80\x8C\xE3\x81\x82\xE3\x80\x82\xE3\x80\x8D\xE3\x81\x84") ==
        list{"\xE3\x80\x8C\xE3\x81\x82\xE3\x80\x82\xE3\x80\x8D", "\xE3\x81\x84"});
  CHECK(sentences("") == list{""});
}

}  // namespace
