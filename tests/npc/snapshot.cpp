// SPDX-License-Identifier: MIT
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/npc/snapshot.hpp>

#include "../support/mutate.hpp"
#include "theater.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace multitudes_test;

std::vector<std::byte> saved(npc::stage& s) {
  std::vector<std::byte> bytes(npc::snapshot_bytes(s));
  const auto n = npc::save(s, bytes);
  REQUIRE_MESSAGE(n, n.error().message());
  REQUIRE(*n == bytes.size());
  return bytes;
}

/// The plans of a game.
struct cast {
  explicit cast(const mt::language_model& lm) {
    for (std::uint64_t i = 0; i < 3; ++i) plans.push_back(some_plan(lm, i));
    plans.push_back(moody_plan(lm));
    plans.push_back(*st::compile(st::over_time(
        st::fade_in(9), st::add(random_persona(lm.space(), 8), st::in_raw_units(0.6f)))));
  }
  const st::plan* operator()(mt::fingerprint id) const {
    for (const auto& p : plans) {
      if (p.id() == id) return &p;
    }
    return nullptr;
  }
  std::vector<st::plan> plans;
};

/// A stage on which `act` may be loaded.
void know_rules(npc::stage& s) {
  REQUIRE(s.add_keeper(some_keeping(s.lm())));
  REQUIRE(s.add_rules(*mt::grammar::parse("root ::= ([a-z ]+ [.!])+")));
}

/// A scene with a bit of everything in it.
std::vector<npc::mind> act(npc::stage& s, const cast& who) {
  know_rules(s);
  const auto known = *s.tell("it is dark in the tavern and nobody has paid");
  std::vector<npc::mind> minds;
  for (std::size_t i = 0; i < 5; ++i) {
    minds.push_back(*s.enter({.persona = {who.plans[i]},
                              .voice = voice(i),
                              .stream = i,
                              .knows = i % 2 == 0 ? known : npc::lore{},
                              .priority = static_cast<float>(i + 1),
                              .kept = i == 3 || i == 4 ? npc::keeper{0} : npc::keeper{}}));
    REQUIRE(s.hear(minds[i], "who goes there"));
    const npc::rules under = i == 2 ? npc::rules{0} : npc::rules{};
    if (i != 1) {
      REQUIRE(s.say(minds[i], {.max_tokens = 14 + i, .one_line = false, .under = under}));
    }
  }
  const std::string_view actions[] = {" runs", " hides under the table", " waits"};
  REQUIRE(s.ask_action(minds[1], actions));
  REQUIRE(s.hear(minds, "me said the fox. and then. oh! no"));
  REQUIRE(s.set_mood(minds[3], 1, 0.7f));
  return minds;
}
/// What the scene comes to.
std::vector<std::vector<std::uint32_t>> go_on(npc::stage& s, std::span<const npc::mind> minds,
                                              const cast& who, std::string& told) {
  mt::inline_executor here;
  REQUIRE(s.finish(here) == npc::stage_status::idle);
  told += take_all(s).text;
  REQUIRE(s.swap_persona(minds[0], {who.plans[4]}, mt::memory::keep));
  REQUIRE(s.swap_persona(minds[2], {who.plans[1]}, mt::memory::replay));
  for (const npc::mind m : minds) REQUIRE(s.say(m, {.max_tokens = 8, .one_line = false}));
  REQUIRE(s.finish(here) == npc::stage_status::idle);
  told += take_all(s).text;
  std::vector<std::vector<std::uint32_t>> all;
  for (const npc::mind m : minds) all.push_back(ids(s.tokens(m)));
  return all;
}

TEST_CASE("A stage that is saved anywhere, in itself or another, goes on to the same bits") {
  const auto lm = tiny_model();
  const cast who(lm);
  mt::inline_executor here;
  const npc::stage_options o = exact({.n_minds = 6, .max_actions = 3, .max_rows = 5});
  std::vector<std::vector<std::uint32_t>> wanted;
  {
    theater t(lm, o);
    const auto minds = act(t.stage, who);
    std::string text;
    wanted = go_on(t.stage, minds, who, text);
  }
  ticking clock;
  for (std::size_t n_steps = 0; n_steps < 700; n_steps += 53) {
    theater t(lm, o);
    const auto minds = act(t.stage, who);
    std::string before;
    for (std::size_t i = 0; i < n_steps; ++i) {
      static_cast<void>(t.stage.step(clock, clock.now, here));
    }
    before = take_all(t.stage).text;
    const auto bytes = saved(t.stage);
    theater other(lm, o);
    CHECK(npc::load(other.stage, bytes, who).error().code == mt::errc::not_found);
    know_rules(other.stage);
    REQUIRE(npc::load(other.stage, bytes, who));
    CHECK(saved(other.stage) == bytes);
    std::string here_said = before, there_said = before;
    CHECK(go_on(other.stage, minds, who, there_said) == wanted);
    CHECK(go_on(t.stage, minds, who, here_said) == wanted);
    CHECK(here_said.size() == there_said.size());
    // And back: what was said since was never said.
    const auto ok = npc::load(t.stage, bytes, who);
    REQUIRE_MESSAGE(ok, ok.error().message());
    std::string again = before;
    CHECK(go_on(t.stage, minds, who, again) == wanted);
  }
}

