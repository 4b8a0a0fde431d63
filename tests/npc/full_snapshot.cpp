// SPDX-License-Identifier: MIT
#include <multitudes/npc/snapshot.hpp>

#include "../support/long_run.hpp"
#include "small_play.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace multitudes_test;
using npc::contents;

constexpr npc::kv_format every_format[] = {npc::kv_format::f32, npc::kv_format::f16,
                                           npc::kv_format::q8_0};

TEST_CASE("A stage that is saved with its cache goes on to the same bits, in every format") {
  const auto lm = tiny_model();
  const cast who(lm);
  mt::inline_executor here;
  ticking clock;
  for (const npc::kv_format format : every_format) {
    CAPTURE(static_cast<int>(format));
    npc::stage_options o = exact({.n_minds = 6, .max_actions = 3, .max_rows = 5});
    o.cache = format;
    std::vector<std::vector<std::uint32_t>> wanted;
    for (std::size_t n_steps = 0; n_steps < 900; n_steps += 59) {
      theater t(lm, o);
      const auto minds = act(t.stage, who);
      for (std::size_t i = 0; i < n_steps; ++i) {
        static_cast<void>(t.stage.step(clock, clock.now, here));
      }
      const std::string before = take_all(t.stage).text;
      const auto bytes = saved(t.stage, contents::everything);
      theater other(lm, o);
      know_rules(other.stage);
      const auto ok = npc::load(other.stage, bytes, who);
      REQUIRE_MESSAGE(ok, ok.error().message());
      CHECK(saved(other.stage, contents::everything) == bytes);
      std::string here_said = before, there_said = before;
      const auto plain = go_on(t.stage, minds, who, here_said);
      if (wanted.empty()) wanted = plain;
      CHECK(plain == wanted);
      CHECK(go_on(other.stage, minds, who, there_said) == wanted);
      CHECK(here_said.size() == there_said.size());
      // Lore is shared as it was.
      CHECK(other.stage.cache().free_pages() == t.stage.cache().free_pages());
      // And back: what was said since was never said.
      REQUIRE(npc::load(t.stage, bytes, who));
      CHECK(saved(t.stage, contents::everything) == bytes);
      std::string again = before;
      CHECK(go_on(t.stage, minds, who, again) == wanted);
    }
  }
}

/// Two minds, moods that change with every word, a persona that was exchanged: everything that they
/// come to, from wherever a stage is.
struct moody_play {
  explicit moody_play(const mt::language_model& lm) : who(lm) {}

  std::vector<npc::mind> begin(npc::stage& s) const {
    mt::inline_executor here;
    const auto known = *s.tell("it is dark in the tavern and nobody has paid for a week or two");
    std::vector<npc::mind> minds;
    for (std::size_t i = 0; i < 2; ++i) {
      minds.push_back(*s.enter({.persona = {who.plans[i]}, .voice = voice(i + 4), .knows = known}));
      REQUIRE(s.hear(minds[i], "so"));
      REQUIRE(s.say(minds[i], {.max_tokens = 5, .one_line = false}));
    }
    REQUIRE(s.finish(here) == npc::stage_status::idle);
    REQUIRE(s.swap_persona(minds[0], {who.plans[3]}, mt::memory::keep));
    REQUIRE(s.swap_persona(minds[1], {who.plans[3]}, mt::memory::keep));
    take_all(s);
    const std::string_view actions[] = {" runs away", " hides", " waits for the others"};
    REQUIRE(s.say(minds[0], {.max_tokens = 12, .one_line = false}));
    REQUIRE(s.ask_action(minds[1], actions, {.per_token = true}));
    REQUIRE(s.hear(minds[1], " then"));
    return minds;
  }
  /// One slice; then moods by how much they remember.
  void slice(npc::stage& s, std::span<const npc::mind> minds) {
    mt::inline_executor here;
    const auto status = s.step(clock, clock.now, here);
    is_over = status == npc::stage_status::idle;
    for (const npc::mind m : minds) {
      const auto n = static_cast<float>(s.tokens(m).size() % 5) / 4;
      static_cast<void>(s.set_mood(m, 0, n));
      static_cast<void>(s.set_mood(m, 1, 1 - n));
    }
    while (const auto e = s.take_event()) {
      told[e->who.index] += e->text;
      if (e->what == npc::event_kind::chose) told[e->who.index] += std::to_string(e->probability);
    }
  }
  std::vector<std::vector<std::uint32_t>> end(npc::stage& s, std::span<const npc::mind> minds) {
    while (!is_over) slice(s, minds);
    return {ids(s.tokens(minds[0])), ids(s.tokens(minds[1]))};
  }
  cast who;
  ticking clock;
  bool is_over = false;
  std::array<std::string, 2> told;
};

