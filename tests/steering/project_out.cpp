// SPDX-License-Identifier: MIT

#include "reference.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {}

TEST_CASE("what is projected out is gone, whatever directions span the subspace") {
  const auto p = random_persona(small_space, 1);
  const auto q = random_persona(small_space, 2);
  const auto sub = *mt::subspace::spanned_by(p, q);
  const auto plan = *st::compile(st::project_out(sub));
  const auto same = *st::compile(st::project_out(*mt::subspace::spanned_by(q, p - 2 * q)));
  const auto h = random_row(small_space.model_dim, 3, 5.0f);
  for (std::size_t l = 0; l < small_space.n_layers; ++l) {
    const auto out = steered(plan, l, h);
    CHECK(std::abs(along(out, unit_of(row_of(p, l)))) < 1e-5);
    CHECK(std::abs(along(out, unit_of(row_of(q, l)))) < 1e-5);
    const auto again = steered(plan, l, out);
    const auto other = steered(same, l, h);
    for (std::size_t i = 0; i < h.size(); ++i) {
      CHECK(std::abs(again[i] - out[i]) < 1e-5f);
      CHECK(std::abs(other[i] - out[i]) < 1e-5f);
    }
  }
}

TEST_CASE("one-sided, it removes what points along the direction and keeps what points against") {
  const auto u = unit_persona(small_space, 1);
  const auto plan = *st::compile(st::project_out(u, st::side::positive));
  const row d = row_of(u, 2);
  auto h = random_row(small_space.model_dim, 3);
  const double x = along(h, d);
  for (std::size_t i = 0; i < h.size(); ++i) {
    h[i] += static_cast<float>((2 - x) * d[i]);  // reads +2 now
  }
  CHECK(std::abs(along(steered(plan, 2, h), d)) < 1e-5);
  for (std::size_t i = 0; i < h.size(); ++i) h[i] -= static_cast<float>(4 * d[i]);
  CHECK(steered(plan, 2, h) == h);
  CHECK(plan.id() != st::compile(st::project_out(u))->id());
}

TEST_CASE("a subspace that is moved in lives in the operator") {
  const auto p = random_persona(small_space, 1);
  const auto op = st::project_out(*mt::subspace::spanned_by(p));
  const auto plan = *st::compile(op);
  const auto out = steered(plan, 1, random_row(small_space.model_dim, 3));
  CHECK(std::abs(along(out, unit_of(row_of(p, 1)))) < 1e-5);
  CHECK(plan.label() == "project_out(rank 1)");
}

TEST_CASE("a direction to project on must have unit length where it has any") {
  const auto u = unit_persona(small_space, 1);
  const auto refused = st::compile(st::project_out(1.01f * u));
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::invalid_argument);
  CHECK(refused.error().message().find("length 1.01") != std::string::npos);
  CHECK(st::compile(st::project_out(random_persona(small_space, 1))).error().code ==
        mt::errc::invalid_argument);
  CHECK(st::compile(st::project_out(1.0002f * u)).has_value());  // as after rounding to 16 bits
  // Zeros are no direction, and nothing happens there.
  const auto some = *st::compile(st::project_out(u | mt::only_layers(1, 1)));
  const auto h = random_row(small_space.model_dim, 3);
  CHECK(steered(some, 0, h) == h);
  CHECK(steered(some, 1, h) != h);
  CHECK(st::compile(st::project_out(mt::zero_persona + (u - u)))->is_neutral());
}