TEST_CASE("What is heard while something is given up is kept by a snapshot") {
  const auto lm = tiny_model();
  const cast who(lm);
  mt::inline_executor here;
  const npc::stage_options o = exact({.n_minds = 1});
  theater t(lm, o);
  const auto m = *t.stage.enter({.voice = voice(1)});
  REQUIRE(t.stage.hear(m, "one day"));
  const std::string_view actions[] = {" runs", " waits"};
  REQUIRE(t.stage.ask_action(m, actions));
  ticking clock;
  static_cast<void>(t.stage.step(clock, clock.now, here));
  static_cast<void>(t.stage.step(clock, clock.now, here));
  REQUIRE(t.stage.cancel(m));
  REQUIRE(t.stage.hear(m, " a fox"));
  const auto bytes = saved(t.stage);
  theater other(lm, o);
  REQUIRE(npc::load(other.stage, bytes, who));
  REQUIRE(other.stage.finish(here) == npc::stage_status::idle);
  REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
  CHECK(t.stage.tokens(m).size() == lm.tokenizer->encode("one day a fox").size());
  CHECK(ids(other.stage.tokens(m)) == ids(t.stage.tokens(m)));
}

TEST_CASE("Handles from after a snapshot name nobody when it is loaded") {
  const auto lm = tiny_model();
  const cast who(lm);
  theater t(lm, exact({.n_minds = 2}));
  const auto first = *t.stage.enter({});
  const auto bytes = saved(t.stage);
  t.stage.leave(first);
  const auto late = *t.stage.enter({});
  REQUIRE(npc::load(t.stage, bytes, who));
  CHECK(t.stage.doing(first) != npc::activity::gone);
  CHECK(t.stage.doing(late) == npc::activity::gone);
  const auto next = *t.stage.enter({});
  CHECK_FALSE(next == late);
  CHECK(t.stage.doing(late) == npc::activity::gone);
}

TEST_CASE("A snapshot is refused where it does not fit, and says why") {
  const auto lm = tiny_model();
  const cast who(lm);
  mt::inline_executor here;
  theater t(lm, exact({.n_minds = 5}));
  static_cast<void>(act(t.stage, who));
  REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
  std::vector<std::byte> bytes(npc::snapshot_bytes(t.stage));
  CHECK(npc::save(t.stage, bytes).error().code == mt::errc::invalid_argument);  // unread events
  take_all(t.stage);
  CHECK(npc::save(t.stage, std::span(bytes).first(10)).error().code == mt::errc::out_of_memory);
  bytes = saved(t.stage);

  const auto refused = [&](npc::stage& s, std::span<const std::byte> b, npc::plan_lookup find) {
    const auto before = saved(s);
    const auto outcome = npc::load(s, b, find);
    REQUIRE_FALSE(outcome);
    CHECK(saved(s) == before);
    return outcome.error().code;
  };
  const auto nothing = [](mt::fingerprint) -> const st::plan* { return nullptr; };
  CHECK(refused(t.stage, bytes, nothing) == mt::errc::not_found);
  theater small(lm, exact({.n_minds = 4}));
  know_rules(small.stage);
  CHECK(refused(small.stage, bytes, who) == mt::errc::out_of_memory);
  theater narrow(lm, exact({.n_minds = 5, .context = 50}));
  know_rules(narrow.stage);
  CHECK(refused(narrow.stage, bytes, who) == mt::errc::out_of_memory);
  theater quiet(lm, exact({.n_minds = 5, .n_lores = 0}));
  know_rules(quiet.stage);
  CHECK(refused(quiet.stage, bytes, who) == mt::errc::out_of_memory);
  const auto other_model = tiny_model({.seed = 2});
  theater other(other_model, exact({.n_minds = 5}));
  know_rules(other.stage);
  CHECK(refused(other.stage, bytes, who) == mt::errc::space_mismatch);
  auto damaged = bytes;
  damaged[bytes.size() / 2] ^= std::byte{1};
  CHECK(refused(t.stage, damaged, who) == mt::errc::malformed);
  CHECK(refused(t.stage, std::span(bytes).first(7), who) == mt::errc::malformed);
  CHECK(npc::load(t.stage, bytes, who).has_value());
}

TEST_CASE("No bytes, however wrong, do more than be refused") {
  const auto lm = tiny_model();
  const cast who(lm);
  mt::inline_executor here;
  const npc::stage_options o = exact({.n_minds = 6, .max_actions = 3, .max_rows = 5});
  theater t(lm, o);
  static_cast<void>(act(t.stage, who));
  ticking clock;
  for (std::size_t i = 0; i < 150; ++i) static_cast<void>(t.stage.step(clock, clock.now, here));
  take_all(t.stage);
  const auto whole = saved(t.stage);
  theater own(lm, o);
  know_rules(own.stage);
  auto before = saved(own.stage);
  mt::philox random(1);
  int n_refused = 0, n_taken = 0;
  for (int i = 0; i < mutant_count(); ++i) {
    auto bytes = mutate(whole, random);
    if (random.below(8) != 0 && bytes.size() > npc::detail::seal_bytes) {
      // With a seal that fits, so that what lies behind it is read.
      npc::detail::seal(bytes, npc::detail::snapshot_kind, lm);
    }
    if (!npc::load(own.stage, bytes, who)) {
      ++n_refused;
      if (i % 64 == 0) CHECK(saved(own.stage) == before);
      continue;
    }
    // What is taken must be possible: it can be played on.
    if (++n_taken % 16 == 0) {
      for (std::size_t k = 0; k < 40; ++k)
        static_cast<void>(own.stage.step(clock, clock.now, here));
      take_all(own.stage);
    }
    before = saved(own.stage);
  }
  CHECK(n_refused > n_taken);
  CHECK(n_taken > 0);
}

}  // namespace
