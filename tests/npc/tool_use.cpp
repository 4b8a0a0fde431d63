// SPDX-License-Identifier: MIT
// Tools in the hands of the minds of a stage.
#include <multitudes/npc/record.hpp>
#include <multitudes/npc/replay.hpp>
#include <multitudes/npc/tools.hpp>
#include <multitudes/npc/utterances.hpp>

#include "../support/allocation_counter.hpp"
#include "../support/json_check.hpp"
#include "../support/long_run.hpp"
#include "some_tools.hpp"
#include "theater.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace multitudes_test;

/// Everything that minds have said, as utterances.
std::vector<npc::utterance> take_whole(npc::stage& s, npc::utterances& said) {
  std::vector<npc::utterance> whole;
  while (const auto e = s.take_event()) {
    CHECK(e->what != npc::event_kind::failed);
    if (auto u = said.take(*e)) whole.push_back(*std::move(u));
  }
  return whole;
}

/// What the schemas of these tools say of a call, by a parser that knows nothing of grammars.
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
