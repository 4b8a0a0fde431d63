// SPDX-License-Identifier: MIT
#include <multitudes/generate/batch.hpp>
#include <multitudes/npc/insight.hpp>
#include <multitudes/npc/snapshot.hpp>

#include "theater.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

namespace {

using namespace multitudes_test;

struct lone_mind {
  lone_mind(const mt::language_model& lm, npc::stage_options o, npc::role who, std::size_t n_words)
      : t(lm, std::move(o)) {
    REQUIRE(t.stage.add_keeper(some_keeping(lm)));
    auto entered = t.stage.enter(std::move(who));
    REQUIRE_MESSAGE(entered, entered.error().message());
    m = *entered;
    REQUIRE(t.stage.hear(m, "one day the fox"));
    if (n_words > 0) speak(n_words);
  }
  void speak(std::size_t n_words) {
    mt::inline_executor here;
    REQUIRE(t.stage.say(m, {.max_tokens = n_words, .one_line = false}));
    REQUIRE(t.stage.finish(here) == npc::stage_status::idle);
  }
  theater t;
  npc::mind m;
};

TEST_CASE("The recent state of a mind is the mean over its words, the last counting most") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  npc::stage_options o = exact({.n_minds = 1});
  o.watched_words = 4;
  lone_mind alone(lm, o, {.persona = {some_plan(lm)}, .voice = voice()}, 20);
  const auto tokens = alone.t.stage.tokens(alone.m);
  const std::size_t n_heard = tokens.size() - 20;

  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = tokens.size()});
  const auto s = *b.open();
  REQUIRE(b.steer(s, {some_plan(lm)}));
  std::vector<double> sum(lm.shape().model_dim);
  double weight = 0;
  // What was said last counts from the next word on.
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const auto observe = [&](mt::feed_place, mt::layer_index layer, std::span<const float> h) {
      if (layer != mt::layer_index(1) || i < n_heard) return;
      weight = weight * 0.8 + 1;
      for (std::size_t e = 0; e < sum.size(); ++e) {
        sum[e] = sum[e] * 0.8 + static_cast<double>(h[e]);
      }
    };
    const mt::feed word{s, tokens.subspan(i, 1), 1};
    REQUIRE(b.evaluate(here, std::span(&word, 1), observe));
  }
  const auto state = alone.t.stage.recent_state(alone.m);
  REQUIRE(state.size() == sum.size());
  for (std::size_t e = 0; e < sum.size(); ++e) {
    CHECK(static_cast<double>(state[e]) == doctest::Approx(sum[e] / weight).epsilon(1e-4));
  }
}

TEST_CASE("A keeper turns the dial until words read as they should, and says when they do not") {
  const auto lm = tiny_model();
  const auto axis = axis_of_mood(lm);
  const auto reads = [&](npc::keeper by, float dial, std::size_t& n_events) {
    lone_mind kept(
        lm, exact({.n_minds = 1}),
        {.persona = {.what = moody_plan(lm), .dials = {dial}}, .voice = voice(), .kept = by}, 90);
    n_events = 0;
    for (const auto& e : take_all(kept.t.stage).others) {
      if (e.what == npc::event_kind::strayed || e.what == npc::event_kind::returned) ++n_events;
    }
    return *npc::reading(kept.t.stage, kept.m, axis);
  };
  std::size_t n_events = 0;
  const double without = reads({}, 0, n_events), fully = reads({}, 1, n_events);
  CHECK(n_events == 0);
  REQUIRE(without < 1.5);
  REQUIRE(fully > 3);
  const double from_below = reads({0}, 0, n_events);
  CHECK(n_events > 0);
  const double from_above = reads({0}, 1, n_events);
  for (const double x : {from_below, from_above}) CHECK(x == doctest::Approx(2.1).epsilon(0.25));
}

