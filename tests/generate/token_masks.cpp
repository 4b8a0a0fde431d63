// SPDX-License-Identifier: MIT
#include "../support/allocation_counter.hpp"
#include "../support/json_check.hpp"
#include "../support/long_run.hpp"

#include <multitudes/generate/grammar/json_schema.hpp>
#include <multitudes/generate/grammar/token_masks.hpp>
#include <multitudes/generate/sampler.hpp>
#include <multitudes/text/utf8.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mt = multitudes;
using mt::token_id;

namespace {

/// Pieces as awkward as they come: several ways to write the same, characters in parts, parts that
/// belong to two characters, bytes that are never UTF-8, pieces without bytes.
const std::vector<std::string>& pieces() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> made{
        "",         "</s>",  "",       "\"}",      "\":",   "{\"",      "\",\"",
        "[[",       "]]",    "],",     "[]",       "{}",    "true",     "tru",
        "false",    "null",  "nu",     "ll",       "\\u",   "\\n",      "\\\"",
        "d8",       "abc",   "ab",     "a b",      "  ",    ", ",       ": ",
        "12",       "-1",    "0.5",    "e+",       "north", "no",       "go",
        "go ",      "wait",  "é",      "日本",     "😀",    "\xC3",     "\xA9",
        "\xE6\x97", "\xA5",  "\xE6",   "\x97",     "\xF0",  "\x9F",     "\x98",
        "\x80",     "a\xC3", "\xA9\"", "\x80\xE6", "\xFF",  "\xC0\x80", "\xED\xA0\x80",
        "\xF4\x90", "))",    "((",     "()",       "abc",   "\"name\"", "\"n",
        "ame\": \""};
    // Families of tokens that begin alike, some with what no UTF-8 has, or an unfinished end.
    for (const char* end :
         {"", "n", "re", "se", "\"", "n\xC3", "n\xC3\xA9", "n\xC3(", "n日本語", "ir 😀"}) {
      for (const char* start : {"the", " the", "日本", "THE", "9the"}) {
        made.push_back(std::string(start) + end);
      }
    }
    for (char c = ' '; c <= '~'; ++c) made.emplace_back(1, c);
    made.emplace_back("\n");
    return made;
  }();
  return all;
}
const token_id end_token(1);

std::shared_ptr<const mt::token_trie> trie() {
  const std::vector<std::string_view> views(pieces().begin(), pieces().end());
  auto made = mt::token_trie::make(views, std::span(&end_token, 1));
  REQUIRE(made.has_value());
  return std::make_shared<const mt::token_trie>(*std::move(made));
}

struct sample {
  std::string text;  // GBNF, or a schema if it begins with '{'
  std::function<bool(const std::string&)> right;
};

bool balanced(const std::string& text) {
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 1000;
    if (depth < 0 || depth >= 1000) return false;
  }
  return depth == 0;
}

sample schema(std::string text) {
  return {text, [text](const std::string& written) {
            const auto rules = multitudes_test::json_parser::read(text, false);
            const auto value = multitudes_test::json_parser::read(written, true);
            return rules && value && multitudes_test::follows(*value, *rules, *rules);
          }};
}

