// SPDX-License-Identifier: MIT
#include <multitudes/text/piece_table.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace multitudes;
using namespace multitudes::text;

TEST_CASE("each piece is found by its text, and nothing else is") {
  std::vector<std::string> texts;
  for (int i = 0; i < 5000; ++i) texts.push_back("p" + std::to_string(i * 7));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  auto made = piece_table::make(views);
  REQUIRE(made.has_value());
  const piece_table copy = *made;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    REQUIRE(copy.find(texts[i]) == token_id(i));
    REQUIRE(copy[token_id(i)] == texts[i]);
  }
  CHECK_FALSE(copy.find("p1").has_value());
  CHECK_FALSE(copy.find("").has_value());
  CHECK_FALSE(copy.find("p0 and much longer than any piece").has_value());
  CHECK(copy.longest() == 6);
}

TEST_CASE("two pieces with one text are refused by name") {
  const std::vector<std::string_view> views{"a", "b", "\x01\xFF", "b"};
  const auto made = piece_table::make(views);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == errc::malformed);
  CHECK(made.error().message() ==
        "tokenizer: piece 3: found \"b\", expected a text of its own; it is also piece 1");
}

TEST_CASE("empty pieces keep their number but are not found") {
  const std::vector<std::string_view> views{"", "a", ""};
  const auto made = piece_table::make(views);
  REQUIRE(made.has_value());
  CHECK(made->size() == 3);
  CHECK(made->find("a") == token_id(1));
  CHECK_FALSE(made->find("").has_value());
}

TEST_CASE("a vocabulary without pieces is refused") {
  CHECK(piece_table::make({}).error().code == errc::malformed);
}
