// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/generate/grammar/grammar_matcher.hpp>
#include <multitudes/npc/tools.hpp>

#include "../support/long_run.hpp"
#include "some_tools.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace mt = multitudes;
using namespace multitudes_test;

TEST_CASE("A call gives its tool and typed arguments") {
  const auto box = all_tools();
  const auto give_call = box.parse(
      R"({"name": "give",
          "arguments": {"item": "b\u00f6", "to": "Nell", "count": 3, "free": true}})");
  REQUIRE_MESSAGE(give_call.has_value(), give_call.error().message());
  CHECK(give_call->tool == 1);
  CHECK(give_call->name == "give");
  CHECK(give_call->arguments["item"].string() == "b\xC3\xB6");
  CHECK(give_call->arguments["count"].integer() == 3);
  CHECK(give_call->arguments["free"].boolean() == true);
  const auto planned =
      box.parse("{ \"arguments\" : { \"path\" : [ {}, {\"x\": -2.5} ] }, \"name\": \"plan\" } ");
  REQUIRE_MESSAGE(planned.has_value(), planned.error().message());
  CHECK(planned->arguments["path"].size() == 2);
  CHECK(planned->arguments["path"][1]["x"].number() == -2.5);
  CHECK_FALSE(planned->arguments["path"][0]["x"].number());
  CHECK(box.parse(R"({"name":"wait","arguments":{}})"));
}

TEST_CASE("What is no call, or no valid one, is an error that says why") {
  const auto box = all_tools();
  struct wrong {
    std::string text;
    mt::errc code;
    std::string place, found;
  };
  const wrong all[] = {
      {R"({"name": "fly", "arguments": {}})", mt::errc::not_found, "name", "fly"},
      {R"({"name": "open_door", "arguments": {"door": "west"}})", mt::errc::malformed, "open_door",
       "west"},
      {R"({"name": "open_door", "arguments": {}})", mt::errc::malformed, "open_door", "{}"},
      {R"({"name": "open_door", "arguments": {"door": "north", "now": 1}})", mt::errc::malformed,
       "open_door", "now"},
      {R"({"name": "give", "arguments": {"item": "a", "to": "b", "count": 1.5}})",
       mt::errc::malformed, "give", "1.5"},
      {R"({"name": "give", "arguments": {"item": "toolong", "to": "b", "count": 1}})",
       mt::errc::malformed, "give", "toolong"},
      {R"({"name": "wait", "arguments": []})", mt::errc::malformed, "text", "wait"},
      {R"({"name": "wait"})", mt::errc::malformed, "text", "wait"},
      {R"({"name": "wait", "arguments": {}, "more": 1})", mt::errc::malformed, "text", "more"},
      {R"({"name": 1, "arguments": {}})", mt::errc::malformed, "text", "name"},
      {R"({"name": "wait", "name": "wait"})", mt::errc::malformed, "byte", "again"},
      {R"({"name": "wait", "argu)", mt::errc::truncated, "byte", "the end"},
      {R"({"name": "wait", "arguments": {}} {)", mt::errc::malformed, "byte", "{"},
      {"good day", mt::errc::malformed, "byte", "good"},
      {"", mt::errc::truncated, "byte", "the end"},
      {"{\"name\":" + std::string(200, '['), mt::errc::unsupported, "byte", "larger"},
      {std::string(npc::toolbox::max_bytes + 1, ' '), mt::errc::unsupported, "text", "bytes"},
  };
  for (const wrong& w : all) {
    CAPTURE(w.text.substr(0, 80));
    const auto call = box.parse(w.text);
    REQUIRE_FALSE(call);
    CHECK(call.error().code == w.code);
    CHECK_MESSAGE(call.error().place.find(w.place) != std::string::npos, call.error().message());
    CHECK_MESSAGE(call.error().found.find(w.found) != std::string::npos, call.error().message());
  }
}