const std::vector<sample>& samples() {
  static const std::vector<sample> all{
      {R"(root ::= "go " ("north" | "south") | "wait")",
       [](const std::string& t) { return t == "go north" || t == "go south" || t == "wait"; }},
      {R"g(root ::= ("(" root ")")*)g", balanced},
      {R"g(root ::= root root | "(" root ")" | "")g", balanced},
      {R"(root ::= [^a-z"]{1,8} "\"")",
       [](const std::string& t) {
         if (!t.ends_with('"') || t.find('"') != t.size() - 1) return false;
         std::size_t n = 0;
         for (const char c : t) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
         return n >= 2 && n <= 9 &&
                std::none_of(t.begin(), t.end(), [](char c) { return c >= 'a' && c <= 'z'; });
       }},
      {R"(root ::= ("é" | "日" | "😀")+)",
       [](std::string t) {
         const bool some = !t.empty();
         for (std::size_t n = 1; n > 0 && !t.empty();) {
           n = t.starts_with("é") ? 2 : t.starts_with("日") ? 3 : t.starts_with("😀") ? 4 : 0;
           t.erase(0, n);
         }
         return some && t.empty();
       }},
      {R"(root ::= "\"" [^"\n]{2,9} "\"")",
       [](const std::string& t) {
         std::size_t n = 0;
         for (const char c : t) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
         return n >= 4 && n <= 11 && t[0] == '"' && t.find('"', 1) == t.size() - 1 &&
                t.find('\n') == t.npos && mt::text::is_valid_utf8(t);
       }},
      {R"(root ::= [a-z A-Z日本😀-😏]+)",
       [](std::string t) {
         const bool some = !t.empty();
         for (std::size_t n = 1; n > 0 && !t.empty(); t.erase(0, n)) {
           const auto c = mt::text::decode_character(t);
           const bool good =
               c.code == U'日' || c.code == U'本' || (c.code >= U'😀' && c.code <= U'😏') ||
               (c.code < 128 && std::isalpha(static_cast<int>(c.code))) || c.code == ' ';
           n = good ? c.size : 0;
         }
         return some && t.empty();
       }},
      {R"(root ::= .*)", [](const std::string& t) { return mt::text::is_valid_utf8(t); }},
      {"root ::= e\ne ::= e \"+\" e | \"(\" e \")\" | [0-9]+",
       [](const std::string& t) {
         // An operand where one is wanted, and brackets that balance.
         int depth = 0;
         bool operand = false;
         for (std::size_t i = 0; i < t.size(); ++i) {
           const bool digit = t[i] >= '0' && t[i] <= '9';
           const bool number_goes_on = digit && i > 0 && t[i - 1] >= '0' && t[i - 1] <= '9';
           if (t[i] == '(' || (digit && !number_goes_on)) {
             if (operand) return false;
           } else if (!digit && !operand) {
             return false;
           }
           depth += t[i] == '(' ? 1 : t[i] == ')' ? -1 : 0;
           if (depth < 0) return false;
           operand = digit || t[i] == ')';
           if (t[i] != '(' && t[i] != ')' && t[i] != '+' && !digit) return false;
         }
         return operand && depth == 0;
       }},
      schema(R"({"type": "object", "required": ["name"], "properties": {"name": {"type":
             "string", "maxLength": 12}, "mood": {"enum": ["calm", "angry"]}, "age":
             {"type": "integer"}}})"),
      schema(R"({"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 4})"),
      schema(R"({"$defs": {"n": {"type": "object", "required": ["v"], "properties": {"v": {"type":
             "boolean"}, "next": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"})"),
      schema(R"({"type": "string"})"),
      schema(R"({"type": "array", "items": {}})"),
  };
  return all;
}

mt::grammar parsed(const sample& s) {
  auto g =
      s.text.starts_with("{") ? mt::grammar_from_json_schema(s.text) : mt::grammar::parse(s.text);
  REQUIRE_MESSAGE(g.has_value(), g.error().message());
  return *g;
}

/// What a mask should be: each token's bytes are tried on a copy of the state.
mt::token_mask tried(mt::grammar_matcher& m, const mt::grammar_state& at, std::size_t bytes_left) {
  mt::token_mask mask(pieces().size());
  for (std::size_t i = 0; i < pieces().size(); ++i) {
    mt::grammar_state copy = at;
    const bool is_end = token_id(i) == end_token;
    const bool fits = is_end ? at.may_end() : !pieces()[i].empty() && *m.accept(copy, pieces()[i]);
    if (fits && (is_end || m.bytes_to_end(copy) <= bytes_left)) mask.allow(token_id(i));
  }
  return mask;
}

std::vector<float> random_logits(mt::philox& random) {
  std::vector<float> logits(pieces().size());
  for (float& x : logits) x = 12 * random.uniform();
  return logits;
}

struct outcome {
  std::string text;
  bool complete = false;
};