TEST_CASE("In whatever slice of a sentence it is saved, a mind says what it would have said") {
  const auto lm = tiny_model({.n_layers = 2});
  const npc::stage_options o = exact({.n_minds = 2, .max_actions = 3, .max_rows = 3});
  theater first(lm, o), t(lm, o), other(lm, o);
  moody_play plain(lm);
  const auto minds = plain.begin(first.stage);
  const auto wanted = plain.end(first.stage, minds);
  REQUIRE(plain.told[0].size() > 6);
  REQUIRE(plain.told[1].size() > 6);
  moody_play play(lm);
  static_cast<void>(play.begin(t.stage));
  std::size_t n_slices = 0;
  for (; !play.is_over; ++n_slices) {
    const contents what = n_slices % 2 == 0 ? contents::everything : contents::thoughts;
    REQUIRE(npc::load(other.stage, saved(t.stage, what), play.who));
    moody_play again = play;
    CHECK(again.end(other.stage, minds) == wanted);
    CHECK(again.told == plain.told);
    for (int i = 0; i < sample_count(3, 1); ++i) play.slice(t.stage, minds);
  }
  CHECK(n_slices > 100);
}

TEST_CASE("What a mood was when actions began to be weighed is kept") {
  const auto lm = tiny_model();
  const cast who(lm);
  const npc::stage_options o = exact({.n_minds = 1, .max_actions = 2});
  mt::inline_executor here;
  const auto run = [&](std::optional<contents> what) {
    theater t(lm, o), other(lm, o);
    const auto m = *t.stage.enter({.persona = {who.plans[3]}, .voice = voice(1)});
    REQUIRE(t.stage.hear(m, "one day"));
    REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
    REQUIRE(t.stage.set_mood(m, 0, 1.0f));
    const std::string_view actions[] = {" runs far away", " waits for the others"};
    REQUIRE(t.stage.ask_action(m, actions, {.per_token = true}));
    ticking clock;
    static_cast<void>(t.stage.step(clock, clock.now, here));
    REQUIRE(t.stage.set_mood(m, 0, 0.0f));
    if (what) REQUIRE(npc::load(other.stage, saved(t.stage, *what), who));
    npc::stage& s = what ? other.stage : t.stage;
    REQUIRE(s.finish(here) == npc::stage_status::idle);
    const auto events = take_all(s).others;
    REQUIRE(events.size() == 1);
    return events[0].probability;
  };
  const float wanted = run({});
  CHECK(wanted < 0.99f);
  CHECK(run(contents::thoughts) == wanted);
  CHECK(run(contents::everything) == wanted);
}

TEST_CASE("A word that was said and waits to be counted counts after loading, once") {
  const auto lm = tiny_model();
  const cast who(lm);
  mt::inline_executor here;
  const npc::stage_options o = exact({.n_minds = 1, .max_actions = 2});
  theater t(lm, o), other(lm, o);
  for (npc::stage* const s : {&t.stage, &other.stage}) know_rules(*s);
  const auto m =
      *t.stage.enter({.persona = {who.plans[3]}, .voice = voice(2), .kept = npc::keeper{0}});
  REQUIRE(t.stage.hear(m, "one day"));
  REQUIRE(t.stage.say(m, {.max_tokens = 7, .one_line = false}));
  REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
  // It reads its own last word, but comes to no new one.
  REQUIRE(t.stage.hear(m, " and then"));
  REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
  take_all(t.stage);
  REQUIRE(npc::load(other.stage, saved(t.stage, contents::everything), who));
  for (const std::size_t n_words : {1u, 6u}) {
    std::vector<std::vector<float>> states;
    for (npc::stage* const s : {&t.stage, &other.stage}) {
      REQUIRE(s->say(m, {.max_tokens = n_words, .one_line = false}));
      REQUIRE(s->finish(here) == npc::stage_status::idle);
      take_all(*s);
      const auto state = s->recent_state(m);
      states.emplace_back(state.begin(), state.end());
    }
    CHECK(states[0] == states[1]);
    CHECK(t.stage.dial(m, 0) == other.stage.dial(m, 0));
  }
  CHECK(ids(t.stage.tokens(m)) == ids(other.stage.tokens(m)));
}