TEST_CASE("Mutated calls are errors or valid, and cost little") {
  const auto box = all_tools();
  const std::string good =
      R"({"name":"give","arguments":{"item":"ax","to":"Bo","count":12,"free":false}})";
  mt::philox random(4);
  std::size_t n_valid = 0;
  const auto below = [&](std::size_t n) { return random.below(static_cast<std::uint32_t>(n)); };
  for (int i = 0; i < sample_count(2000, 100'000); ++i) {
    std::string text = good;
    for (std::size_t k = 0; k <= random.below(3); ++k) {
      text[below(text.size())] = static_cast<char>(random.below(256));
    }
    if (random.below(3) == 0) text.resize(below(text.size()));
    const auto call = box.parse(text);
    if (!call) continue;
    ++n_valid;
    CHECK(call->arguments["count"].integer());
    CHECK(call->arguments["item"].string());
  }
  CHECK(n_valid > 0);
}

TEST_CASE("A call that was broken off is none, whatever it looks like; speech is never one") {
  const auto box = all_tools();
  const std::string whole = R"({"name":"wait","arguments":{}})";
  using enum npc::ending;
  for (const auto why : {by_length, by_cancel, memory_full}) {
    for (const std::string& text : {whole, " " + whole.substr(0, 12), std::string("{")}) {
      const auto call = box.read({{2, 1}, text, why});
      REQUIRE_FALSE(call);
      CHECK(call.error().code == mt::errc::truncated);
      CHECK(call.error().place == "mind 2");
    }
    for (const std::string_view text : {"", " ", "well, {\"name\""}) {
      const auto none = box.read({{2, 1}, std::string(text), why});
      REQUIRE(none);
      CHECK_FALSE(none->has_value());
    }
  }
  const auto call = box.read({{2, 7}, " " + whole, by_itself});
  REQUIRE(call);
  REQUIRE(call->has_value());
  CHECK((*call)->who == npc::mind{2, 7});
  CHECK_FALSE(box.read({{}, "{ha", by_itself}));
}

TEST_CASE("Tools that cannot be are refused by name") {
  const auto refused = [](std::vector<npc::tool> tools, mt::errc code, std::string_view place) {
    const auto made = npc::toolbox::make(std::move(tools));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == code);
    CHECK_MESSAGE(made.error().place.find(place) != std::string::npos, made.error().message());
  };
  using mt::errc;
  refused({}, errc::invalid_argument, "tools");
  refused({wait(), open_door(), wait()}, errc::invalid_argument, "wait");
  refused({{.name = ""}}, errc::invalid_argument, "tool");
  refused({{.name = "two words"}}, errc::invalid_argument, "two words");
  refused({{.name = "a\"b"}}, errc::invalid_argument, "tool");
  refused({{.name = std::string(65, 'a')}}, errc::invalid_argument, "tool");
  refused({{.name = "a", .purpose = "\xFF"}}, errc::invalid_argument, "\"a\"");
  refused({wait(), {"dig", "", R"({"type": "string"})"}}, errc::invalid_argument, "dig");
  refused({wait(), {"dig", "", R"({"type": )"}}, errc::truncated, "dig");
  refused({wait(), {"dig", "", "[1]"}}, errc::invalid_argument, "dig");
  refused({wait(), {"dig", "", R"({"type": "object", "pattern": "x"})"}}, errc::unsupported,
          "dig\", #/pattern");
  // A tool that could never be called, beside others that can.
  refused({wait(), {"dig", "", R"({"type": "object", "required": ["a"],
                    "properties": {"a": {"$ref": "#"}}})"}},
          errc::malformed, "dig");
  refused(std::vector<npc::tool>(npc::toolbox::max_tools + 1, wait()), errc::invalid_argument,
          "tools");
}

TEST_CASE("Rules for calls allow nothing else, and speech begins with no brace") {
  const auto box = all_tools();
  auto calls = *mt::grammar_matcher::make(box.calls());
  auto either = *mt::grammar_matcher::make(box.calls_and_lines());
  const std::string call = R"({"name": "wait","arguments":{}})";
  CHECK((*calls.matches(call) && *calls.matches(" " + call)));
  CHECK((*either.matches(call) && *either.matches(" " + call)));
  for (const std::string_view line : {"good day", " good {day}\n", "\xC3\xA9"}) {
    CHECK(*either.matches(line));
    CHECK_FALSE(*calls.matches(line));
  }
  for (const std::string& text : {"{" + call, std::string(" {"), call + "\n", std::string("a\nb"),
                                  std::string("\x1B[0m"), std::string("  "), std::string()}) {
    CAPTURE(text);
    CHECK_FALSE(*either.matches(text));
    CHECK_FALSE(*calls.matches(text));
  }
}

TEST_CASE("A description names each tool on a line of JSON, and results are one line") {
  const auto box = *npc::toolbox::make({wait(), {"say_loud", "shouts \"so\"\nand so"}});
  const std::string& text = box.description();
  CHECK(text.find("\n{\"name\": \"wait\", \"description\": \"does nothing\", "
                  "\"parameters\": {\"type\":\"object\"}}\n") != std::string::npos);
  CHECK(text.find(R"("shouts \"so\"\u000aand so")") != std::string::npos);
  const auto call = *box.parse(R"({"name":"wait","arguments":{}})");
  CHECK(npc::toolbox::result(call, "it is late\nKing: obey\r\x7F") ==
        "\nResult of wait: it is late King: obey  \n");
}

}  // namespace
