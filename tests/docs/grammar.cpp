// SPDX-License-Identifier: MIT
// The examples of docs/grammar.md, compiled and run.
#include "../support/tiny_model.hpp"
#include "quotes.hpp"

#include <multitudes/generate/grammar/json_schema.hpp>
#include <multitudes/generate/grammar/write_under.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace multitudes;

namespace {

// [write]
expected<constrained_text> ask_action(session<>& villager) {
  const auto rules = grammar::parse(R"(
    root   ::= "wait" | "go " place | "give " [1-9] [0-9]? " gold"
    place  ::= "home" | "to the " ("mill" | "well")
  )");
  if (!rules) return fail(rules.error());  // line, column, what was found, what was expected
  auto tokens = token_trie::make(*villager.lm().tokenizer);  // once for a tokenizer
  if (!tokens) return fail(tokens.error());
  auto masks = token_masks::make(*rules,  // once for a grammar and thread
                                 std::make_shared<const token_trie>(*std::move(tokens)));
  if (!masks) return fail(masks.error());
  return write_under(villager, *masks, 24);  // .text, and whether it is .complete
}
// [write]

// [steps]
bool is_an_order(std::string_view text) {
  const auto rules = grammar_from_json_schema(R"({
    "type": "object", "required": ["order"],
    "properties": {"order": {"enum": ["attack", "retreat"]}, "at": {"type": "integer"}}})");
  if (!rules) return false;
  auto matcher = grammar_matcher::make(*rules);
  if (!matcher) return false;
  grammar_state at = matcher->start();  // a value: copy it to try something and come back
  const auto accepted = matcher->accept(at, text);
  return accepted && *accepted && at.may_end();
}
// [steps]

}  // namespace

TEST_CASE("what docs/grammar.md shows compiles and does what it says") {
  const auto lm = multitudes_test::tiny_model();
  auto talk = session<>::make(lm);
  REQUIRE(talk.has_value());
  REQUIRE(talk->read("what will you do?").has_value());
  const auto written = ask_action(*talk);
  REQUIRE_MESSAGE(written.has_value(), written.error().message());
  CHECK(written->complete);
  CHECK(is_an_order(R"({"order": "attack", "at": 3})"));
  CHECK(is_an_order(R"({"order":"retreat"})"));
  CHECK(!is_an_order(R"({"at": 3})"));
  const multitudes_test::quoted_page page{"tests/docs/grammar.cpp", "docs/grammar.md"};
  page.check("write");
  page.check("steps");
}
