// SPDX-License-Identifier: MIT
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/npc/record.hpp>
#include <multitudes/npc/replay.hpp>
#include <multitudes/npc/snapshot.hpp>

#include "../support/mutate.hpp"
#include "theater.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace multitudes_test;

/// What each mind, by its generation, has said and chosen, and has in its memory.
struct outcome {
  std::map<std::uint32_t, std::string> told;
  std::map<std::uint32_t, std::vector<std::uint32_t>> remembers;

  void take(npc::stage& s) {
    while (const auto e = s.take_event()) {
      std::string& all = told[e->who.generation];
      all += e->text;
      if (e->what == npc::event_kind::chose) all += "[" + std::to_string(e->action) + "]";
      if (e->what == npc::event_kind::sentence) all += "|";
      if (e->what == npc::event_kind::strayed) all += "<";
      if (e->what == npc::event_kind::returned) all += ">";
      if (e->what == npc::event_kind::finished) {
        all += "/" + std::to_string(static_cast<int>(e->why));
      }
    }
  }
  void look(npc::stage& s) {
    for (const auto& t : npc::detail::scene_of(s).minds) {
      if (t.is_present) remembers[t.generation] = ids(t.tokens);
    }
  }
  friend bool operator==(const outcome&, const outcome&) = default;
};

/// A stage on which games are played.
struct playhouse : theater {
  playhouse(const mt::language_model& lm, const npc::stage_options& o) : theater(lm, o) {
    REQUIRE(stage.add_keeper(some_keeping(lm)));
  }
};

struct plans_of_a_game {
  explicit plans_of_a_game(const mt::language_model& lm) {
    for (std::uint64_t i = 0; i < 3; ++i) all.push_back(some_plan(lm, i));
    all.push_back(moody_plan(lm));
    all.push_back(*st::compile(st::over_time(
        st::fade_in(9), st::add(random_persona(lm.space(), 8), st::in_raw_units(0.6f)))));
  }
  const st::plan* operator()(mt::fingerprint id) const {
    for (const auto& p : all) {
      if (p.id() == id) return &p;
    }
    return nullptr;
  }
  std::vector<st::plan> all;
};

/// A game of many short frames, in each of which something happens to somebody.
outcome play(npc::stage& stage, npc::recorder& game, const plans_of_a_game& plans,
             std::uint64_t seed, std::size_t n_frames) {
  mt::inline_executor here;
  const auto kept = npc::keeper{0};
  mt::philox random(seed);
  outcome seen;
  const auto known = *game.tell("it is dark in the tavern and nobody has paid");
  std::vector<npc::mind> minds;
  const auto come = [&] {
    const st::plan& plan = plans.all[random.below(5)];
    const bool is_kept = random.below(2) == 0 && plan.has_dial(0);
    const auto m = game.enter({.persona = {plan},
                               .voice = voice(random()),
                               .stream = minds.size(),
                               .knows = random.below(2) == 0 ? known : npc::lore{},
                               .kept = is_kept ? kept : npc::keeper{}});
    if (!m) return;
    minds.push_back(*m);
    REQUIRE(game.hear(*m, "who goes there"));
  };
  for (std::size_t i = 0; i < 3; ++i) come();
  const std::string_view actions[] = {" runs", " hides under the table", " waits"};
  ticking clock;
  for (std::size_t f = 0; f < n_frames; ++f) {
    const npc::mind m = minds[random.below(static_cast<std::uint32_t>(minds.size()))];
    // Some of this is refused, as it will be in a game.
    switch (random.below(14)) {
      case 0: static_cast<void>(game.hear(minds, "oh! no. and then")); break;
      case 1:
      case 2:
      case 3:
        static_cast<void>(game.say(m, {.max_tokens = 3 + random.below(20), .one_line = false}));
        break;
      case 4: static_cast<void>(game.ask_action(m, actions)); break;
      case 5: static_cast<void>(game.cancel(m)); break;
      case 6:
        static_cast<void>(game.swap_persona(m, {plans.all[random.below(5)]}, mt::memory::keep));
        break;
      case 7:
        if (random.below(4) == 0) {
          static_cast<void>(game.swap_persona(m, {plans.all[random.below(5)]}, mt::memory::replay));
        }
        break;
      case 8:
        if (stage.room(m) < 60) static_cast<void>(game.forget(m, 20));
        break;
      case 9:
        if (random.below(5) == 0) REQUIRE(game.leave(m));
        break;
      case 11:
        if (stage.tokens(m).size() < 40) static_cast<void>(game.pin(m));
        break;
      case 10: come(); break;
      default: break;
    }
    for (const npc::mind each : minds) {
      static_cast<void>(game.set_mood(each, 0, random.uniform()));
      static_cast<void>(game.set_mood(each, 1, random.uniform()));
    }
    static_cast<void>(stage.step(clock, clock.now + nanoseconds(100 * random.below(60)), here));
    seen.take(stage);
  }
  while (stage.finish(here) == npc::stage_status::unread_events) seen.take(stage);
  seen.take(stage);
  seen.look(stage);
  return seen;
}

template <class E>
outcome play_again(npc::stage& stage, npc::replayer& again, E& workers, std::int64_t looks) {
  outcome seen;
  ticking clock;
  for (std::size_t i = 0; i < 200'000; ++i) {
    const auto status = again.step(stage, clock, clock.now + nanoseconds(100 * looks), workers);
    seen.take(stage);
    if (status == npc::stage_status::idle) break;
  }
  REQUIRE_MESSAGE(again.outcome(), again.outcome().error().message());
  CHECK(again.is_over());
  seen.look(stage);
  return seen;
}

