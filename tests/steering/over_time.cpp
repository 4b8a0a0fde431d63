// SPDX-License-Identifier: MIT

#include "reference.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {

double reading(const st::plan& plan, std::uint32_t age, const row& d) {
  std::vector<float> h(small_space.model_dim, 0.0f);
  auto state = plan.begin(age);
  plan.apply(mt::layer_index(1), h, state);
  return along(h, d);
}

}  // namespace

TEST_CASE("an addition follows its envelope, and nested envelopes multiply") {
  const auto u = unit_persona(small_space, 1);
  const auto push = st::add(u, st::in_raw_units(8.0f));
  const row d = row_of(u, 1);
  const auto plan = *st::compile(st::over_time(st::fade_in(4), push));
  CHECK(reading(plan, 0, d) == doctest::Approx(2));
  CHECK(reading(plan, 3, d) == doctest::Approx(8));
  const auto nested =
      *st::compile(st::over_time(st::fade_in(4), st::over_time(st::decay(1), push), push));
  CHECK(reading(nested, 1, d) == doctest::Approx(0.5 * 0.5 * 8 + 0.5 * 8));
  const auto over = *st::compile(st::over_time(st::until(3), push));
  CHECK(reading(over, 2, d) == doctest::Approx(8));
  CHECK(reading(over, 3, d) == 0);
}

TEST_CASE("a rotation in part keeps the norm") {
  const auto u = unit_persona(small_space, 1);
  const auto v = unit_persona(small_space, 2);
  const auto plan =
      *st::compile(st::over_time(st::fade_in(4), st::rotate(u, v, st::in_degrees(80))));
  const auto h = random_row(small_space.model_dim, 3);
  auto turned = h;
  auto state = plan.begin(1);
  plan.apply(mt::layer_index(1), turned, state);
  const row before(h.begin(), h.end());
  const row after(turned.begin(), turned.end());
  CHECK(after != before);
  CHECK(inner(after, after) == doctest::Approx(inner(before, before)).epsilon(1e-6));
}

TEST_CASE("envelopes are part of a plan's identity") {
  const auto u = unit_persona(small_space, 1);
  const auto push = st::add(u, st::in_raw_units(8.0f));
  const auto id = [&](const st::envelope& e) { return st::compile(st::over_time(e, push))->id(); };
  CHECK(id(st::fade_in(4)) == id(st::fade_in(4)));
  CHECK(id(st::fade_in(4)) != id(st::fade_in(5)));
  CHECK(id(st::decay(4)) != id(st::decay(5)));
  CHECK(id(st::hold(4)) != id(st::until(4)));
  CHECK(id(st::hold(4)) != st::compile(push)->id());
  CHECK(st::compile(st::over_time(st::hold(4), push))->has_envelopes());
  CHECK(!st::compile(push)->has_envelopes());
}

TEST_CASE("a bad envelope and more envelopes than a plan holds are refused") {
  const auto u = unit_persona(small_space, 1);
  const auto push = st::add(u, st::in_raw_units(8.0f));
  CHECK(st::compile(st::over_time(st::decay(-1), push)).error().code == mt::errc::invalid_argument);
  const auto timed = [&](std::uint32_t n) { return st::over_time(st::hold(n), push); };
  const auto seven = timed(1) | timed(2) | timed(3) | timed(4) | timed(5) | timed(6) | timed(7);
  CHECK(st::compile(seven | timed(7)).has_value());
  CHECK(st::compile(seven | timed(8)).error().place == "envelopes");
}
