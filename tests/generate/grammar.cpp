// SPDX-License-Identifier: MIT
// What grammars accept, against sets of texts that are worked out without reading any.
#include "../support/grammar_comparison.hpp"
#include "../support/grammar_language.hpp"
#include "../support/long_run.hpp"

#include <multitudes/generate/grammar/grammar_matcher.hpp>
#include <multitudes/text/utf8.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mt = multitudes;
using multitudes_test::grammar_language;

namespace {

struct grammar_sample {
  const char* gbnf;
  std::u32string alphabet;
  std::size_t longest;  // in characters
};

const std::vector<grammar_sample> grammar_samples{
    // literals, classes, repetitions
    {R"g(root ::= "ab")g", U"ab", 4},
    {R"g(root ::= "")g", U"ab", 3},
    {R"g(root ::=)g", U"ab", 3},
    {R"g(root ::= "a" | "ab" | "abc" | "b" "c"?)g", U"abc", 5},
    {R"g(root ::= "a"* "b"+ "c"?)g", U"abc", 6},
    {R"g(root ::= [a-c]{2})g", U"abcd", 5},
    {R"g(root ::= "a"{2,})g", U"ab", 7},
    {R"g(root ::= "a"{2,4} "b")g", U"ab", 7},
    {R"g(root ::= ("ab" | "c"){1,3})g", U"abc", 7},
    {R"g(root ::= ("a"? "b"){0,2} "a")g", U"ab", 7},
    {R"g(root ::= "a"{0} "b"{0,0} "c"{1,1})g", U"abc", 4},
    {R"g(root ::= [^a]*)g", U"abc", 5},
    {R"g(root ::= [^a-b\n] .)g", U"abc\n", 4},
    {R"g(root ::= [-a] [a-] [\-\]\[\^])g", U"a-]^[", 4},
    {R"g(root ::= "\n\t\"\\" | "\x41\u0042")g", U"\n\t\"\\AB", 5},
    {R"g(root ::= .{1,3})g", U"ab\n", 5},
    {R"g(root ::= ( "a" | ( "b" | ( "c" ) ) )* "d"?)g", U"abcd", 5},
    {R"g(root ::= | "a" | "b" |)g", U"ab", 3},
    {R"g(root ::= "a" ( | "b" )  "c")g", U"abc", 5},
    {"# first\nroot ::= a # then\n  b |\n  a\na ::= \"a\"\n\nb ::= # empty line\n  \"b\"", U"ab",
     4},
    {"root ::= item\n  ( \",\"\n    item )*\nitem ::= \"a\" | \"b\"", U"ab,", 6},
    // recursion
    {R"g(root ::= "a" root | "b")g", U"ab", 7},
    {R"g(root ::= root "a" | "b")g", U"ab", 7},
    {R"g(root ::= "a" root "b" | "")g", U"ab", 8},
    {R"g(root ::= "a" root "a" | "b" root "b" | "a" | "b" | "")g", U"ab", 8},
    {R"g(root ::= "(" root ")" root | "")g", U"()", 8},
    {"root ::= e\ne ::= e \"+\" t | t\nt ::= t \"*\" f | f\nf ::= \"(\" e \")\" | \"n\"", U"+*()n",
     6},
    {"root ::= a\na ::= b \"x\" | \"x\"\nb ::= a \"y\" | \"y\"", U"xy", 8},
    {"root ::= a \"c\" | \"c\"\na ::= b\nb ::= root \"b\" | \"a\"", U"abc", 7},
    // hidden left recursion: what comes before may be empty
    {"root ::= n root \"b\" | \"a\"\nn ::= \"\" | \"c\"", U"abc", 6},
    {"root ::= n n n root \"b\" | \"a\"\nn ::= \"a\"?", U"ab", 7},
    // recursion through the middle, and mutual
    {"root ::= \"a\" b | \"\"\nb ::= \"b\" root \"c\" | root", U"abc", 7},
    {"root ::= \"[\" list? \"]\"\nlist ::= v | list \",\" v\nv ::= root | \"1\"", U"[],1", 7},
    {"root ::= \"[\" list? \"]\"\nlist ::= v (\",\" v)*\nv ::= root | \"1\"", U"[],1", 7},
    {"root ::= x y\nx ::= \"a\" x \"b\" | \"\"\ny ::= \"b\" y \"a\" | \"\"", U"ab", 8},
    // ambiguity
    {R"g(root ::= root root | "a")g", U"ab", 7},
    {R"g(root ::= root root | "a" | "")g", U"ab", 7},
    {R"g(root ::= root root root | "a" | "b")g", U"ab", 7},
    {R"g(root ::= root "+" root | root "*" root | "n")g", U"+*n", 7},
    {R"g(root ::= ("a"*)*)g", U"ab", 6},
    {R"g(root ::= (("a"*)* | "b"?)+)g", U"ab", 6},
    {R"g(root ::= ((("a"?)?)?)? "b")g", U"ab", 4},
    {R"g(root ::= ("a" | "a" "a")* )g", U"ab", 7},
    {R"g(root ::= ("a"?){5} ("a"?){0,3})g", U"ab", 10},
    {R"g(root ::= "a" root root | "a" root | "b")g", U"ab", 8},
    {R"g(root ::= (("a"{0,2}){0,2}){0,2} "b")g", U"ab", 10},
    {"root ::= a | b\na ::= \"x\" a | \"x\"\nb ::= \"x\" b \"y\" | \"x\" \"y\"", U"xy", 8},
    {R"g(root ::= (""*)* "a" (("")+)?)g", U"ab", 3},
    {R"g(root ::= root | "a")g", U"ab", 3},
    {"root ::= a\na ::= b\nb ::= a | \"x\" b | \"x\"", U"xy", 6},
    // ways that never end
    {"root ::= \"a\" never | \"b\"\nnever ::= \"x\" never", U"abx", 4},
    {"root ::= \"a\" (never | \"b\")? \"c\"\nnever ::= \"x\" never \"y\"", U"abcxy", 5},
    {R"g(root ::= "a" [^\x00-\U0010FFFF] | "b")g", U"ab", 4},
    {"root ::= \"a\"* unused?\nunused ::= root never\nnever ::= never", U"ab", 4},
    // Unicode
    {R"g(root ::= "é" | "e" | "ê"+)g", U"eéê", 4},
    {R"g(root ::= [à-ý]* [^é-ê])g", U"aàéê", 4},
    {R"g(root ::= "日本" | "日"? [一-龯] "😀"?)g", U"日本語😀", 4},
    {R"g(root ::= [\U0001F600-\U0001F64F]+ | [α-ω]{2} | "€")g", U"😀🙏α€", 4},
    {R"g(root ::= . "é" .)g", U"aé日😀", 4},
    {R"g(root ::= [^a]{2,3} "a")g", U"aé\U0010FFFF", 5},
    {R"g(root ::= [\u0080-\u07FF]* [\uE000-\U00010000]?)g", U"a\u0080\u07FF\u0800\uE000\U00010000",
     4},
    // what games ask for
    {R"g(root ::= "go" " " ("north" | "south") | "wait")g", U"gonrthsuwai ", 4},
    {"root ::= act (\";\" act){0,2}\nact ::= \"g\" dir? | \"w\"\ndir ::= [ns]", U"gnsw;", 6},
    {"root ::= \"\\\"\" c* \"\\\"\"\nc ::= [^\"\\\\] | \"\\\\\" [\"\\\\n]", U"\"\\na", 6},
};

}  // namespace