TEST_CASE("A record is replayed to the same bits at any frame rate and with any workers") {
  const auto lm = tiny_model();
  const plans_of_a_game plans(lm);
  const npc::stage_options o = exact({.n_minds = 5, .max_actions = 6, .max_rows = 6});
  for (int n = 0; n < sample_count(3, 100); ++n) {
    const auto seed = static_cast<std::uint64_t>(n) + 1;
    playhouse first(lm, o);
    std::vector<std::byte> memory(1 << 20);
    npc::recorder game(first.stage, memory);
    const outcome wanted = play(first.stage, game, plans, seed, 400);
    std::size_t n_told = 0;
    for (const auto& [who, text] : wanted.told) n_told += text.size();
    REQUIRE(n_told > 200);
    const auto record = game.seal();
    REQUIRE(record);
    for (const std::int64_t looks : {1, 17, 1'000'000}) {
      mt::thread_pool workers(looks == 17 ? 2 : 1);
      playhouse second(lm, o);
      auto again = npc::replayer::make(*record, lm, plans);
      REQUIRE_MESSAGE(again, again.error().message());
      CHECK(play_again(second.stage, *again, workers, looks) == wanted);
    }
  }
}

TEST_CASE("A record that begins with a snapshot goes on from it") {
  const auto lm = tiny_model();
  const plans_of_a_game plans(lm);
  mt::inline_executor here;
  const npc::stage_options o = exact({.n_minds = 5, .n_lores = 2, .max_actions = 6});
  playhouse first(lm, o);
  const auto old = *first.stage.enter({.persona = {plans.all[3]}, .voice = voice(4)});
  REQUIRE(first.stage.hear(old, "one day"));
  REQUIRE(first.stage.say(old, {.max_tokens = 30, .one_line = false}));
  ticking clock;
  for (std::size_t i = 0; i < 200; ++i) static_cast<void>(first.stage.step(clock, clock.now, here));
  outcome before;
  before.take(first.stage);
  std::vector<std::byte> snapshot(npc::snapshot_bytes(first.stage));
  REQUIRE(npc::save(first.stage, snapshot));

  std::vector<std::byte> memory(1 << 20);
  npc::recorder game(first.stage, memory);
  REQUIRE(game.hear(old, "and then"));
  REQUIRE(game.set_mood(old, 1, 1.0f));
  const outcome wanted = play(first.stage, game, plans, 7, 200);
  playhouse second(lm, o);
  REQUIRE(npc::load(second.stage, snapshot, plans));
  auto again = npc::replayer::make(*game.seal(), lm, plans);
  REQUIRE(again);
  CHECK(play_again(second.stage, *again, here, 5) == wanted);
}

TEST_CASE("What has no room in a record is not done; what is no record is refused") {
  const auto lm = tiny_model();
  const plans_of_a_game plans(lm);
  theater t(lm, exact());
  std::vector<std::byte> memory(1024);
  npc::recorder game(t.stage, memory);
  const auto m = *game.enter({});
  std::size_t n = 0;
  while (game.hear(m, "hm hm")) ++n;
  CHECK(n > 3);
  const std::size_t n_tokens = t.stage.tokens(m).size();
  CHECK(game.hear(m, "hm hm").error().code == mt::errc::out_of_memory);
  CHECK(t.stage.tokens(m).size() == n_tokens);
  const auto record = game.seal();
  REQUIRE(record);
  std::vector<std::byte> bytes(record->begin(), record->end());
  CHECK(npc::replayer::make(bytes, lm, plans));
  CHECK_FALSE(npc::replayer::make(std::span(bytes).first(bytes.size() - 1), lm, plans));
  CHECK(npc::replayer::make(bytes, tiny_model({.seed = 2}), plans).error().code ==
        mt::errc::space_mismatch);
  bytes[bytes.size() - 3] ^= std::byte{4};
  CHECK(npc::replayer::make(bytes, lm, plans).error().code == mt::errc::malformed);
}

TEST_CASE("No record, however wrong, does more than be refused") {
  const auto lm = tiny_model();
  const plans_of_a_game plans(lm);
  mt::inline_executor here;
  const npc::stage_options o = exact({.n_minds = 5, .max_actions = 6, .max_rows = 6});
  playhouse first(lm, o);
  std::vector<std::byte> memory(1 << 16);
  npc::recorder game(first.stage, memory);
  static_cast<void>(play(first.stage, game, plans, 1, 60));
  const auto sealed = game.seal();
  REQUIRE(sealed);
  const std::vector<std::byte> whole(sealed->begin(), sealed->end());
  mt::philox random(3);
  int n_made = 0;
  for (int i = 0; i < mutant_count(); ++i) {
    auto bytes = mutate(whole, random);
    if (bytes.size() > npc::detail::seal_bytes) {
      npc::detail::seal(bytes, npc::detail::record_kind, lm);
    }
    auto again = npc::replayer::make(bytes, lm, plans);
    if (!again) continue;
    if (++n_made % 16 != 0) continue;
    theater t(lm, o);
    ticking clock;
    for (std::size_t k = 0; k < 60; ++k) {
      static_cast<void>(again->step(t.stage, clock, clock.now + nanoseconds(2000), here));
      while (t.stage.take_event()) {
      }
    }
  }
  CHECK(n_made > 0);
}

}  // namespace