/// Minds that know a lore, have read and said something, and idle.
std::vector<npc::mind> chat(npc::stage& s, const cast& who, std::size_t n) {
  mt::inline_executor here;
  const auto known = *s.tell("far away lived a king and his daughter who never laughed");
  std::vector<npc::mind> minds;
  for (std::size_t i = 0; i < n; ++i) {
    minds.push_back(*s.enter({.persona = {who.plans[i]}, .voice = voice(i), .knows = known}));
    REQUIRE(s.hear(minds[i], "who goes there"));
    REQUIRE(s.say(minds[i], {.max_tokens = 10 + 8 * i, .one_line = false}));
  }
  REQUIRE(s.finish(here) == npc::stage_status::idle);
  take_all(s);
  return minds;
}

TEST_CASE("Lore is written once, pages are shared as before, and nothing is computed again") {
  const auto lm = tiny_model();
  const cast who(lm);
  mt::inline_executor here;
  for (const npc::kv_format format : every_format) {
    const npc::stage_options o{.n_minds = 4, .cache = format};
    theater t(lm, o), other(lm, o);
    const auto minds = chat(t.stage, who, 4);
    auto& scene = npc::detail::scene_of(t.stage);
    std::size_t n_positions = scene.lores[0].tokens.size() - 1;
    for (const auto& mind : scene.minds) n_positions += scene.n_computed(mind);
    const std::size_t more = npc::snapshot_bytes(t.stage, contents::everything) -
                             npc::snapshot_bytes(t.stage, contents::thoughts);
    CHECK(more == 1 + 8 + 8 + 8 * 5 + t.stage.cache().exported_bytes(n_positions));

    REQUIRE(npc::load(other.stage, saved(t.stage, contents::everything), who));
    CHECK(other.stage.cache().free_pages() == t.stage.cache().free_pages());
    CHECK(other.stage.doing(minds[1]) == npc::activity::ready);
    REQUIRE(other.stage.finish(here) == npc::stage_status::idle);
    CHECK(other.stage.totals().rows == 0);
    REQUIRE(other.stage.say(minds[2], {.max_tokens = 3, .one_line = false}));
    REQUIRE(other.stage.finish(here) == npc::stage_status::idle);
    CHECK(other.stage.totals().rows <= 3);
  }
}

TEST_CASE("Where pages are too few for all, those who speak keep theirs and others are dormant") {
  const auto lm = tiny_model();
  const cast who(lm);
  mt::inline_executor here;
  ticking clock;
  theater t(lm, exact({.n_minds = 4}));
  const auto minds = chat(t.stage, who, 4);
  REQUIRE(t.stage.say(minds[3], {.max_tokens = 20, .one_line = false}));
  const std::size_t n = t.stage.tokens(minds[3]).size();
  while (t.stage.tokens(minds[3]).size() < n + 4) {
    static_cast<void>(t.stage.step(clock, clock.now, here));
  }
  take_all(t.stage);
  const auto bytes = saved(t.stage, contents::everything);
  const auto finish = [&](npc::stage& s) {
    REQUIRE(s.finish(here) == npc::stage_status::idle);
    take_all(s);
    for (std::size_t i = 0; i < 3; ++i) {
      REQUIRE(s.say(minds[i], {.max_tokens = 5, .one_line = false}));
      REQUIRE(s.finish(here) == npc::stage_status::idle);
    }
    take_all(s);
    std::vector<std::vector<std::uint32_t>> all;
    for (const npc::mind m : minds) all.push_back(ids(s.tokens(m)));
    return all;
  };
  const auto wanted = finish(t.stage);
  for (const std::size_t n_pages : {5u, 6u, 7u, 8u}) {
    CAPTURE(n_pages);
    theater small(lm, exact({.n_minds = 4, .n_pages = n_pages}));
    const auto ok = npc::load(small.stage, bytes, who);
    REQUIRE_MESSAGE(ok, ok.error().message());
    CHECK(small.stage.doing(minds[3]) == npc::activity::speaking);
    std::size_t n_dormant = 0;
    for (const npc::mind m : minds) n_dormant += small.stage.doing(m) == npc::activity::dormant;
    CHECK(n_dormant > 0);
    const std::uint64_t before = small.stage.totals().rows;
    while (small.stage.totals().words == 0) {
      static_cast<void>(small.stage.step(clock, clock.now, here));
    }
    CHECK(small.stage.totals().rows - before <= 2);
    take_all(small.stage);
    CHECK(finish(small.stage) == wanted);
  }
  // Not even the lore has pages: nobody is remembered, and the stage says why it stands still.
  theater tiny(lm, exact({.n_minds = 4, .n_pages = 1}));
  REQUIRE(npc::load(tiny.stage, bytes, who));
  CHECK(tiny.stage.cache().free_pages() == 1);
  CHECK(tiny.stage.finish(here) == npc::stage_status::starved);
}

