// SPDX-License-Identifier: MIT
#include <multitudes/npc/stage.hpp>

#include "theater.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace multitudes_test;

TEST_CASE("Without pages it is starved, and goes on when one leaves; who idles sleeps first") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  theater t(lm, exact({.n_minds = 3, .n_pages = 3}));
  // The line and what is said fill three pages.
  const std::string line(mt::simd::kv_page_length - 4, 'a');
  std::vector<npc::mind> minds;
  for (std::size_t i = 0; i < 3; ++i) {
    minds.push_back(*t.stage.enter({.voice = voice(i)}));
    REQUIRE(t.stage.hear(minds[i], line));
  }
  // A page for each: who has read and idles would be let sleep for another.
  CHECK(t.stage.finish(here) == npc::stage_status::idle);
  for (const npc::mind m : minds) REQUIRE(t.stage.say(m, {.max_tokens = 40, .one_line = false}));
  CHECK(t.stage.finish(here) == npc::stage_status::starved);
  CHECK(t.stage.finish(here) == npc::stage_status::starved);
  t.stage.leave(minds[0]);
  CHECK(t.stage.doing(minds[0]) == npc::activity::gone);
  REQUIRE(t.stage.cancel(minds[1]));
  CHECK(t.stage.finish(here) == npc::stage_status::idle);
  t.stage.leave(minds[1]);

  theater roomy(lm, exact());
  const auto m = *roomy.stage.enter({.voice = voice(2)});
  REQUIRE(roomy.stage.hear(m, line));
  REQUIRE(roomy.stage.say(m, {.max_tokens = 40, .one_line = false}));
  REQUIRE(roomy.stage.finish(here) == npc::stage_status::idle);
  CHECK(ids(t.stage.tokens(minds[2])) == ids(roomy.stage.tokens(m)));
}

TEST_CASE("At the cap of pages all who leave give theirs back, and the others say the same") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  const auto run = [&](std::size_t n_pages) {
    theater t(lm, exact({.n_minds = 5, .n_pages = n_pages, .n_events = 2048}));
    const auto known = *t.stage.tell("far away lived a king and his daughter who never laughed");
    std::vector<npc::mind> minds;
    for (std::size_t i = 0; i < 5; ++i) {
      minds.push_back(*t.stage.enter({.voice = voice(i), .knows = known}));
      REQUIRE(t.stage.hear(minds[i], "who goes there"));
      REQUIRE(t.stage.say(minds[i], {.max_tokens = 60, .one_line = false}));
    }
    std::vector<std::vector<std::uint32_t>> said;
    std::size_t n_starved = 0, n_left = 0;
    npc::stage_status status{};
    while ((status = t.stage.finish(here)) != npc::stage_status::idle || n_left < 3) {
      REQUIRE((status == npc::stage_status::starved || status == npc::stage_status::idle));
      n_starved += status == npc::stage_status::starved;
      take_all(t.stage);
      REQUIRE(n_left < 4);
      t.stage.leave(minds[n_left++]);
    }
    CHECK((n_starved > 0) == (n_pages != 0));
    for (std::size_t i = n_left; i < 5; ++i) said.push_back(ids(t.stage.tokens(minds[i])));
    // Others may come, and have their pages.
    t.stage.leave(minds[4]);
    const auto late = *t.stage.enter({.voice = voice(4), .knows = known});
    REQUIRE(t.stage.hear(late, "who goes there"));
    REQUIRE(t.stage.say(late, {.max_tokens = 60, .one_line = false}));
    REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
    CHECK(ids(t.stage.tokens(late)) == said.back());
    for (const npc::mind m : minds) t.stage.leave(m);
    t.stage.leave(late);
    // All that is left is the lore, of two pages.
    CHECK(t.stage.cache().free_pages() ==
          theater(lm, exact({.n_minds = 5, .n_pages = n_pages})).stage.cache().free_pages() - 2);
    return said;
  };
  const auto wanted = run(0);
  REQUIRE(wanted.size() == 2);
  CHECK(run(10) == wanted);
}

TEST_CASE("No event is lost when nobody takes them") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  const auto run = [&](std::size_t n_events) {
    theater t(lm, exact({.n_events = n_events}));
    const auto m = *t.stage.enter({.voice = voice()});
    REQUIRE(t.stage.hear(m, "one day"));
    REQUIRE(t.stage.say(m, {.max_tokens = 60, .one_line = false}));
    std::string text;
    npc::stage_status status{};
    std::size_t n_stops = 0;
    while ((status = t.stage.finish(here)) == npc::stage_status::unread_events) {
      ++n_stops;
      text += take_all(t.stage).text;
    }
    CHECK(status == npc::stage_status::idle);
    text += take_all(t.stage).text;
    CHECK((n_stops > 0) == (n_events < 60));
    return text;
  };
  CHECK(run(npc::event_queue::most_of_a_word) == run(1000));
}

