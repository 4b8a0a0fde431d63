// SPDX-License-Identifier: MIT
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/action_choice.hpp>
#include <multitudes/generate/grammar/grammar_matcher.hpp>
#include <multitudes/generate/grammar/json_schema.hpp>
#include <multitudes/generate/session.hpp>

#include "../support/allocation_counter.hpp"
#include "theater.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace multitudes_test;

TEST_CASE("A mind says what a session says, under a persona too") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  for (const bool is_neutral : {true, false}) {
    const st::attachment how{is_neutral ? st::plan() : some_plan(lm)};
    auto session = *mt::session<>::make(lm, {.how = voice()});
    REQUIRE(session.steer(how, mt::memory::keep));
    REQUIRE(session.read("one day a cat"));
    const std::string wanted = *session.write(30);

    theater t(lm, exact());
    const auto m = *t.stage.enter({.persona = how, .voice = voice()});
    CHECK(t.stage.doing(m) == npc::activity::dormant);
    REQUIRE(t.stage.hear(m, "one day a cat"));
    CHECK(t.stage.doing(m) == npc::activity::reading);
    CHECK(t.stage.finish(here) == npc::stage_status::idle);
    CHECK(t.stage.doing(m) == npc::activity::ready);
    REQUIRE(t.stage.say(m, {.max_tokens = 30, .one_line = false}));
    CHECK(t.stage.doing(m) == npc::activity::speaking);
    CHECK(t.stage.finish(here) == npc::stage_status::idle);
    const auto heard = take_all(t.stage);
    CHECK(heard.text == wanted);
    REQUIRE(heard.others.size() == 1);
    CHECK(heard.others[0].what == npc::event_kind::finished);
    // An end-of-text token stays with the session alone.
    const auto own = ids(t.stage.tokens(m));
    auto theirs = ids(session.tokens());
    theirs.resize(own.size());
    CHECK(own == theirs);
  }
}

TEST_CASE("What a mind says depends on no slice, thread or company") {
  const auto lm = tiny_model();
  const auto run = [&](std::int64_t looks, std::size_t n_threads, std::size_t n_others,
                       std::size_t max_rows) {
    mt::thread_pool workers(n_threads);
    theater t(lm, {.n_minds = 8, .max_rows = max_rows, .cache = npc::kv_format::q8_0});
    const auto known = *t.stage.tell("it is dark in the tavern");
    std::vector<npc::mind> minds;
    for (std::size_t i = 0; i <= n_others; ++i) {
      const auto m = *t.stage.enter({.persona = {some_plan(lm, i + 1)},
                                     .voice = voice(),
                                     .stream = i,
                                     .knows = known,
                                     .priority = static_cast<float>(1 + i % 3)});
      minds.push_back(m);
      REQUIRE(t.stage.hear(m, "who goes there"));
      REQUIRE(t.stage.say(m, {.max_tokens = 20 + 3 * i, .one_line = false}));
    }
    REQUIRE(run_in_slices(t.stage, workers, looks) == npc::stage_status::idle);
    REQUIRE(t.stage.hear(minds, "and then"));
    REQUIRE(t.stage.say(minds[0], {.max_tokens = 5, .one_line = false}));
    REQUIRE(run_in_slices(t.stage, workers, looks) == npc::stage_status::idle);
    return ids(t.stage.tokens(minds[0]));
  };
  const auto alone = run(1'000'000, 1, 0, 16);
  CHECK(alone.size() > 30);
  CHECK(run(3, 1, 0, 16) == alone);
  CHECK(run(9, 2, 7, 16) == alone);
  CHECK(run(1'000'000, 2, 7, 3) == alone);
  CHECK(run(2, 1, 3, 1) == alone);
}

