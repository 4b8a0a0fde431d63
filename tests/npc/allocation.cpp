// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/npc/stage.hpp>

#include "../support/allocation_counter.hpp"
#include "../support/long_run.hpp"
#include "theater.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace multitudes_test;

/// A game in which much happens and little fits: minds come, hear, speak (some under rules),
/// choose, change moods and personas, forget, rest and leave.
struct crowded_level {
  explicit crowded_level(const mt::language_model& lm)
      : plans{some_plan(lm, 1), some_plan(lm, 2), moody_plan(lm)},
        t(lm, exact({.n_minds = 6,
                     .n_lores = 1,
                     .max_actions = 3,
                     .context = 150,
                     .max_rows = 6,
                     .n_pages = 9,
                     .n_events = 64})) {
    known = *t.stage.tell("it is dark in the tavern and nobody has paid");
    kept = *t.stage.add_keeper(some_keeping(lm));
    answer = *t.stage.add_rules(*mt::grammar::parse("root ::= ([a-z ]+ [.!])+"));
  }
  [[nodiscard]] bool is_here(npc::mind m) const { return t.stage.doing(m) != npc::activity::gone; }
  void come() {
    const bool is_kept = random.below(3) == 0;
    const auto m = t.stage.enter({.persona = {plans[is_kept ? 2 : random.below(3)]},
                                  .voice = voice(random()),
                                  .knows = random.below(2) == 0 ? known : npc::lore{},
                                  .kept = is_kept ? kept : npc::keeper{}});
    if (!m) return;
    minds.push_back(*m);
    REQUIRE(t.stage.hear(*m, "who goes there"));
    ++n_done[0];
  }
  /// What a game might do in a frame; some of it is refused.
  void act() {
    minds.erase(
        std::remove_if(minds.begin(), minds.end(), [&](npc::mind m) { return !is_here(m); }),
        minds.end());
    if (minds.size() < 3) return come();
    const npc::mind m = minds[random.below(static_cast<std::uint32_t>(minds.size()))];
    npc::stage& s = t.stage;
    const std::uint32_t what = random.below(12);
    switch (what) {
      case 0: return come();
      case 1:
      case 2: n_done[what] += s.hear(minds, "oh! no. and then").has_value(); break;
      case 3:
      case 4:
        n_done[what] += s.say(m, {.max_tokens = 3 + random.below(40),
                                  .one_line = false,
                                  .under = random.below(3) == 0 ? answer : npc::rules{}})
                            .has_value();
        break;
      case 5: {
        const std::string_view actions[] = {" runs", " hides under the table", " waits"};
        n_done[what] += s.ask_action(m, actions).has_value();
        break;
      }
      case 6: n_done[what] += s.cancel(m).has_value(); break;
      case 7:
        n_done[what] += s.swap_persona(m, {plans[random.below(3)]},
                                       random.below(3) == 0 ? mt::memory::replay : mt::memory::keep)
                            .has_value();
        break;
      case 8: n_done[what] += s.room(m) < 60 && s.forget(m, 20).has_value(); break;
      case 9: n_done[what] += random.below(3) == 0 && s.rest(m).has_value(); break;
      case 10: n_done[what] += s.set_mood(m, 0, random.uniform()).has_value(); break;
      default:
        if (random.below(40) != 0) break;
        s.leave(m);
        ++n_done[what];
    }
  }

  std::array<st::plan, 3> plans;
  theater t;
  npc::lore known;
  npc::rules answer;
  npc::keeper kept;
  std::vector<npc::mind> minds;
  mt::philox random{11};
  std::array<std::size_t, 12> n_done{};  // by what `act` did
};

TEST_CASE("No step allocates, whatever minds do, and starved stages go on when minds leave") {
  const auto lm = tiny_model({.n_layers = 2, .model_dim = 16, .n_heads = 2, .n_kv_heads = 1});
  mt::inline_executor here;
  crowded_level level(lm);
  npc::stage& s = level.t.stage;
  ticking clock;
  std::array<std::size_t, 4> n_seen{};    // by status
  std::array<std::size_t, 8> n_events{};  // by kind
  std::size_t n_allocating = 0;
  const auto step = [&](nanoseconds time) {
    const allocation_counter counter;
    const auto status = s.step(clock, clock.now + time, here);
    n_allocating += counter.allocations() > 0;
    ++n_seen[static_cast<std::size_t>(status)];
    return status;
  };
  const int n_steps = sample_count(20'000, 100'000);
  for (int i = 0; i < n_steps; ++i) {
    auto status = step(nanoseconds(100 * level.random.below(30)));
    // Sometimes they wait until there is no room for more.
    if (status == npc::stage_status::unread_events || level.random.below(50) == 0) {
      while (const auto e = s.take_event()) ++n_events[static_cast<std::size_t>(e->what)];
    }
    if (status == npc::stage_status::starved && level.random.below(2) == 0) {
      for (; status == npc::stage_status::starved && !level.minds.empty(); level.minds.pop_back()) {
        s.leave(level.minds.back());
        status = step(nanoseconds(0));
      }
      CHECK(status != npc::stage_status::starved);
    }
    if (level.random.below(8) == 0) level.act();
  }
  CHECK(n_allocating == 0);
  // All of it happened, many times.
  for (const std::size_t n : n_seen) CHECK(n > 0);
  for (const auto what : {npc::event_kind::said, npc::event_kind::sentence, npc::event_kind::chose,
                          npc::event_kind::finished}) {
    CHECK(n_events[static_cast<std::size_t>(what)] > 10);
  }
  CHECK(n_seen[static_cast<std::size_t>(npc::stage_status::starved)] > 20);
  CHECK(s.totals().words > 1000);
  for (const std::size_t n : level.n_done) CHECK(n > 0);
}

}  // namespace