/// A text of random tokens under a grammar.
outcome write(mt::token_masks& masks, std::uint64_t seed, std::size_t max_tokens, bool in_time) {
  mt::sampler s({.temperature = 1.0f, .top_p = seed % 2 == 0 ? 1.0f : 0.9f, .seed = seed},
                pieces().size());
  mt::philox random(seed, 1);
  outcome written;
  mt::grammar_state at = masks.start();
  for (std::size_t i = 0; i < max_tokens && !at.must_end(); ++i) {
    const auto mask = masks.of(at, in_time ? max_tokens - i : mt::token_masks::unlimited);
    REQUIRE_MESSAGE(mask.has_value(), mask.error().message() << " after " << written.text);
    auto logits = random_logits(random);
    const auto token = s.choose(logits, **mask, {}, mt::position(i));
    REQUIRE(token.has_value());
    REQUIRE((*mask)->allows(*token));
    REQUIRE(*masks.accept(at, *token));
    if (*token == end_token) break;
    written.text += pieces()[token->value];
  }
  written.complete = at.may_end();
  return written;
}

}  // namespace

TEST_CASE("a mask allows the tokens whose bytes the grammar accepts, and ends where it may end") {
  const auto all = trie();
  for (const sample& s : samples()) {
    CAPTURE(s.text);
    const mt::grammar g = parsed(s);
    auto masks = *mt::token_masks::make(g, all);
    auto m = *mt::grammar_matcher::make(g);
    mt::philox random(7);
    for (int text = 0; text < 4; ++text) {
      mt::grammar_state at = masks.start();
      for (int i = 0; i < 12; ++i) {
        const mt::token_mask expected = tried(m, at, mt::token_masks::unlimited);
        const auto mask = masks.of(at);
        CHECK(mask.has_value() == (expected.count() > 0));
        if (!mask) break;
        CHECK(**mask == expected);
        for (const std::size_t left : {1u, 2u, 3u, 5u, 9u}) {
          mt::token_mask in_time = tried(m, at, left - 1);
          if (in_time.count() == 0) in_time = expected;
          CHECK(**masks.of(at, left) == in_time);
        }
        std::vector<token_id> allowed;
        for (std::size_t t = 0; t < pieces().size(); ++t) {
          if (expected.allows(token_id(t)) && token_id(t) != end_token) allowed.emplace_back(t);
        }
        if (allowed.empty()) break;
        CHECK(*masks.accept(at, allowed[random.below(static_cast<std::uint32_t>(allowed.size()))]));
      }
    }
  }
}

TEST_CASE("texts of random tokens under a grammar are right, and end in time") {
  const auto all = trie();
  const int n_seeds = multitudes_test::sample_count(1000, 20'000);
  for (const sample& s : samples()) {
    CAPTURE(s.text);
    auto masks = *mt::token_masks::make(parsed(s), all);
    std::size_t n_chars = 0;
    for (int seed = 0; seed < n_seeds; ++seed) {
      const outcome written = write(masks, static_cast<std::uint64_t>(seed), 30, true);
      REQUIRE_MESSAGE(written.complete, seed << ": " << written.text);
      REQUIRE_MESSAGE(s.right(written.text), seed << ": " << written.text);
      n_chars += written.text.size();
    }
    CHECK(n_chars > 0);
  }
}

TEST_CASE("a text that the limit cuts is said to be incomplete, and is a beginning") {
  const auto all = trie();
  int n_cut = 0;
  for (const sample& s : samples()) {
    CAPTURE(s.text);
    const mt::grammar g = parsed(s);
    auto masks = *mt::token_masks::make(g, all);
    auto m = *mt::grammar_matcher::make(g);
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      const outcome written = write(masks, seed, 6, false);
      CHECK(written.complete == s.right(written.text));
      n_cut += written.complete ? 0 : 1;
      mt::grammar_state at = m.start();
      CHECK(*m.accept(at, written.text));
    }
  }
  MESSAGE(n_cut << " of " << 200 * samples().size() << " texts of at most 6 tokens were cut");
}

