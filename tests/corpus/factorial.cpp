// SPDX-License-Identifier: MIT
#include "examples/corpus/factorial.hpp"
#include "examples/corpus/bag_of_words.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace {

using namespace corpus;

const grammar& words() {
  static const grammar read = [] {
    grammar g;
    REQUIRE(g.read(MULTITUDES_SOURCE_DIR "/examples/data/corpus/factorial.txt"));
    return g;
  }();
  return read;
}

}  // namespace

TEST_CASE("a quarter of the combinations is held out, evenly") {
  for (std::size_t i = 0; i < 8; ++i) {
    int by_way = 0, by_thing = 0;
    for (std::size_t j = 0; j < 8; ++j) {
      by_way += is_held_out(i, j);
      by_thing += is_held_out(j, i);
    }
    CHECK(by_way == 2);
    CHECK(by_thing == 2);
  }
}

TEST_CASE("training documents show every trained combination and no other") {
  std::set<std::pair<std::string, std::string>> shown;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const document d = factorial_document(words(), 1, i);
    CHECK(d.part == split::train);
    shown.emplace(d.style, d.subject);
  }
  CHECK(shown.size() == 48);
  for (std::size_t way = 0; way < 8; ++way) {
    for (std::size_t thing = 0; thing < 8; ++thing) {
      const bool seen =
          shown.contains({std::string(ways[way].name), std::string(things[thing].name)});
      CHECK(seen != is_held_out(way, thing));
    }
  }
}

TEST_CASE("a factorial document depends on its seed and number alone, and is whole") {
  std::set<std::string> texts;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const document d = factorial_document(words(), 2, i);
    CHECK(d.text.find_first_of("{}|</") == std::string::npos);
    CHECK(d.text.find("  ") == std::string::npos);
    CHECK(d.text.find("(n)") == std::string::npos);
    texts.insert(d.text);
  }
  CHECK(texts.size() == 3000);
  CHECK(factorial_document(words(), 2, 5).text == factorial_document(words(), 2, 5).text);
}

TEST_CASE("words of style and words of subject are two sets") {
  const auto style = style_words(words());
  const auto subject = subject_words(words());
  CHECK(style.size() > 300);
  CHECK(subject.size() > 300);
  std::set<std::string> both;
  std::set_intersection(style.begin(), style.end(), subject.begin(), subject.end(),
                        std::inserter(both, both.end()));
  CHECK(both.empty());
  CHECK(style.contains("brethren"));
  CHECK(subject.contains("saucepan"));
}

TEST_CASE("judges fitted on trained combinations name style and subject of those held out") {
  bag_of_words style(style_words(words()));
  bag_of_words subject(subject_words(words()));
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const document d = factorial_document(words(), 3, i);
    style.learn(d.style, d.text);
    subject.learn(d.subject, d.text);
  }
  REQUIRE(style.fit());
  REQUIRE(subject.fit());
  int n = 0, right_style = 0, right_subject = 0;
  for (std::size_t way = 0; way < 8; ++way) {
    for (std::size_t thing = 0; thing < 8; ++thing) {
      if (!is_held_out(way, thing)) continue;
      for (std::uint64_t i = 0; i < 20; ++i) {
        const document d = factorial_cell(words(), way, thing, 4, i);
        CHECK(d.part == split::held_out);
        ++n;
        right_style += style.name(d.text) == d.style;
        right_subject += subject.name(d.text) == d.subject;
      }
    }
  }
  MESSAGE("of " << n << ": style " << right_style << ", subject " << right_subject);
  CHECK(right_style >= n * 97 / 100);
  CHECK(right_subject >= n * 95 / 100);
}
