// SPDX-License-Identifier: MIT

#include "reference.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {}

TEST_CASE("a quarter turn takes the first direction to the second's side, and keeps the norm") {
  const auto p = random_persona(small_space, 1);
  const auto q = random_persona(small_space, 2);
  const auto plan = *st::compile(st::rotate(p, q, st::in_degrees(90)));
  const auto plane = orthonormal({row_of(p, 1), row_of(q, 1)});
  const auto h = random_row(small_space.model_dim, 3, 4.0f);
  const auto turned = steered(plan, 1, h);
  CHECK(along(turned, plane[1]) == doctest::Approx(along(h, plane[0])).epsilon(1e-5));
  CHECK(along(turned, plane[0]) == doctest::Approx(-along(h, plane[1])).epsilon(1e-5));
  const row before(h.begin(), h.end());
  const row after(turned.begin(), turned.end());
  CHECK(inner(after, after) == doctest::Approx(inner(before, before)).epsilon(1e-6));
}

TEST_CASE("turning there and back, or by nothing, is nothing") {
  const auto p = random_persona(small_space, 1);
  const auto q = random_persona(small_space, 2);
  const auto h = random_row(small_space.model_dim, 3, 4.0f);
  const auto both =
      *st::compile(st::rotate(p, q, st::in_radians(0.7)) | st::rotate(p, q, st::in_radians(-0.7)));
  const auto out = steered(both, 1, h);
  for (std::size_t i = 0; i < h.size(); ++i) CHECK(std::abs(out[i] - h[i]) < 1e-5f);
  CHECK(st::compile(st::rotate(p, q, st::in_degrees(0)))->is_neutral());
}

TEST_CASE("lengths of the two directions do not matter, and a layer without either is left alone") {
  const auto p = random_persona(small_space, 1);
  const auto q = random_persona(small_space, 2);
  const auto h = random_row(small_space.model_dim, 3, 4.0f);
  const auto out = steered(*st::compile(st::rotate(p, q, st::in_radians(0.7))), 1, h);
  const auto same = steered(*st::compile(st::rotate(3 * p, 0.1 * q, st::in_radians(0.7))), 1, h);
  for (std::size_t i = 0; i < h.size(); ++i) CHECK(std::abs(out[i] - same[i]) < 1e-5f);
  const auto some = *st::compile(st::rotate(p | mt::only_layers(2, 3), q, st::in_radians(0.7)));
  CHECK(steered(some, 1, h) == h);
  CHECK(steered(some, 2, h) != h);
}

TEST_CASE("an angle that is no number and directions of one line are refused") {
  const auto p = random_persona(small_space, 1);
  const auto q = random_persona(small_space, 2);
  for (const double bad :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(st::compile(st::rotate(p, q, st::in_radians(bad))).error().code == mt::errc::non_finite);
  }
  CHECK(st::compile(st::rotate(p, -2 * p, st::in_degrees(5))).error().code ==
        mt::errc::zero_direction);
}