TEST_CASE("The dial of a keeper is not the game's, and survives another persona") {
  const auto lm = tiny_model();
  lone_mind kept(lm, exact({.n_minds = 1}),
                 {.persona = {.what = moody_plan(lm)}, .voice = voice(), .kept = {0}}, 30);
  const float stands = kept.t.stage.dial(kept.m, 0);
  CHECK(stands > 0);
  CHECK(kept.t.stage.set_mood(kept.m, 0, 0.5f).error().code == mt::errc::invalid_argument);
  CHECK(kept.t.stage.set_mood(kept.m, 1, 0.5f));
  CHECK(kept.t.stage.swap_persona(kept.m, {some_plan(lm)}, mt::memory::keep).error().code ==
        mt::errc::invalid_argument);
  const auto other = *st::compile(
      st::over_time(st::dial(0), st::add(random_persona(lm.space(), 7), st::in_raw_units(0.5f))));
  REQUIRE(kept.t.stage.swap_persona(kept.m, {other}, mt::memory::keep));
  CHECK(kept.t.stage.dial(kept.m, 0) == stands);
}

TEST_CASE("What was thought under a mood stays so when it is computed again") {
  const auto lm = tiny_model();
  const auto says = [&](bool rests) {
    lone_mind m(lm, exact({.n_minds = 1}), {.persona = {.what = moody_plan(lm)}, .voice = voice()},
                0);
    for (const float mood : {0.0f, 1.0f, 0.3f}) {
      REQUIRE(m.t.stage.set_mood(m.m, 0, mood));
      m.speak(6);
      if (!rests) continue;
      REQUIRE(m.t.stage.rest(m.m));
      CHECK(m.t.stage.doing(m.m) == npc::activity::dormant);
    }
    m.speak(20);
    return ids(m.t.stage.tokens(m.m));
  };
  CHECK(says(true) == says(false));
}

TEST_CASE("A mind that was saved is as patiently kept as before") {
  const auto lm = tiny_model();
  npc::keeping patient = some_keeping(lm);
  patient.patience = 14;
  const auto kept_dial = [&](bool is_saved) {
    theater first(lm, exact({.n_minds = 1})), second(lm, exact({.n_minds = 1}));
    mt::inline_executor here;
    const auto by = *first.stage.add_keeper(patient);
    REQUIRE(second.stage.add_keeper(patient));
    const auto plan = moody_plan(lm);
    const auto m = *first.stage.enter({.persona = {plan}, .voice = voice(), .kept = by});
    REQUIRE(first.stage.hear(m, "one day"));
    REQUIRE(first.stage.say(m, {.max_tokens = 10, .one_line = false}));
    REQUIRE(first.stage.finish(here) == npc::stage_status::idle);
    take_all(first.stage);
    npc::stage& s = is_saved ? second.stage : first.stage;
    if (is_saved) {
      std::vector<std::byte> bytes(npc::snapshot_bytes(first.stage));
      REQUIRE(npc::save(first.stage, bytes));
      REQUIRE(npc::load(s, bytes,
                        [&](mt::fingerprint id) { return id == plan.id() ? &plan : nullptr; }));
    }
    CHECK(s.dial(m, 0) == 0);
    REQUIRE(s.say(m, {.max_tokens = 9, .one_line = false}));
    REQUIRE(s.finish(here) == npc::stage_status::idle);
    return s.dial(m, 0);
  };
  const float wanted = kept_dial(false);
  CHECK(wanted > 0);
  CHECK(kept_dial(true) == wanted);
}

TEST_CASE("Axes that cannot be read there, and keepers that cannot be, are refused") {
  const auto lm = tiny_model();
  const auto other = tiny_model({.seed = 2});
  theater blind(lm, {.n_minds = 1});
  CHECK(blind.stage.add_keeper(some_keeping(lm)).error().code == mt::errc::invalid_argument);
  lone_mind seen(lm, exact({.n_minds = 1}), {.voice = voice()}, 0);
  npc::stage& s = seen.t.stage;
  auto k = some_keeping(lm);
  k.axis = axis_of_mood(lm, 2);
  CHECK(s.add_keeper(k).error().code == mt::errc::invalid_argument);
  k.axis = axis_of_mood(other);
  CHECK(s.add_keeper(k).error().code == mt::errc::space_mismatch);
  k = some_keeping(lm);
  k.low = 3;
  CHECK_FALSE(s.add_keeper(k));
  k = some_keeping(lm);
  k.gain = std::nan("");
  CHECK_FALSE(s.add_keeper(k));
  k = some_keeping(lm);
  k.dial = st::max_dials;
  CHECK_FALSE(s.add_keeper(k));
  CHECK_FALSE(s.enter({.kept = {7}}));
  // A keeper whose dial turns nothing.
  CHECK_FALSE(s.enter({.kept = {0}}));
  CHECK_FALSE(s.enter({.persona = {some_plan(lm)}, .kept = {0}}));
  k = some_keeping(lm);
  k.axis = {};
  CHECK(s.add_keeper(k).error().found == "none");

  const auto axis = axis_of_mood(lm);
  CHECK(npc::reading(s, seen.m, axis).error().code == mt::errc::not_found);
  seen.speak(3);
  CHECK(npc::reading(s, seen.m, axis));
  CHECK_FALSE(npc::reading(s, {}, axis));
  CHECK_FALSE(npc::reading(s, seen.m, axis_of_mood(lm, 2)));
  CHECK(npc::reading(s, seen.m, axis_of_mood(other)).error().code == mt::errc::space_mismatch);
}

