// SPDX-License-Identifier: MIT
#include <multitudes/npc/record.hpp>
#include <multitudes/npc/replay.hpp>
#include <multitudes/npc/tools.hpp>
#include <multitudes/npc/utterances.hpp>

#include "../support/allocation_counter.hpp"
#include "../support/json_check.hpp"
#include "../support/long_run.hpp"
#include "theater.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace multitudes_test;

npc::tool open_door() {
  return {"open_door", "opens a door", R"({"type": "object", "required": ["door"],
          "properties": {"door": {"enum": ["north", "south"]}}})"};
}
npc::tool give() {
  return {"give", "gives something to somebody",
          R"({"type": "object", "required": ["item", "to", "count"],
              "properties": {"item": {"type": "string", "maxLength": 6},
                             "to": {"type": "string", "maxLength": 4},
                             "count": {"type": "integer"}, "free": {"type": "boolean"}}})"};
}
/// Lists, objects and a reference, which must not be mistaken for another tool's.
npc::tool plan() {
  return {"plan", "sets out", R"({"type": "object", "required": ["path"],
          "$defs": {"step": {"type": "object", "properties": {"x": {"type": "number"}}}},
          "properties": {"path": {"type": "array", "maxItems": 2,
                                  "items": {"$ref": "#/$defs/step"}}}})"};
}
npc::tool wait() { return {"wait", "does nothing"}; }

npc::toolbox all_tools() {
  auto made = npc::toolbox::make({open_door(), give(), plan(), wait()});
  REQUIRE_MESSAGE(made.has_value(), made.error().message());
  return *std::move(made);
}

/// Everything that minds have said, as utterances.
std::vector<npc::utterance> take_whole(npc::stage& s, npc::utterances& said) {
  std::vector<npc::utterance> whole;
  while (const auto e = s.take_event()) {
    CHECK(e->what != npc::event_kind::failed);
    if (auto u = said.take(*e)) whole.push_back(*std::move(u));
  }
  return whole;
}

