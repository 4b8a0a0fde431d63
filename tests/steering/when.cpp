// SPDX-License-Identifier: MIT

#include "reference.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {

/// A row that reads `x` along `d`.
std::vector<float> row_that_reads(double x, const row& d) {
  auto h = random_row(d.size(), 3);
  const double now = along(h, d);
  for (std::size_t i = 0; i < h.size(); ++i) h[i] += static_cast<float>((x - now) * d[i]);
  return h;
}

}  // namespace

TEST_CASE("a gate opens for rows on its side of the bound") {
  const auto u = unit_persona(small_space, 1);
  const auto p = random_persona(small_space, 2);
  const auto push = st::add(p, st::in_raw_units(1));
  const row d = row_of(u, 2);
  const auto acts = [&](const auto& op, double x) {
    const auto h = row_that_reads(x, d);
    return steered(*st::compile(op), 2, h) != h;
  };
  const auto raw = [](float x) { return st::in_raw_units(x); };
  CHECK(acts(st::when(st::above(u, raw(0.5f)), push), 0.6));
  CHECK(!acts(st::when(st::above(u, raw(0.5f)), push), 0.4));
  CHECK(!acts(st::when(st::below(u, raw(0.5f)), push), 0.6));
  CHECK(acts(st::when(st::below(u, raw(0.5f)), push), 0.4));
  CHECK(acts(st::when(st::between(u, raw(0), raw(1)), push), 0.5));
  CHECK(!acts(st::when(st::between(u, raw(0), raw(1)), push), 1.5));
  CHECK(!acts(st::when(st::between(u, raw(0), raw(1)), push), -0.5));
}

TEST_CASE("a condition sees what stands before it and not what it guards") {
  const auto u = unit_persona(small_space, 1);
  const auto push = st::add(u, st::in_raw_units(2));
  const row d = row_of(u, 2);
  const auto h = row_that_reads(0, d);
  const auto open = st::above(u, st::in_raw_units(1));
  CHECK(along(steered(*st::compile(push | st::when(open, push)), 2, h), d) == doctest::Approx(4));
  CHECK(along(steered(*st::compile(st::when(open, push) | push), 2, h), d) == doctest::Approx(2));
  // Both guarded operators, although the first brings the projection below the bound.
  const auto high = row_that_reads(3, d);
  const auto away = st::add(u, st::in_raw_units(-4));
  CHECK(along(steered(*st::compile(st::when(open, away, away)), 2, high), d) ==
        doctest::Approx(-5));
}

TEST_CASE("a condition of one layer holds for the later ones of the same token") {
  const auto u = unit_persona(small_space, 1);
  const auto p = random_persona(small_space, 2);
  const auto plan = *st::compile(st::when(st::above(u, st::in_raw_units(1)).at(mt::layer_index(1)),
                                          st::add(p | mt::only_layers(2, 3), st::in_raw_units(1))));
  for (const double x : {0.5, 1.5}) {
    auto state = plan.begin(0);
    for (std::size_t l = 0; l < small_space.n_layers; ++l) {
      const auto before = row_that_reads(l == 1 ? x : 5 - x, row_of(u, l));
      auto h = before;
      plan.apply(mt::layer_index(l), h, state);
      CHECK((h != before) == (l >= 2 && x > 1));
    }
  }
}

TEST_CASE("a gate in a gate needs both, and each is looked at for itself") {
  const auto u = unit_persona(small_space, 1);
  const auto v = unit_persona(small_space, 2);
  const auto p = random_persona(small_space, 3);
  const auto zero = st::in_raw_units(0);
  const auto plan = *st::compile(st::when(
      st::above(u, zero), st::when(st::above(v, zero).at(mt::layer_index(0)),
                                   st::add(p | mt::only_layers(1, 1), st::in_raw_units(1)))));
  for (const double first : {-1.0, 1.0}) {
    for (const double second : {-1.0, 1.0}) {
      auto state = plan.begin(0);
      auto h = row_that_reads(first, row_of(v, 0));
      const double closed_at_first = along(h, row_of(u, 0));  // either sign: it does not matter
      CAPTURE(closed_at_first);
      plan.apply(mt::layer_index(0), h, state);
      const auto before = row_that_reads(second, row_of(u, 1));
      h = before;
      plan.apply(mt::layer_index(1), h, state);
      CHECK((h != before) == (first > 0 && second > 0));
    }
  }
}

TEST_CASE("on a learned axis the bound is a reading and the layer the axis' own") {
  const auto u = unit_persona(small_space, 1);
  const auto values = u.direction().row(mt::layer_index(1));
  const mt::reading_axis axis{
      "kind", small_space, mt::layer_index(1), {values.begin(), values.end()}, 3, -0.5};
  const auto p = random_persona(small_space, 2);
  const auto push = st::add(p | mt::only_layers(1, 3), st::in_raw_units(1));
  const auto plan = *st::compile(st::when(st::above(axis, 0.0), push));
  for (const double x : {2.0, 4.0}) {
    auto state = plan.begin(0);
    auto h = row_that_reads(x, row_of(u, 1));
    const bool open = axis.read(h) > 0;
    CHECK(open == (x < 3));
    const auto before = h;
    plan.apply(mt::layer_index(1), h, state);
    CHECK((h != before) == open);
  }
  CHECK(plan.label() == "when(above(kind, 0).at(1), add(someone | only_layers(1, 3), 1))");
}

TEST_CASE("a condition that is not known where it is needed is refused, and not taken for closed") {
  const auto u = unit_persona(small_space, 1);
  const auto p = random_persona(small_space, 2);
  const auto bound = st::in_raw_units(0);
  const auto push = st::add(p, st::in_raw_units(1));
  const auto refused = [](const auto& op) {
    const auto plan = st::compile(op);
    return plan ? mt::errc::io_failure : plan.error().code;
  };
  // Known from layer 2 on, but it guards layers 0 and 1 as well.
  CHECK(refused(st::when(st::above(u, bound).at(mt::layer_index(2)), push)) ==
        mt::errc::invalid_argument);
  CHECK(refused(st::when(st::above(u, bound).at(mt::layer_index(4)), push)) ==
        mt::errc::invalid_argument);
  CHECK(refused(st::when(st::above(u | mt::only_layers(1, 1), bound), push)) ==
        mt::errc::invalid_argument);
  CHECK(refused(st::when(st::above(u | mt::only_layers(1, 1), bound).at(mt::layer_index(0)),
                         push)) == mt::errc::zero_direction);
  CHECK(refused(st::when(st::above(2 * u, bound), push)) == mt::errc::invalid_argument);
  // Where nothing is guarded, no direction is needed.
  CHECK(st::compile(st::when(st::above(u | mt::only_layers(1, 1), bound),
                             st::add(p | mt::only_layers(1, 1), st::in_raw_units(1))))
            .has_value());
}

TEST_CASE("a plan of nothing but conditions is the neutral plan") {
  const auto u = unit_persona(small_space, 1);
  CHECK(st::compile(st::when(st::above(u, st::in_raw_units(0)).at(mt::layer_index(0)),
                             st::add(u, st::in_raw_units(0))))
            ->is_neutral());
}