TEST_CASE("a grammar accepts what the sets of its texts have, and every beginning of them") {
  std::size_t n_texts = 0;
  for (const grammar_sample& s : grammar_samples) {
    CAPTURE(std::string(s.gbnf));
    const auto g = mt::grammar::parse(s.gbnf);
    REQUIRE_MESSAGE(g.has_value(), g.error().message());
    auto m = mt::grammar_matcher::make(*g);
    REQUIRE(m.has_value());
    std::vector<std::string> pieces;
    for (const char32_t c : s.alphabet) pieces.push_back(grammar_language::encoded({c}));
    const std::size_t longest =
        s.longest + static_cast<std::size_t>(multitudes_test::sample_count(3, 5));
    const auto texts = grammar_language(s.gbnf, s.alphabet, longest).all();
    n_texts += texts.size();
    multitudes_test::grammar_comparison(*m, pieces, longest, texts).run();
  }
  CHECK(grammar_samples.size() >= 60);
  CHECK(n_texts > 10'000);
}

TEST_CASE("bytes that are not UTF-8 are refused at the first that cannot be") {
  for (const char* rule : {"root ::= .", "root ::= [^a]", R"(root ::= [\u0000-\U0010FFFF] "")"}) {
    CAPTURE(std::string(rule));
    auto m = mt::grammar_matcher::make(*mt::grammar::parse(rule));
    REQUIRE(m.has_value());
    int wrong = 0;
    const auto compare = [&](const std::string& bytes) {
      mt::grammar_state at = m->start();
      const bool accepted = *m->accept(at, bytes);
      const auto c = mt::text::decode_character(bytes);
      const bool excluded = bytes == "a" && std::string_view(rule) == "root ::= [^a]";
      const bool whole = c.valid && c.size == bytes.size() && !excluded;
      const bool begun = c.truncated && c.size == bytes.size();
      wrong += accepted == (whole || begun) ? 0 : 1;
      wrong += accepted && at.may_end() == begun ? 1 : 0;
      return begun;
    };
    for (int first = 0; first < 256; ++first) {
      if (!compare(std::string(1, static_cast<char>(first)))) continue;
      for (int second = 0; second < 256; ++second) {
        const std::string two{static_cast<char>(first), static_cast<char>(second)};
        if (!compare(two)) continue;
        for (const int third : {0x20, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF}) {
          if (!compare(two + static_cast<char>(third))) continue;
          for (const int fourth : {0x41, 0x80, 0xBF, 0xC0}) {
            compare(two + static_cast<char>(third) + static_cast<char>(fourth));
          }
        }
      }
    }
    CHECK(wrong == 0);
  }
}
