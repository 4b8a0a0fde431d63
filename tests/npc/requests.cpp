// SPDX-License-Identifier: MIT
#include <multitudes/npc/stage.hpp>

#include "theater.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace multitudes_test;

TEST_CASE("What would do nothing is an error, and does nothing") {
  const auto lm = tiny_model();
  theater t(lm, exact({.n_minds = 2, .n_lores = 1}));
  npc::stage& s = t.stage;
  CHECK(s.tell("").error().code == mt::errc::invalid_argument);
  CHECK(s.tell(std::string(400, 'a')).error().found == "402 tokens");
  CHECK(s.tell("it is dark"));
  CHECK(s.tell("it is dark").error().found == "1 lores");
  const auto plain = *s.enter({}), steered = *s.enter({.persona = {some_plan(lm)}});
  CHECK(s.set_mood(plain, 0, 0.5f).error().found == "no persona");
  CHECK(s.set_mood(steered, 0, 0.5f).error().code == mt::errc::invalid_argument);
  CHECK(s.hear(plain, std::string(5000, 'a')).error().remedy.starts_with("shorten"));
  CHECK(s.tokens(plain).empty());

  npc::stage_options o = exact({.n_minds = 1});
  o.watched = mt::layer_index(lm.shape().n_layers);
  std::vector<std::byte> memory(100);
  CHECK(npc::stage::make(lm, o, memory).error().place == "watched");
  o.watched = {};
  const auto small = npc::stage::make(lm, o, memory);
  REQUIRE_FALSE(small);
  CHECK(small.error().expected == std::to_string(*npc::stage::required_bytes(lm, o)));
}

TEST_CASE("Actions may be written where they are asked for") {
  const auto lm = tiny_model();
  mt::inline_executor here;
  theater t(lm, exact({.n_minds = 1}));
  npc::stage& s = t.stage;
  const auto m = *s.enter({.voice = voice()});
  REQUIRE(s.hear(m, "who goes there"));
  // Two literals once made a pair of iterators.
  REQUIRE(s.ask_action(m, {" runs", " waits"}));
  REQUIRE(s.finish(here) == npc::stage_status::idle);
  const auto chosen = take_all(s).others;
  REQUIRE(chosen.size() == 1);
  CHECK(chosen[0].what == npc::event_kind::chose);
  CHECK(chosen[0].action < 2);
}

}  // namespace
