// SPDX-License-Identifier: MIT
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/npc/snapshot.hpp>

#include "../support/allocation_counter.hpp"
#include "../support/mutate.hpp"
#include "small_play.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace multitudes_test;

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
  // So small that keys and values are not most of the bytes.
  const auto lm = tiny_model({.n_layers = 2, .model_dim = 16, .n_heads = 2, .n_kv_heads = 1});
  const cast who(lm);
  mt::inline_executor here;
  const npc::stage_options o = exact({.n_minds = 6, .max_actions = 3, .max_rows = 5});
  for (const auto what : {npc::contents::thoughts, npc::contents::everything}) {
    theater t(lm, o);
    static_cast<void>(act(t.stage, who));
    ticking clock;
    for (std::size_t i = 0; i < 400; ++i) static_cast<void>(t.stage.step(clock, clock.now, here));
    take_all(t.stage);
    const auto whole = saved(t.stage, what);
    theater own(lm, o);
    know_rules(own.stage);
    auto before = saved(own.stage, what);
    mt::philox random(1);
    int n_refused = 0, n_taken = 0;
    std::size_t largest = 0;
    for (int i = 0; i < mutant_count(); ++i) {
      auto bytes = mutate(whole, random);
      if (random.below(8) != 0 && bytes.size() > npc::detail::seal_bytes) {
        // With a seal that fits, so that what lies behind it is read.
        npc::detail::seal(bytes, npc::detail::snapshot_kind, lm);
      }
      const allocation_counter counter;
      const auto outcome = npc::load(own.stage, bytes, who);
      if (!outcome) {
        largest = std::max(largest, counter.largest());
        ++n_refused;
        if (i % 64 == 0) CHECK(saved(own.stage, what) == before);
        continue;
      }
      // What is taken must be possible: it can be played on.
      if (++n_taken % 16 == 0) {
        for (std::size_t k = 0; k < 40; ++k) {
          static_cast<void>(own.stage.step(clock, clock.now, here));
        }
        take_all(own.stage);
      }
      before = saved(own.stage, what);
    }
    CHECK(n_refused > n_taken);
    CHECK(n_taken > 0);
    // No number in them asks for more memory than there are bytes, and minds.
    CHECK(largest <= 4 * whole.size() + o.n_minds * sizeof(npc::detail::thought));
  }
}

}  // namespace