TEST_CASE("A stage with a cache of another format computes again") {
  const auto lm = tiny_model();
  const cast who(lm);
  mt::inline_executor here;
  theater t(lm, exact({.n_minds = 4}));
  const auto minds = chat(t.stage, who, 4);
  const auto run = [&](contents what) {
    npc::stage_options o = exact({.n_minds = 4});
    o.cache = npc::kv_format::q8_0;
    theater other(lm, o);
    REQUIRE(npc::load(other.stage, saved(t.stage, what), who));
    REQUIRE(other.stage.say(minds[0], {.max_tokens = 20, .one_line = false}));
    REQUIRE(other.stage.finish(here) == npc::stage_status::idle);
    CHECK(other.stage.totals().rows > 100);
    return ids(other.stage.tokens(minds[0]));
  };
  CHECK(run(contents::everything) == run(contents::thoughts));
}

TEST_CASE("Keys and values that are no numbers make minds fail, until they compute them again") {
  const auto lm = tiny_model();
  const cast who(lm);
  mt::inline_executor here;
  for (const npc::kv_format format : every_format) {
    const npc::stage_options o{.n_minds = 4, .cache = format};
    theater t(lm, o), other(lm, o);
    const auto minds = chat(t.stage, who, 4);
    for (const npc::mind m : minds) {
      REQUIRE(t.stage.say(m, {.max_tokens = 6, .one_line = false}));
    }
    auto bytes = saved(t.stage, contents::everything);
    auto& scene = npc::detail::scene_of(t.stage);
    // The last mind's are the last bytes: all but their plans are damaged.
    const std::size_t n = npc::detail::n_kept(scene, scene.minds[3]);
    REQUIRE(n > 20);
    const std::size_t keys = t.stage.cache().exported_bytes(n) - n * sizeof(mt::fingerprint);
    std::memset(bytes.data() + bytes.size() - keys, 0xFF, keys);
    npc::detail::seal(bytes, npc::detail::snapshot_kind, lm);
    REQUIRE(npc::load(other.stage, bytes, who));
    for (npc::stage* const s : {&t.stage, &other.stage}) {
      REQUIRE(s->finish(here) == npc::stage_status::idle);
    }
    std::map<std::uint32_t, npc::event_kind> came_to;
    for (const npc::event& e : take_all(other.stage).others) came_to[e.who.index] = e.what;
    for (std::uint32_t i = 0; i < 4; ++i) {
      CHECK(came_to[i] == (i == 3 ? npc::event_kind::failed : npc::event_kind::finished));
    }
    REQUIRE(other.stage.rest(minds[3]));
    REQUIRE(other.stage.say(minds[3], {.max_tokens = 6, .one_line = false}));
    REQUIRE(other.stage.finish(here) == npc::stage_status::idle);
    for (const npc::mind m : minds) CHECK(ids(other.stage.tokens(m)) == ids(t.stage.tokens(m)));
    // Nor are plans believed that were not in force, or numbers of positions whose bytes, counted
    // in 64 bits, are as many as those that are there.
    const auto is_refused = [&](std::vector<std::byte> wrong, std::size_t before_keys) {
      wrong[wrong.size() - keys - before_keys] ^= std::byte{0x20};
      npc::detail::seal(wrong, npc::detail::snapshot_kind, lm);
      const auto outcome = npc::load(other.stage, wrong, who);
      return !outcome && outcome.error().code == mt::errc::malformed;
    };
    CHECK(is_refused(bytes, 1));
    CHECK(is_refused(bytes, n * sizeof(mt::fingerprint) + 1));
  }
}

}  // namespace