TEST_CASE("The goal that a mind's words are nearest to can be seen") {
  const auto lm = tiny_model();
  const std::size_t width = lm.shape().model_dim;
  lone_mind acts(lm, exact({.n_minds = 1}), {.voice = voice()}, 20);
  const auto state = acts.t.stage.recent_state(acts.m);
  mt::goal_rows rows{mt::layer_index(1), width, {}};
  for (std::size_t g = 0; g < 3; ++g) {
    for (std::size_t e = 0; e < width; ++e) {
      // The second is what it says; the others are elsewhere.
      rows.values.push_back(g == 1 ? state[e] : state[(e + 3 * g + 1) % width]);
    }
  }
  const std::vector<mt::goal> goals{{"flee", "to flee", {}}, {"eat", "", {}}, {"rest", "", {}}};
  const auto inference = mt::goal_inference::of_statements(goals, rows);
  REQUIRE(inference);
  const auto guess = npc::inferred_goal(acts.t.stage, acts.m, *inference);
  REQUIRE(guess);
  CHECK(guess->goal == 1);
  CHECK(guess->probability == guess->all[1]);
  CHECK(guess->all[0] + guess->all[1] + guess->all[2] == doctest::Approx(1));
  rows.layer = mt::layer_index(0);
  CHECK_FALSE(
      npc::inferred_goal(acts.t.stage, acts.m, *mt::goal_inference::of_statements(goals, rows)));
}

TEST_CASE("What is pinned is not forgotten: the mind goes on as if it had read that and the rest") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  theater t(lm, exact({.n_minds = 2}));
  npc::stage& s = t.stage;
  const auto m = *s.enter({.voice = voice()}), fresh = *s.enter({.voice = voice()});
  REQUIRE(s.hear(m, "i am a fox"));
  REQUIRE(s.pin(m));
  const auto pinned = ids(s.tokens(m));
  REQUIRE(s.hear(m, " and nobody told me so far. but"));
  REQUIRE(s.finish(here) == npc::stage_status::idle);
  const auto whole = ids(s.tokens(m));
  REQUIRE(s.forget(m, 4));
  std::vector<std::uint32_t> wanted = pinned;
  wanted.insert(wanted.end(), whole.end() - 4, whole.end());
  CHECK(ids(s.tokens(m)) == wanted);
  // Nothing is left to be dropped.
  REQUIRE(s.forget(m, 4));
  CHECK(ids(s.tokens(m)) == wanted);
  const std::vector<mt::token_id> left(s.tokens(m).begin(), s.tokens(m).end());
  REQUIRE(s.hear(fresh, left));
  const std::string_view actions[] = {" runs", " waits"};
  REQUIRE(s.ask_action(m, actions));
  REQUIRE(s.ask_action(fresh, actions));
  REQUIRE(s.finish(here) == npc::stage_status::idle);
  std::vector<float> p;
  for (const auto& e : take_all(s).others) {
    p.push_back(e.action == 0 ? e.probability : 1 - e.probability);
  }
  REQUIRE(p.size() == 2);
  CHECK(p[0] == doctest::Approx(p[1]).epsilon(1e-6));
}

}  // namespace
