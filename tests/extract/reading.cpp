// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/extract/reading.hpp>

#include <doctest/doctest.h>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

mt::reading_pair read(const mt::contrast_pair& pair, mt::read_position position) {
  const auto lm = tiny_model();
  return mt::readings_of(*lm.tokenizer, std::span(&pair, 1), std::span(&position, 1))->front();
}

}  // namespace

TEST_CASE("texts are read from the token on in which they part, or from where one of them ends") {
  // A beginning token and a space stand before the letters.
  const auto first = [](const char* a, const char* b) {
    return read({a, b}, mt::read_position::after_difference).positive.spans[0];
  };
  CHECK(first("abc", "abd") == mt::token_range{4, 5});
  CHECK(first("abcd", "abx") == mt::token_range{4, 6});
  CHECK(first("ab", "abc") == mt::token_range{3, 4});  // never past the end
  CHECK(first("abc", "ab") == mt::token_range{4, 5});
  CHECK(first("x", "y") == mt::token_range{2, 3});
}

TEST_CASE("positions are the whole text, the answer alone, and the last token") {
  const mt::contrast_pair pair{"bc", "d", "a ", "q "};
  const auto whole = read(pair, mt::read_position::mean_over_text);
  CHECK(whole.positive.spans[0] == mt::token_range{1, whole.positive.tokens.size()});
  const auto answer = read(pair, mt::read_position::mean_over_answer);
  CHECK(answer.positive.spans[0] == mt::token_range{4, 6});
  CHECK(answer.negative.spans[0] == mt::token_range{4, 5});
  CHECK(tiny_model().tokenizer->decode(answer.positive.tokens) == "a bc");
  const auto last = read(pair, mt::read_position::last_token);
  CHECK(last.positive.spans[0] == mt::token_range{5, 6});
  const mt::contrast_pair plain{"bc", "d"};
  CHECK(read(plain, mt::read_position::mean_over_answer).positive.spans[0] ==
        mt::token_range{1, 4});
}

TEST_CASE("labels stand before the same texts") {
  const std::string texts[] = {"one", "two"};
  const auto pairs = mt::label_pairs("You are kind. ", "You are not. ", texts);
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[1].positive == "two");
  CHECK(pairs[1].negative == "two");
  CHECK(pairs[1].positive_prompt == "You are kind. ");
  CHECK(pairs[1].negative_prompt == "You are not. ");
}

TEST_CASE("bytes are found in the tokens that hold them") {
  const auto lm = tiny_model();
  // <s>, space, a, the two bytes of e acute, b
  const auto tokens = lm.tokenizer->encode(
      "a\xC3\xA9"
      "b");
  const auto find = [&](std::size_t first, std::size_t last) {
    return *mt::tokens_of_bytes(*lm.tokenizer, tokens, {first, last});
  };
  REQUIRE(tokens.size() == 6);
  CHECK(find(0, 1) == mt::token_range{2, 3});
  CHECK(find(1, 3) == mt::token_range{3, 5});
  CHECK(find(2, 4) == mt::token_range{4, 6});
  CHECK(*mt::tokens_of_bytes(*lm.tokenizer, tokens, {}) == mt::token_range{2, 6});
  for (const mt::byte_range bad : {mt::byte_range{2, 2}, {4, 9}, {3, 1}}) {
    CHECK(mt::tokens_of_bytes(*lm.tokenizer, tokens, bad).error().code ==
          mt::errc::invalid_argument);
  }
}

TEST_CASE("empty sides, empty answers and no positions are refused") {
  const auto lm = tiny_model();
  const auto code = [&](mt::contrast_pair pair, std::vector<mt::read_position> positions) {
    return mt::readings_of(*lm.tokenizer, std::span(&pair, 1), positions).error().code;
  };
  const auto text = mt::read_position::mean_over_text;
  CHECK(code({"a", ""}, {text}) == mt::errc::invalid_argument);
  CHECK(code({"", "a"}, {text}) == mt::errc::invalid_argument);
  CHECK(code({"a", "", "b", "b"}, {text}) == mt::errc::invalid_argument);
  CHECK(code({"a", "b"}, {}) == mt::errc::invalid_argument);
}