TEST_CASE("Lore is neutral, computed once, and remembered by all") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  const std::string lore = "far away lived a king and his daughter who never laughed";
  const auto told = lm.tokenizer->encode(lore, {.start_token = true});
  const st::attachment how{some_plan(lm)};
  auto session = *mt::session<>::make(lm, {.how = voice()});
  st::attachment late = how;
  late.where = st::from(mt::position(told.size() - 1));
  REQUIRE(session.steer(late, mt::memory::keep));
  REQUIRE(session.read(lore));
  REQUIRE(session.read(" he said"));
  const std::string wanted = *session.write(20);

  theater t(lm, exact({.n_minds = 4}));
  const auto known = *t.stage.tell(lore);
  std::size_t before = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto m = *t.stage.enter({.persona = how, .voice = voice(), .knows = known});
    REQUIRE(t.stage.hear(m, " he said"));
    REQUIRE(t.stage.say(m, {.max_tokens = 20, .one_line = false}));
    REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
    CHECK(take_all(t.stage).text == wanted);
    const std::size_t pages = t.stage.cache().free_pages();
    // Whole pages of lore are shared; the page in which it ends is a copy.
    const auto pages_of = [](std::size_t n) { return (n - 1) / mt::simd::kv_page_length + 1; };
    const std::size_t length = told.size() - 1 + t.stage.tokens(m).size() - 1;
    const std::size_t shared = (told.size() - 1) / mt::simd::kv_page_length;
    CHECK(shared > 0);
    if (i > 0) CHECK(before - pages == pages_of(length) - shared);
    before = pages;
  }
}

TEST_CASE("A swapped persona speaks from the next token on; replay makes it the only one ever") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  for (const auto earlier : {mt::memory::keep, mt::memory::replay}) {
    auto session = *mt::session<>::make(lm, {.how = voice()});
    REQUIRE(session.steer(some_plan(lm, 3), mt::memory::keep));
    REQUIRE(session.read("one day"));
    REQUIRE(session.write(10));
    REQUIRE(session.steer(some_plan(lm, 4), earlier));
    REQUIRE(session.write(10));

    theater t(lm, exact());
    const auto m = *t.stage.enter({.persona = {some_plan(lm, 3)}, .voice = voice()});
    REQUIRE(t.stage.hear(m, "one day"));
    REQUIRE(t.stage.say(m, {.max_tokens = 10, .one_line = false}));
    REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
    mt::language_model other = tiny_model({.seed = 2});
    CHECK_FALSE(t.stage.swap_persona(m, {some_plan(other)}, earlier));
    REQUIRE(t.stage.swap_persona(m, {some_plan(lm, 4)}, earlier));
    REQUIRE(t.stage.say(m, {.max_tokens = 10, .one_line = false}));
    REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
    CHECK(ids(t.stage.tokens(m)) == ids(session.tokens()));
  }
}

TEST_CASE("A mood is in force from the next token on, and costs no allocation") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  const st::plan plan = moody_plan(lm);
  auto session = *mt::session<>::make(lm, {.how = voice()});
  REQUIRE(session.read("one day"));
  theater t(lm, exact());
  const auto m = *t.stage.enter({.persona = {plan}, .voice = voice()});
  REQUIRE(t.stage.hear(m, "one day"));
  REQUIRE(t.stage.say(m, {.max_tokens = 24, .one_line = false}));
  // All but the last token read without any mood.
  std::size_t n_allocations = 0;
  for (std::size_t i = 0; i < 24 && t.stage.doing(m) == npc::activity::speaking; ++i) {
    const float mood = static_cast<float>(i % 5) / 4;
    const std::size_t n = t.stage.tokens(m).size();
    {
      const allocation_counter counter;
      static_cast<void>(t.stage.set_mood(m, 0, i == 0 ? 0 : mood));
      static_cast<void>(t.stage.set_mood(m, 1, i == 0 ? 0 : 1 - mood));
      ticking clock;
      while (t.stage.tokens(m).size() == n && t.stage.doing(m) == npc::activity::speaking) {
        static_cast<void>(t.stage.step(clock, clock.now, here));
      }
      n_allocations += counter.allocations();
    }
    st::attachment how{plan};
    if (i > 0) how.dials = {mood, 1 - mood};
    REQUIRE(session.steer(how, mt::memory::keep));
    const auto token = session.next();
    REQUIRE(token);
    if (t.stage.tokens(m).size() > n) CHECK(t.stage.tokens(m).back() == *token);
  }
  CHECK(n_allocations == 0);
  CHECK_FALSE(t.stage.set_mood(m, 0, 1.5f));
  CHECK_FALSE(t.stage.set_mood(m, st::max_dials, 0.5f));
}