TEST_CASE("What would end in events that have no room is not broken off yet") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  theater t(lm, exact({.n_minds = 2, .n_events = npc::event_queue::most_of_a_word}));
  const auto m = *t.stage.enter({.voice = voice()});
  REQUIRE(t.stage.hear(m, "one day"));
  REQUIRE(t.stage.say(m, {.max_tokens = 60, .one_line = false}));
  REQUIRE(t.stage.finish(here) == npc::stage_status::unread_events);
  CHECK(t.stage.cancel(m).error().code == mt::errc::out_of_memory);
  CHECK(t.stage.doing(m) == npc::activity::speaking);
  const auto before = take_all(t.stage);
  CHECK(before.others.empty());
  REQUIRE(t.stage.cancel(m));
  const auto after = take_all(t.stage);
  REQUIRE(after.others.size() == 1);
  CHECK(after.others[0].why == npc::ending::by_cancel);
  CHECK(t.stage.cancel(m));  // nothing to break off
}

TEST_CASE("Work is shared by priority, who hurries comes first, and words before reading") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  theater t(lm, exact({.n_minds = 4, .max_rows = 4}));
  std::vector<npc::mind> minds;
  const float priorities[] = {1, 1, 2, 1};
  for (std::size_t i = 0; i < 4; ++i) {
    minds.push_back(*t.stage.enter({.voice = voice(i), .priority = priorities[i]}));
    REQUIRE(t.stage.hear(minds[i], i == 3 ? "oh" : std::string(120, 'a')));
  }
  const auto n_read = [&](std::size_t i) {
    return npc::detail::scene_of(t.stage).minds[minds[i].index].n_settled;
  };
  nanoseconds time{0};
  const auto passes = [&](std::uint64_t n) {
    const std::uint64_t until = t.stage.totals().passes + n;
    while (t.stage.totals().passes < until) {
      static_cast<void>(t.stage.step([&] { return time; }, time, here));
    }
  };
  REQUIRE(t.stage.say(minds[3], {.max_tokens = 100, .one_line = false}));
  const std::size_t before = t.stage.tokens(minds[3]).size();
  passes(41);
  // Who speaks has a word in each pass but the one that read; the others share three rows of four.
  CHECK(t.stage.tokens(minds[3]).size() >= before + 36);
  CHECK(n_read(0) > 18);
  CHECK(n_read(1) > 18);
  CHECK(n_read(2) > 1.6 * static_cast<double>(n_read(0)));
  const std::size_t waited = n_read(0);
  t.stage.hurry(minds[1], nanoseconds(100));
  passes(9);
  CHECK(n_read(0) <= waited + 4);
  CHECK(n_read(1) > waited + 16);
  time = nanoseconds(200);
  passes(12);
  CHECK(n_read(0) > waited + 4);
}

TEST_CASE("However many weigh actions at the same time, all come to choose") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  const std::string_view texts[] = {" runs far away", " hides", " waits for all of the others"};
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    mt::philox random(seed);
    theater t(lm, exact({.n_minds = 5, .n_lores = 0, .max_actions = 3, .max_rows = 4}));
    std::vector<npc::mind> minds;
    for (std::size_t i = 0; i < 5; ++i) {
      minds.push_back(*t.stage.enter({.voice = voice(i)}));
      REQUIRE(t.stage.hear(minds[i], std::string(1 + random.below(12), 'a')));
    }
    REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
    for (const npc::mind m : minds) {
      REQUIRE(t.stage.ask_action(m, std::span(texts).first(2 + random.below(2))));
    }
    REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
    for (const npc::mind m : minds) CHECK(t.stage.doing(m) == npc::activity::ready);
    CHECK(take_all(t.stage).others.size() == 5);
  }
}

TEST_CASE("However many speak, who reads gets on") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  for (const std::size_t max_rows : {1u, 2u, 4u}) {
    theater t(lm, exact({.n_minds = 7, .max_rows = max_rows, .n_events = 4096}));
    std::vector<npc::mind> minds;
    for (std::size_t i = 0; i < 7; ++i) {
      minds.push_back(*t.stage.enter({.voice = voice(i)}));
      REQUIRE(t.stage.hear(minds[i], i == 6 ? std::string(40, 'a') : "oh"));
      if (i < 6) REQUIRE(t.stage.say(minds[i], {.max_tokens = 120, .one_line = false}));
    }
    while (t.stage.doing(minds[6]) == npc::activity::reading && t.stage.totals().passes < 400) {
      static_cast<void>(t.stage.step([] { return nanoseconds(0); }, nanoseconds(0), here));
    }
    CHECK(t.stage.doing(minds[6]) == npc::activity::ready);
    CHECK(t.stage.totals().passes < 200);
    CHECK(t.stage.totals().words > 0);
  }
}

}  // namespace