TEST_CASE("a mask does not depend on what is remembered, nor on how its work is cut") {
  const auto all = trie();
  const sample& s = samples()[9];
  const mt::grammar g = parsed(s);
  auto roomy = *mt::token_masks::make(g, all);
  auto tight = *mt::token_masks::make(
      g, all,
      {.limits = {.state_words = 256, .visits = 256}, .states = 64, .words = 512, .masks = 2});
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    mt::philox random(seed);
    mt::grammar_state at = roomy.start();
    for (std::size_t left = 40; left > 0 && !at.must_end(); --left) {
      const mt::token_mask mask = **roomy.of(at, left);
      for (int calls = 0; !*tight.prepare(at, left, 7); ++calls) REQUIRE(calls < 1000);
      CHECK(**tight.of(at, left) == mask);
      std::vector<float> logits = random_logits(random);
      REQUIRE(mt::restrict_to(mask, logits).has_value());
      CHECK(*roomy.accept(at, mt::sampler::greedy(logits)));
    }
    CHECK(at.may_end());
  }
}

TEST_CASE("a vocabulary without the bytes that a grammar needs is an error where it runs out") {
  const std::vector<std::string_view> few{"a", "b", "\xC3", "</s>"};
  const token_id end(3);
  auto made = mt::token_trie::make(few, std::span(&end, 1));
  REQUIRE(made.has_value());
  const auto tokens = std::make_shared<const mt::token_trie>(*std::move(made));
  auto masks = *mt::token_masks::make(*mt::grammar::parse(R"(root ::= "a" "é" | "b" "c")"), tokens);
  mt::grammar_state at = masks.start();
  CHECK(*masks.accept(at, token_id(1)));
  CHECK(masks.of(at).error().code == mt::errc::not_found);
  at = masks.start();
  CHECK(!*masks.accept(at, token_id(2)));
  CHECK(!*masks.accept(at, end));
  CHECK(*masks.accept(at, token_id(0)));
  CHECK((*masks.of(at, 1))->count() == 1);  // no way to end in time: what the grammar allows
  CHECK(*masks.accept(at, token_id(2)));
  CHECK(masks.of(at, 5).error().code == mt::errc::not_found);
  CHECK(masks.of(mt::grammar_state()).error().code == mt::errc::not_found);
  CHECK(mt::token_trie::make(few, std::vector{token_id(4)}).error().place == "end tokens");
  CHECK(mt::token_masks::make(*mt::grammar::parse("root ::= \"a\""), nullptr).error().place ==
        "options");
}

TEST_CASE("where a grammar needs more room than there is, tokens are refused and nothing breaks") {
  const auto nested = mt::grammar::parse("root ::= \"(\" root \")\" \" \"* | \"x\"");
  auto masks =
      *mt::token_masks::make(*nested, trie(), {.limits = {.state_words = 64, .visits = 64}});
  mt::grammar_state at = masks.start();
  const auto found = std::find(pieces().begin(), pieces().end(), "(");
  const token_id open(static_cast<std::size_t>(found - pieces().begin()));
  std::size_t depth = 0;
  for (; depth < 100 && (*masks.of(at))->allows(open); ++depth) REQUIRE(*masks.accept(at, open));
  CHECK(depth > 5);
  CHECK(depth < 40);
  const mt::grammar_state before = at;
  const auto refused = masks.accept(at, open);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::out_of_memory);
  CHECK(at == before);
  // It can still be ended.
  CHECK((*masks.of(at))->count() > 0);
}

TEST_CASE("after set-up, masks and steps allocate nothing") {
  const auto all = trie();
  for (const sample& s : samples()) {
    CAPTURE(s.text);
    auto masks = *mt::token_masks::make(parsed(s), all);
    mt::grammar_state at = masks.start();
    std::vector<float> logits(pieces().size()), some(pieces().size());
    mt::philox random(3);
    for (float& x : some) x = random.normal();
    const multitudes_test::allocation_counter counter;
    for (std::size_t left = 25; left > 0 && !at.must_end(); --left) {
      std::copy(some.begin(), some.end(), logits.begin());
      std::rotate(logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(left), logits.end());
      const auto mask = masks.of(at, left);
      if (!mask || !mt::restrict_to(**mask, logits)) break;
      const auto accepted = masks.accept(at, mt::sampler::greedy(logits));
      if (!accepted || !*accepted) break;
    }
    CHECK(counter.allocations() == 0);
    CHECK(at.may_end());
  }
}
