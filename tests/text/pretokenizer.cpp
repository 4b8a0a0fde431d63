// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/text/pretokenizer.hpp>

#include "../support/long_run.hpp"

#include <doctest/doctest.h>

#include <array>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

using namespace multitudes;
using namespace multitudes::text;

namespace {

/// Words, printable where a check fails.
struct words {
  std::vector<std::string> list;

  template <class... W>
  explicit words(W... w) : list{w...} {}
  friend bool operator==(const words&, const words&) = default;
  friend std::ostream& operator<<(std::ostream& out, const words& w) {
    for (const std::string& word : w.list) out << '[' << word << ']';
    return out;
  }
};

words cut(std::string_view text, const pretokenizer& how) {
  word_splitter splitter;
  words out;
  std::size_t begin = 0;
  for (const std::size_t end : splitter.split(text, how)) {
    out.list.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}
words gpt2(std::string_view text) { return cut(text, *find_pretokenizer("gpt-2")); }

// Expressions of other vocabularies as tables: the rules must be rich enough for them.
// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*
// |\s*[\r\n]+|\s+(?!\S)|\s+
constexpr character_class line_ends{.also = "\r\n"};
constexpr character_class word_start{
    .categories = category::letter | category::number, .also = "\r\n", .negated = true};
constexpr std::array<split_rule, 7> llama3_rules{{
    {.literals = detail::contractions, .ignore_case = true},
    {.steps = {{{word_start, 0, 1}, {detail::letters, 1, any_number}}}},
    {.steps = {{{detail::numbers, 1, 3}}}},
    {.steps = {{{detail::a_space, 0, 1},
                {detail::neither_word_nor_space, 1, any_number},
                {line_ends, 0, any_number}}}},
    {.steps = {{{detail::spaces, 0, any_number}, {line_ends, 1, any_number}}}},
    {.steps = {{{detail::spaces, 1, any_number}}}, .not_before = detail::not_spaces},
    {.steps = {{{detail::spaces, 1, any_number}}}},
}};
constexpr std::array<split_stage, 1> llama3_stages{{{llama3_rules}}};
constexpr pretokenizer llama3{"llama-bpe", llama3_stages};

// \p{N} first, then GPT-2's: two stages.
constexpr std::array<split_rule, 1> digit_rules{{{.steps = {{{detail::numbers, 1, 1}}}}}};
constexpr std::array<split_stage, 2> two_stages{{{digit_rules}, {detail::gpt2_rules}}};
constexpr pretokenizer single_digits{"starcoder", two_stages};

}  // namespace

TEST_CASE("gpt-2's rules cut words with the space before them") {
  CHECK(gpt2("Hello world") == words{"Hello", " world"});
  CHECK(gpt2("") == words{});
  CHECK(gpt2("we've 'RE 're") == words{"we", "'ve", " '", "RE", " '", "re"});
  CHECK(gpt2("I'LL") == words{"I", "'", "LL"});
  CHECK(gpt2("a1b22 33!?x") == words{"a", "1", "b", "22", " 33", "!?", "x"});
  CHECK(gpt2("\xC3\xA9t\xC3\xA9\xE2\x80\xA6") == words{"\xC3\xA9t\xC3\xA9", "\xE2\x80\xA6"});
}

TEST_CASE("gpt-2's rules leave one space for the word that follows") {
  CHECK(gpt2("a   b") == words{"a", "  ", " b"});
  CHECK(gpt2("a \n b") == words{"a", " \n", " b"});
  CHECK(gpt2("a\n\nb") == words{"a", "\n", "\n", "b"});
  CHECK(gpt2("a   ") == words{"a", "   "});
  CHECK(gpt2("\xC2\xA0\xC2\xA0x") == words{"\xC2\xA0", "\xC2\xA0", "x"});
}

TEST_CASE("bytes that are not UTF-8 are cut like symbols") {
  CHECK(gpt2("a\xFF\xE2\x82 b") == words{"a", "\xFF\xE2\x82", " b"});
}

TEST_CASE("optional leading classes, counted runs and contractions in any case are data") {
  CHECK(cut("I'LL don't", llama3) == words{"I", "'LL", " don", "'t"});
  CHECK(cut("(x) 12345", llama3) == words{"(x", ")", " ", "123", "45"});
  CHECK(cut("a.\n\nb", llama3) == words{"a", ".\n\n", "b"});
  CHECK(cut("a \n  \n  b", llama3) == words{"a", " \n  \n", " ", " b"});
  CHECK(cut("a   b", llama3) == words{"a", "  ", " b"});
}

TEST_CASE("stages cut what the stages before them left") {
  CHECK(cut("ab 12 c", single_digits) == words{"ab", " ", "1", "2", " c"});
}

TEST_CASE("words joined are the text, whatever its bytes") {
  philox random(31);
  for (int i = 0; i < multitudes_test::sample_count(2000, 100000); ++i) {
    constexpr std::string_view likely = " \n\r\t'sTel1\xC2\xA0\xE2\x82\xFF!";
    std::string text(random.below(24), ' ');
    for (char& c : text) c = likely[random.below(static_cast<std::uint32_t>(likely.size()))];
    for (const pretokenizer* how : {find_pretokenizer("gpt-2"), &llama3, &single_digits}) {
      std::string joined;
      for (const std::string& word : cut(text, *how).list) {
        REQUIRE_FALSE(word.empty());
        joined += word;
      }
      REQUIRE(joined == text);
    }
  }
}

TEST_CASE("an unknown name has no pre-tokenizer") {
  CHECK(find_pretokenizer("default") == nullptr);
  CHECK(find_pretokenizer("") == nullptr);
}
