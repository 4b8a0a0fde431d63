// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/snapshot.hpp>

#include "theater.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace multitudes_test {

inline std::vector<std::byte> saved(npc::stage& s, npc::contents what = npc::contents::thoughts) {
  std::vector<std::byte> bytes(npc::snapshot_bytes(s, what));
  const auto n = npc::save(s, bytes, what);
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
inline void know_rules(npc::stage& s) {
  REQUIRE(s.add_keeper(some_keeping(s.lm())));
  REQUIRE(s.add_rules(*mt::grammar::parse("root ::= ([a-z ]+ [.!])+")));
}

/// A scene with a bit of everything in it.
inline std::vector<npc::mind> act(npc::stage& s, const cast& who) {
  know_rules(s);
  const auto known = *s.tell("it is dark in the tavern and nobody has paid");
  std::vector<npc::mind> minds;
  for (std::size_t i = 0; i < 5; ++i) {
    minds.push_back(*s.enter({.persona = {who.plans[i]},
                              .voice = voice(i),
                              .stream = i,
                              .knows = i % 2 == 0 ? known : npc::lore{},
                              .priority = static_cast<float>(i + 1),
                              .kept = i == 3 ? npc::keeper{0} : npc::keeper{}}));
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
inline std::vector<std::vector<std::uint32_t>> go_on(npc::stage& s,
                                                     std::span<const npc::mind> minds,
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

}  // namespace multitudes_test