TEST_CASE("Actions are as probable as a batch says, and one is remembered") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  const std::vector<std::string_view> actions{" draws his sword", " flees", " a",
                                              " bows to the king"};
  const st::attachment how{some_plan(lm)};
  theater t(lm, exact({.max_rows = 5}));
  const auto m = *t.stage.enter({.persona = how, .voice = voice()});
  REQUIRE(t.stage.hear(m, "the guard"));
  REQUIRE(t.stage.ask_action(m, actions, {.per_token = true}));
  CHECK_FALSE(t.stage.say(m));
  REQUIRE(t.stage.hear(m, " then"));  // waits for the choice
  REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
  const auto chosen = take_all(t.stage).others;
  REQUIRE(chosen.size() == 1);
  REQUIRE(chosen[0].what == npc::event_kind::chose);

  auto batch = *mt::batch::make(lm, {.n_sequences = 4});
  std::vector<std::vector<mt::token_id>> tokens;
  for (const auto a : actions)
    tokens.push_back(lm.tokenizer->encode(a, {.start_token = false, .continues = true}));
  const auto situation = lm.tokenizer->encode("the guard", {.start_token = true});
  st::attachment under = how;
  const auto p =
      mt::action_probabilities(batch, here, situation, tokens, {.per_token = true}, under);
  REQUIRE(p);
  CHECK(static_cast<double>(chosen[0].probability) ==
        doctest::Approx((*p)[chosen[0].action]).epsilon(1e-5));
  auto all = situation;
  all.insert(all.end(), tokens[chosen[0].action].begin(), tokens[chosen[0].action].end());
  const auto then = lm.tokenizer->encode(" then", {.start_token = false, .continues = true});
  all.insert(all.end(), then.begin(), then.end());
  CHECK(ids(t.stage.tokens(m)) == ids(all));
  // Forks are closed: one mind holds one sequence's pages.
  theater fresh(lm, exact({.max_rows = 5}));
  CHECK(fresh.stage.cache().free_pages() - t.stage.cache().free_pages() ==
        (t.stage.tokens(m).size() - 2) / mt::simd::kv_page_length + 1);
}

TEST_CASE("Stepping allocates nothing") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  theater t(lm, {.n_minds = 3, .context = 64, .n_events = 16});
  std::vector<npc::mind> minds;
  for (std::size_t i = 0; i < 3; ++i) {
    minds.push_back(*t.stage.enter({.persona = {some_plan(lm, i)}, .voice = voice(i)}));
  }
  std::size_t n_steps = 0, n_allocations = 0;
  ticking clock;
  for (std::size_t turn = 0; turn < 12; ++turn) {
    for (const npc::mind m : minds) {
      REQUIRE(t.stage.forget(m, 4).has_value() == (turn > 0));
      REQUIRE(t.stage.hear(m, "hm"));
      REQUIRE(t.stage.say(m, {.max_tokens = 20, .one_line = false}));
    }
    const allocation_counter counter;
    while (true) {
      const auto status = t.stage.step(clock, clock.now, here);
      ++n_steps;
      if (status == npc::stage_status::unread_events) {
        while (t.stage.take_event()) {
        }
      }
      if (status == npc::stage_status::idle) break;
    }
    n_allocations += counter.allocations();
    while (t.stage.take_event()) {
    }
  }
  CHECK(n_steps > 1000);
  CHECK(n_allocations == 0);
}

TEST_CASE("Who rests, forgets or is cancelled goes on rightly") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  const auto run = [&](bool rests, bool cancels) {
    theater t(lm, exact());
    const auto m = *t.stage.enter({.persona = {some_plan(lm)}, .voice = voice()});
    REQUIRE(t.stage.hear(m, "one day"));
    REQUIRE(t.stage.say(m, {.max_tokens = 12, .one_line = false}));
    if (cancels) {
      ticking clock;
      while (t.stage.tokens(m).size() < 12) static_cast<void>(t.stage.step(clock, clock.now, here));
      REQUIRE(t.stage.cancel(m));
      CHECK(t.stage.doing(m) != npc::activity::speaking);
    }
    REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
    if (rests) {
      REQUIRE(t.stage.rest(m));
      CHECK(t.stage.cache().free_pages() == theater(lm, exact()).stage.cache().free_pages());
    }
    REQUIRE(t.stage.say(m, {.max_tokens = 12, .one_line = false}));
    REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
    return ids(t.stage.tokens(m).first(20));
  };
  const auto plain = run(false, false);
  CHECK(run(true, false) == plain);
  CHECK(run(false, true) == plain);
}

