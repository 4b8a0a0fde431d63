// SPDX-License-Identifier: MIT
// Grammar texts that are wrong, hostile or greedy.
#include "../support/allocation_counter.hpp"
#include "../support/mutate.hpp"

#include <multitudes/generate/grammar/grammar_matcher.hpp>
#include <multitudes/generate/grammar/json_schema.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mt = multitudes;

namespace {

std::string text_times(std::string_view text, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("what is wrong with a grammar's text is said with line and column") {
  struct wrong {
    std::string text;
    mt::errc code;
    const char* place;
    const char* found;
  };
  const wrong all[] = {
      {"", mt::errc::not_found, "line 1, column 1", "no rule \"root\""},
      {"# nothing", mt::errc::not_found, "line 1, column 10", "no rule"},
      {"a ::= \"b\"", mt::errc::not_found, "line 1, column 10", "no rule"},
      {"root ::= a\nb ::= \"x\"", mt::errc::not_found, "line 1, column 10", "rule \"a\""},
      {"root := \"a\"", mt::errc::malformed, "line 1, column 1", "root := "},
      {"root ::= \"a\"\nroot ::= \"b\"", mt::errc::malformed, "line 2, column 1", "again"},
      {"root ::= \"a\" b ::= \"b\"", mt::errc::malformed, "line 1, column 14", "b ::="},
      {"root ::= \"a", mt::errc::truncated, "line 1, column 12", "the end"},
      {"root ::= \"a\n\"", mt::errc::malformed, "line 1, column 12", "\\x0a"},
      {"root ::= [a-", mt::errc::truncated, "line 1, column 13", "the end"},
      {"root ::= [z-a]", mt::errc::malformed, "line 1, column 11", "z-a"},
      {"root ::= []", mt::errc::malformed, "line 1, column 10", "[]"},
      {"root ::= [^]", mt::errc::malformed, "line 1, column 10", "[^]"},
      {"root ::= \"\\q\"", mt::errc::malformed, "line 1, column 11", "q"},
      {"root ::= \"\\x4\"", mt::errc::malformed, "line 1, column 14", "\\x22"},
      {"root ::= \"\\uD800\"", mt::errc::malformed, "line 1, column 11", "uD800"},
      {"root ::= \"\\U00110000\"", mt::errc::malformed, "line 1, column 11", "U00110000"},
      {"root ::= \"\xC3\"", mt::errc::malformed, "line 1, column 11", "xc3"},
      {"root ::= (\"a\"", mt::errc::truncated, "line 1, column 14", "the end"},
      {"root ::= (\"a\"\nb ::= \"c\"", mt::errc::malformed, "line 2, column 1", "b ::="},
      {"root ::= \"a\")", mt::errc::malformed, "line 1, column 13", ")"},
      {"root ::= *", mt::errc::malformed, "line 1, column 10", "*"},
      {"root ::= \"a\" | +", mt::errc::malformed, "line 1, column 16", "+"},
      {"root ::= (?)", mt::errc::malformed, "line 1, column 11", "?"},
      {"root ::= \"a\"**", mt::errc::malformed, "line 1, column 14", "repetition of a repetition"},
      {"root ::= \"a\"{,2}", mt::errc::malformed, "line 1, column 14", ",2}"},
      {"root ::= \"a\"{2,1}", mt::errc::malformed, "line 1, column 13", "{2,1}"},
      {"root ::= \"a\"{2", mt::errc::truncated, "line 1, column 15", "the end"},
      {"root ::= \"a\"{x}", mt::errc::malformed, "line 1, column 14", "x}"},
      {"root ::= \"a\"{99999}", mt::errc::unsupported, "line 1, column 13", "{99999}"},
      {"root ::= \"a\"{1,99999999999999999999}", mt::errc::unsupported, "line 1, column 13",
       "{1,9"},
      {"root ::= 'a'", mt::errc::malformed, "line 1, column 10", "'a'"},
      {"root ::= root", mt::errc::malformed, "rule \"root\"", "no finite text"},
      {"root ::= \"a\" root", mt::errc::malformed, "rule \"root\"", "no finite text"},
      {"root ::= a\na ::= b\nb ::= \"x\" a | b", mt::errc::malformed, "rule \"root\"", "no finite"},
      {"root ::= [^\\x00-\\U0010FFFF]", mt::errc::malformed, "rule \"root\"", "no finite text"},
      {"root ::= " + text_times("(", 101) + "\"a\"" + text_times(")", 101), mt::errc::unsupported,
       "line 1, column 110", "100 deep"},
      {"root ::= \"" + text_times("a", (1 << 20)) + "\"", mt::errc::unsupported, "line 1, column 1",
       "bytes"},
      {"root ::= \"" + text_times("a", 300'000) + "\"", mt::errc::unsupported, "",
       "larger grammar"},
      {"root ::= " + text_times("\"a\"{65536} ", 3), mt::errc::unsupported, "", "larger grammar"},
  };
  for (const wrong& w : all) {
    CAPTURE(w.text.substr(0, 60));
    const auto g = mt::grammar::parse(w.text);
    REQUIRE(!g.has_value());
    CHECK(g.error().code == w.code);
    CHECK(g.error().operation == "grammar");
    if (*w.place) CHECK(g.error().place == w.place);
    CHECK_MESSAGE(g.error().found.find(w.found) != std::string::npos, g.error().message());
    CHECK(!g.error().expected.empty());
  }
}

TEST_CASE("large grammars within the limits are read and run") {
  std::string rules = "root ::= r0\n";
  for (int i = 0; i < 20'000; ++i) {
    rules += "r" + std::to_string(i) + " ::= \"a\" r" + std::to_string(i + 1) + " | \"b\"\n";
  }
  const std::string long_chain = rules + "r20000 ::= \"c\"";
  const std::string deep = "root ::= " + text_times("(", 100) + "\"a\"" + text_times(")*", 100);
  const std::string many = "root ::= \"a\" | " + text_times("\"ab\" | ", 3000) + "\"b\"";
  const std::string nested = R"(root ::= ((("a"{1000}){1000}){1000}){1000} | "b")";
  for (const std::string& text : {long_chain, deep, many, nested}) {
    CAPTURE(text.substr(0, 60));
    const auto g = mt::grammar::parse(text);
    REQUIRE_MESSAGE(g.has_value(), g.error().message());
    auto m = mt::grammar_matcher::make(*g);
    REQUIRE_MESSAGE(m.has_value(), m.error().message());
    CHECK(*m->matches(text == deep ? "" : "b"));
    mt::grammar_state at = m->start();
    CHECK(*m->accept(at, "a"));
  }
  CHECK(mt::grammar::parse(nested)->fewest_bytes() == 1);
  CHECK(mt::grammar::parse(R"(root ::= ((("a"{1000}){1000}){1000}){1000})")->fewest_bytes() ==
        1u << 30);
}

TEST_CASE("ambiguity takes bounded room, and what it overflows is an error") {
  const char* texts[] = {
      R"(root ::= root root | "a")",
      R"(root ::= root root root | "a" | "")",
      R"(root ::= (("a"*)*)*)",
      R"(root ::= ("a"? "a"? "a"?){0,300})",
      R"(root ::= "a" root root | "a" root | "a")",
      "root ::= x | y\nx ::= y \"a\" | x x | \"a\"\ny ::= x \"a\" | y x | \"a\"",
      R"(root ::= "a" root "a" | "a" root | "a")",
      R"(root ::= ("a" | "a" ("a" | "a" ("a" | root root)))*)",
  };
  for (const char* text : texts) {
    CAPTURE(std::string(text));
    const auto g = mt::grammar::parse(text);
    REQUIRE(g.has_value());
    auto m = mt::grammar_matcher::make(*g, {.state_words = 20'000, .visits = 20'000});
    REQUIRE(m.has_value());
    mt::grammar_state at = m->start();
    at.reserve(m->limits().state_words);
    const multitudes_test::allocation_counter counter;
    std::size_t n = 0;
    for (bool goes_on = true; goes_on && n < 600; n += goes_on ? 1 : 0) {
      const auto accepted = m->accept(at, "a");
      goes_on = accepted.has_value() && *accepted;
      CHECK(at.words().size() <= m->limits().state_words);
      if (!accepted) {
        CHECK(accepted.error().code == mt::errc::out_of_memory);
        break;
      }
      CHECK(counter.allocations() == 0);
    }
    CHECK(n >= 60);
    MESSAGE(n << " characters, " << at.words().size() << " words");
  }
}

TEST_CASE("limits that are too small for a grammar's beginning are an error") {
  const auto g = mt::grammar::parse(R"(root ::= ("a"?){2000})");
  REQUIRE(g.has_value());
  CHECK(mt::grammar_matcher::make(*g, {.state_words = 64}).error().code == mt::errc::out_of_memory);
  CHECK(mt::grammar_matcher::make(*g, {.visits = 64}).error().code == mt::errc::out_of_memory);
  CHECK(mt::grammar_matcher::make(*g, {.state_words = 3}).error().code ==
        mt::errc::invalid_argument);
  CHECK(mt::grammar_matcher::make(*g).has_value());
}

TEST_CASE("a damaged grammar or schema is read or refused, and what is read can be run") {
  const std::string_view grammars[] = {
      R"(root ::= item ("," item){0,3} # list
         item ::= [a-z]+ | "\"" [^"\\\n]* "\"" | (num)?
         num ::= "-"? ([0-9] | [1-9] [0-9]{1,15}) ("." [0-9]+)?)",
      "root ::= e\ne ::= e \"+\" t | t\nt ::= t \"*\" f | f\nf ::= \"(\" e \")\" | \"n\"{2,}\n",
      "root ::= \"\\u00e9\" . [\\U0001F600-\\U0001F64F] | root root | \"\" | [^-a-c\\]]\n",
      R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "kind":
         {"enum": ["a", 1, null]}, "list": {"type": "array", "items": {"$ref": "#"},
         "minItems": 1}},
         "required": ["name"], "additionalProperties": false})",
      R"({"$defs": {"n": {"type": ["integer", "null"]}}, "anyOf": [{"$ref": "#/$defs/n"}, true,
         {"const": {"a": [1.5e3, "\u00e9"]}}]})",
  };
  mt::philox random(11);
  const int n = multitudes_test::sample_count(2000, 100'000);
  int n_read = 0;
  for (const std::string_view original : grammars) {
    for (int i = 0; i < n; ++i) {
      const auto* first = reinterpret_cast<const std::byte*>(original.data());
      const auto bytes = multitudes_test::mutate({first, first + original.size()}, random);
      const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      const auto g =
          original.starts_with("{") ? mt::grammar_from_json_schema(text) : mt::grammar::parse(text);
      if (!g) {
        CHECK(!g.error().message().empty());
        continue;
      }
      ++n_read;
      auto m = mt::grammar_matcher::make(*g, {.state_words = 1024, .visits = 1024});
      if (!m) continue;
      mt::grammar_state at = m->start();
      for (int k = 0; k < 40; ++k) {
        const auto byte = static_cast<char>(k % 3 == 0 ? random.below(256) : 32 + random.below(96));
        const auto accepted = m->accept(at, std::string_view(&byte, 1));
        if (!accepted) break;
        const bool alive = at.may_end() || m->bytes_to_end(at) <= (1u << 30);
        CHECK(alive);
      }
    }
  }
  CHECK(n_read > 100);
  MESSAGE(n_read << " of " << 5 * n << " damaged texts were grammars all the same");
}