TEST_CASE("A call gives its tool and typed arguments") {
  const auto box = all_tools();
  const auto give_call = box.parse(
      R"({"name": "give", "arguments": {"item": "b\u00f6", "to": "Nell", "count": 3, "free": true}})");
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

/// What the schemas above say of a call, by a parser that knows nothing of grammars.
void check_by_hand(const std::string& text) {
  CAPTURE(text);
  const auto call = json_parser::read(text.substr(text.find('{')), true);
  REQUIRE(call);
  REQUIRE(call->items.size() == 2);
  const std::string name = call->find("name")->text();
  const json_value& with = *call->find("arguments");
  const auto is = [&](std::string_view what, char kind) {
    const auto* v = with.find(what);
    return v != nullptr && v->kind == kind;
  };
  if (name == "open_door") {
    const std::string door = with.find("door")->text();
    CHECK((door == "north" || door == "south"));
    CHECK(with.items.size() == 1);
  } else if (name == "give") {
    CHECK((is("item", '"') && is("to", '"') && is("count", '0')));
    CHECK(with.find("item")->n_characters <= 6);
    CHECK(with.find("count")->raw.find_first_not_of("-0123456789") == std::string::npos);
    CHECK(with.items.size() == (is("free", 't') ? 4 : 3));
  } else if (name == "plan") {
    REQUIRE(is("path", '['));
    CHECK(with.find("path")->items.size() <= 2);
    for (const json_value& step : with.find("path")->items) {
      CHECK((step.kind == '{' && step.items.size() <= 1));
      if (step.items.size() == 1) CHECK(step.find("x")->kind == '0');
    }
  } else {
    CHECK(name == "wait");
    CHECK(with.items.empty());
  }
}

TEST_CASE("Whatever minds say under the rules is a valid call or speech, and stepping is free") {
  const auto lm = tiny_model({.context = 300});
  const auto box = all_tools();
  mt::inline_executor here;
  theater t(lm, {.n_minds = 8, .n_events = 8192});
  const npc::rules calls = *t.stage.add_rules(box.calls());
  const npc::rules either = *t.stage.add_rules(box.calls_and_lines());
  npc::utterances said;
  std::set<std::size_t> used;
  std::size_t n_calls = 0, n_lines = 0;
  const auto n_seeds = static_cast<std::uint64_t>(sample_count(160, 1000));
  for (std::uint64_t seed = 0; seed < n_seeds; seed += 8) {
    std::vector<npc::mind> minds;
    for (std::uint64_t i = 0; i < 8; ++i) {
      minds.push_back(*t.stage.enter(
          {.persona = {some_plan(lm, seed + i)}, .voice = voice(seed + i), .stream = i}));
      REQUIRE(t.stage.hear(minds[i], "now "));
      REQUIRE(t.stage.say(minds[i], {.max_tokens = 150, .under = i < 6 ? calls : either}));
    }
    const allocation_counter counter;
    const auto status = t.stage.finish(here);
    CHECK(counter.allocations() == 0);
    REQUIRE(status == npc::stage_status::idle);
    const auto whole = take_whole(t.stage, said);
    REQUIRE(whole.size() == 8);
    for (const npc::utterance& u : whole) {
      CAPTURE(u.text);
      const auto call = box.read(u);
      REQUIRE_MESSAGE(call.has_value(), call.error().message());
      if (u.who.index < 6) REQUIRE(call->has_value());
      call->has_value() ? ++n_calls : ++n_lines;
      if (!call->has_value()) continue;
      CHECK((*call)->who == u.who);
      CHECK(box.tools()[(*call)->tool].name == (*call)->name);
      used.insert((*call)->tool);
      check_by_hand(u.text);
    }
    for (const npc::mind m : minds) t.stage.leave(m);
  }
  CHECK(used.size() == 4);
  CHECK(n_calls >= n_lines);
  CHECK(n_lines > 0);
}

TEST_CASE("Calls that the stage breaks off are errors") {
  const auto lm = tiny_model({.context = 300});
  const auto box = *npc::toolbox::make({give()});
  mt::inline_executor here;
  for (const auto why :
       {npc::ending::by_length, npc::ending::by_cancel, npc::ending::memory_full}) {
    const bool fills = why == npc::ending::memory_full;
    theater t(lm, exact({.context = fills ? std::size_t{24} : std::size_t{0}}));
    const npc::rules calls = *t.stage.add_rules(box.calls());
    const auto m = *t.stage.enter({.voice = voice()});
    REQUIRE(t.stage.hear(m, "now "));
    const std::size_t most = why == npc::ending::by_length ? 9 : 200;
    REQUIRE(t.stage.say(m, {.max_tokens = most, .under = calls}));
    if (why == npc::ending::by_cancel) {
      ticking clock;
      while (t.stage.tokens(m).size() < 20) static_cast<void>(t.stage.step(clock, clock.now, here));
      REQUIRE(t.stage.cancel(m));
    }
    REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
    npc::utterances said;
    const auto whole = take_whole(t.stage, said);
    REQUIRE(whole.size() == 1);
    CHECK(whole[0].why == why);
    CAPTURE(whole[0].text);
    const auto call = box.read(whole[0]);
    REQUIRE_FALSE(call);
    CHECK(call.error().code == mt::errc::truncated);
  }
}

/// A mind calls, is told what came of it, and speaks; what it said at last.
std::string told(const mt::language_model& lm, const npc::toolbox& box, std::string_view result) {
  mt::inline_executor here;
  theater t(lm, exact());
  const npc::rules calls = *t.stage.add_rules(box.calls());
  const auto m = *t.stage.enter({.voice = voice()});
  REQUIRE(t.stage.hear(m, "now "));
  REQUIRE(t.stage.say(m, {.max_tokens = 100, .under = calls}));
  REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
  npc::utterances said;
  const auto whole = take_whole(t.stage, said);
  REQUIRE(whole.size() == 1);
  const auto call = box.read(whole[0]);
  REQUIRE(call);
  REQUIRE(*call);
  const std::string line = npc::toolbox::result(**call, result);
  REQUIRE(t.stage.hear(m, line));
  const auto heard = lm.tokenizer->encode(line, {.start_token = false, .continues = true});
  CHECK(ids(t.stage.tokens(m).last(heard.size())) == ids(heard));
  REQUIRE(t.stage.say(m, {.max_tokens = 30, .one_line = false}));
  REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
  return take_all(t.stage).text;
}

TEST_CASE("What came of a call changes what its mind says next") {
  const auto lm = tiny_model({.context = 300});
  const auto box = *npc::toolbox::make({open_door(), wait()});
  const std::string opened = told(lm, box, "the door is open");
  CHECK(opened == told(lm, box, "the door is open"));
  CHECK(opened != told(lm, box, "the door is locked"));
}

TEST_CASE("Calls and what came of them are replayed to the same bits") {
  const auto lm = tiny_model({.context = 300});
  const auto box = all_tools();
  mt::inline_executor here;
  const npc::stage_options o{.n_minds = 2, .n_events = 4096};
  std::vector<std::byte> memory(1 << 16);
  npc::utterances said;
  theater first(lm, o);
  const npc::rules calls = *first.stage.add_rules(box.calls());
  npc::recorder game(first.stage, memory);
  const npc::mind minds[] = {*game.enter({.voice = voice(1)}), *game.enter({.voice = voice(2)})};
  REQUIRE(game.hear(minds, "now "));
  std::vector<std::string> texts;
  for (std::size_t turn = 0; turn < 3; ++turn) {
    for (const auto m : minds) {
      if (first.stage.room(m) > 120) REQUIRE(game.say(m, {.max_tokens = 100, .under = calls}));
    }
    REQUIRE(run_in_slices(first.stage, here, 3) == npc::stage_status::idle);
    for (const auto& u : take_whole(first.stage, said)) {
      const auto call = box.read(u);
      REQUIRE(call);
      REQUIRE(*call);
      texts.push_back(std::to_string(u.who.index) + u.text);
      REQUIRE(game.hear(u.who, npc::toolbox::result(**call, "so it is")));
    }
  }
  theater second(lm, o);
  REQUIRE(*second.stage.add_rules(box.calls()) == calls);
  auto again = npc::replayer::make(*game.seal(), lm, [](mt::fingerprint) { return nullptr; });
  REQUIRE_MESSAGE(again.has_value(), again.error().message());
  npc::utterances heard;
  std::vector<std::string> replayed;
  while (true) {
    const auto still = [] { return nanoseconds(0); };
    const auto status = again->step(second.stage, still, nanoseconds::max(), here);
    for (const auto& u : take_whole(second.stage, heard)) {
      REQUIRE(box.read(u));
      replayed.push_back(std::to_string(u.who.index) + u.text);
    }
    if (status == npc::stage_status::idle) break;
  }
  CHECK(again->is_over());
  REQUIRE(again->outcome());
  CHECK(texts.size() >= 4);
  CHECK(std::multiset<std::string>(texts.begin(), texts.end()) ==
        std::multiset<std::string>(replayed.begin(), replayed.end()));
  for (const auto m : minds) CHECK(ids(first.stage.tokens(m)) == ids(second.stage.tokens(m)));
}

}  // namespace
