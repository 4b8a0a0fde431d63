// SPDX-License-Identifier: MIT

#include "reference.hpp"

#include <multitudes/steering/attachment.hpp>

#include <doctest/doctest.h>

#include <limits>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {

st::plan some_plan() {
  return *st::compile(random_persona(small_space, 1), st::in_raw_units(1.0f));
}
st::plan timed_plan() {
  const auto p = random_persona(small_space, 1);
  return *st::compile(st::over_time(st::decay(8), st::add(p, st::in_raw_units(1.0f))));
}

}  // namespace

TEST_CASE("an attachment is in force inside its span and nowhere else") {
  const st::attachment a{some_plan(), {mt::position(3), mt::position(5)}};
  CHECK(a.at(mt::position(2)) == nullptr);
  CHECK(a.at(mt::position(3)) == &a.what);
  CHECK(a.at(mt::position(4)) == &a.what);
  CHECK(a.at(mt::position(5)) == nullptr);
  CHECK(st::attachment{}.at(mt::position(0)) == nullptr);
  const st::attachment late{some_plan(), st::from(mt::position(7))};
  CHECK(late.at(mt::position(6)) == nullptr);
  CHECK(late.at(mt::position(7000)) == &late.what);
}

TEST_CASE("prompt and answer are told apart by how their tokens came in") {
  const st::attachment prompt{some_plan(), st::prompt_only()};
  const st::attachment answer{some_plan(), st::answer_only()};
  CHECK(prompt.at(mt::position(2), st::token_source::read) != nullptr);
  CHECK(prompt.at(mt::position(2), st::token_source::written) == nullptr);
  CHECK(answer.at(mt::position(2), st::token_source::read) == nullptr);
  CHECK(answer.at(mt::position(2), st::token_source::written) != nullptr);
}

TEST_CASE("nothing is in force before the origin of time") {
  const st::attachment a{timed_plan(), {}, mt::position(4)};
  CHECK(a.at(mt::position(3)) == nullptr);
  CHECK(a.at(mt::position(4)) != nullptr);
}

TEST_CASE("what is remembered depends on the beginning only if there are envelopes") {
  const st::attachment plain{some_plan()};
  CHECK(plain.id(mt::position(0)) == plain.what.id());
  CHECK(plain.id(mt::position(9)) == plain.what.id());
  const st::attachment timed{timed_plan()};
  CHECK(timed.id(mt::position(0)) == timed.id(mt::position(0)));
  CHECK(timed.id(mt::position(0)) != timed.id(mt::position(9)));
}

TEST_CASE("dials outside of 0 to 1 are refused, and are part of what is remembered") {
  const auto plan = *st::compile(
      st::over_time(st::dial(2), st::add(random_persona(small_space, 1), st::in_raw_units(1.0f))));
  st::attachment a{plan};
  CHECK(plan.has_dials());
  CHECK_FALSE(some_plan().has_dials());
  CHECK(a.check());
  const auto off = a.id(mt::position(0));
  a.dials[2] = 0.5f;
  CHECK(a.id(mt::position(0)) != off);
  CHECK(a.begin(mt::position(4), mt::position(1)).doses[1] == 0.5f);
  a.dials[2] = 1.5f;
  CHECK_FALSE(a.check());
  a.dials[2] = std::numeric_limits<float>::quiet_NaN();
  CHECK_FALSE(a.check());
}
