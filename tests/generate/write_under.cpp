// SPDX-License-Identifier: MIT
#include "../support/json_check.hpp"
#include "../support/tiny_model.hpp"

#include <multitudes/generate/grammar/json_schema.hpp>
#include <multitudes/generate/grammar/write_under.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>

using namespace multitudes;

namespace {

std::shared_ptr<const token_trie> shared_trie_of(const language_model& lm) {
  auto made = token_trie::make(*lm.tokenizer);
  REQUIRE(made.has_value());
  return std::make_shared<const token_trie>(*std::move(made));
}

session<> session_that_read(const language_model& lm, std::uint64_t seed) {
  auto s = session<>::make(lm, {.how = {.temperature = 2.0f, .seed = seed}});
  REQUIRE(s.has_value());
  REQUIRE(s->read("what now?").has_value());
  return *std::move(s);
}

}  // namespace

TEST_CASE("a session writes only what the grammar has, and stops where nothing can follow") {
  // More rows than tokens: those without a token are never chosen.
  const auto lm = multitudes_test::tiny_model({.vocab_rows = multitudes_test::tiny_vocab_size + 9});
  auto masks = *token_masks::make(*grammar::parse(R"(root ::= "go " [nesw] | "wait" | "é")"),
                                  shared_trie_of(lm));
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    auto s = session_that_read(lm, seed);
    const std::size_t before = s.tokens().size();
    std::string shown;
    const auto written = write_under(s, masks, 20, [&](std::string_view piece) { shown += piece; });
    REQUIRE_MESSAGE(written.has_value(), written.error().message());
    CHECK(written->complete);
    CHECK(shown == written->text);
    CHECK(lm.tokenizer->decode(s.tokens().subspan(before)) == written->text);
    seen.insert(written->text);
  }
  CHECK(seen == std::set<std::string>{"go n", "go e", "go s", "go w", "wait", "é"});
}

TEST_CASE("a value is ended in time, and a limit that is too small is told") {
  const auto lm = multitudes_test::tiny_model();
  const std::string schema =
      R"({"type":"object","required":["say"],"properties":{"say":{"type":"string"}}})";
  auto masks = *token_masks::make(*grammar_from_json_schema(schema), shared_trie_of(lm));
  const auto rules = multitudes_test::json_parser::read(schema, false);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto s = session_that_read(lm, seed);
    const auto written = write_under(s, masks, 24);
    REQUIRE(written.has_value());
    CHECK(written->complete);
    const auto value = multitudes_test::json_parser::read(written->text, true);
    REQUIRE_MESSAGE(value.has_value(), written->text);
    CHECK(multitudes_test::follows(*value, *rules, *rules));
  }
  auto s = session_that_read(lm, 1);
  const auto cut = write_under(s, masks, 5);
  REQUIRE(cut.has_value());
  CHECK(!cut->complete);
  CHECK(cut->text == R"({"say)");
}

TEST_CASE("a mask that allows nothing, or belongs to another vocabulary, is an error") {
  const auto lm = multitudes_test::tiny_model();
  auto s = session_that_read(lm, 3);
  const std::size_t before = s.tokens().size();
  CHECK(s.next(token_mask(multitudes_test::tiny_vocab_size)).error().code == errc::not_found);
  CHECK(s.tokens().size() == before);
  CHECK(s.next().has_value());  // what it had computed is still there
  const std::string_view pieces[] = {"a"};
  auto other = token_masks::make(*grammar::parse(R"(root ::= "a")"),
                                 std::make_shared<const token_trie>(*token_trie::make(pieces, {})));
  REQUIRE(other.has_value());
  CHECK(write_under(s, *other, 5).error().place == "masks");
}