TEST_CASE("Handles of who is gone name nobody") {
  const auto lm = tiny_model();
  theater t(lm, exact({.n_minds = 1}));
  CHECK(t.stage.doing({}) == npc::activity::gone);
  const auto first = *t.stage.enter({});
  CHECK_FALSE(t.stage.enter({}));
  CHECK_FALSE(t.stage.say(first));  // has heard nothing
  t.stage.leave(first);
  t.stage.leave(first);
  const auto second = *t.stage.enter({});
  CHECK(second.index == first.index);
  CHECK_FALSE(t.stage.hear(first, "psst"));
  CHECK(t.stage.hear(second, "psst"));
  CHECK_FALSE(t.stage.cancel(first));
  CHECK(t.stage.tokens(first).empty());
  const auto e = t.stage.hear(first, "psst");
  CHECK(e.error().code == mt::errc::invalid_argument);
  CHECK_FALSE(t.stage.enter({.priority = -1.0f}));
  CHECK_FALSE(npc::stage::make(lm, {.n_minds = 0}, {}));
  CHECK_FALSE(npc::stage::make(lm, {}, {}));
}

TEST_CASE("A model that gives no numbers is told of, and its mind is silent") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  theater t(lm, exact());
  const auto m = *t.stage.enter({.persona = {some_plan(lm, 1, 1e38f)}});
  const auto other = *t.stage.enter({.voice = voice()});
  for (const auto who : {m, other}) {
    REQUIRE(t.stage.hear(who, "one day"));
    REQUIRE(t.stage.say(who, {.max_tokens = 4, .one_line = false}));
    REQUIRE(t.stage.hear(who, "oh"));
  }
  CHECK(t.stage.finish(here) == npc::stage_status::idle);
  // It has heard what was said to it meanwhile, and nothing else.
  CHECK(t.stage.tokens(m).size() == lm.tokenizer->encode("one dayoh").size());
  const auto heard = take_all(t.stage).others;
  REQUIRE(heard.size() == 2);
  const std::size_t bad = heard[0].who == m ? 0 : 1;
  CHECK(heard[bad].what == npc::event_kind::failed);
  CHECK(heard[1 - bad].what == npc::event_kind::finished);
}

TEST_CASE("What is said under rules follows them, in any slices, and ends in time") {
  const auto lm = tiny_model();
  const auto answers = mt::grammar::parse(
      "root ::= (\"yes\" | \"no\") \", \" word+ \"!\"\nword ::= [a-z] [a-z]? \" \"");
  const auto call = mt::grammar_from_json_schema(
      R"({"type":"object","properties":{"act":{"enum":["sit","go"]},"n":{"type":"integer"}},)"
      R"("required":["act","n"]})");
  REQUIRE(answers);
  REQUIRE(call);
  const auto run = [&](std::int64_t looks, std::size_t n_threads) {
    mt::thread_pool workers(n_threads);
    theater t(lm, exact({.n_minds = 8, .n_events = 1024}));
    const npc::rules both[] = {*t.stage.add_rules(*answers), *t.stage.add_rules(*call)};
    std::vector<npc::mind> minds;
    for (std::size_t i = 0; i < 8; ++i) {
      minds.push_back(*t.stage.enter({.persona = {some_plan(lm, i)}, .voice = voice(i)}));
      REQUIRE(t.stage.hear(minds[i], "do you "));
      REQUIRE(t.stage.say(minds[i], {.max_tokens = 34, .under = both[i % 2]}));
    }
    CHECK_FALSE(t.stage.say(minds[0], {.under = {7}}));
    const allocation_counter counter;
    const auto status = run_in_slices(t.stage, workers, looks);
    CHECK(counter.allocations() == 0);
    REQUIRE(status == npc::stage_status::idle);
    std::vector<std::string> texts(8);
    while (const auto e = t.stage.take_event()) {
      texts[e->who.index] += e->text;
      if (e->what == npc::event_kind::finished) CHECK(e->why == npc::ending::by_itself);
      CHECK(e->what != npc::event_kind::failed);
    }
    return texts;
  };
  const auto texts = run(1'000'000, 1);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto matcher = mt::grammar_matcher::make(i % 2 == 0 ? *answers : *call);
    REQUIRE(matcher);
    CAPTURE(texts[i]);
    const auto follows = matcher->matches(texts[i]);
    CHECK((follows && *follows));
  }
  CHECK(run(2, 1) == texts);
  CHECK(run(7, 2) == texts);
}

}  // namespace
