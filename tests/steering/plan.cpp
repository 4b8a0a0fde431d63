// SPDX-License-Identifier: MIT

#include "../support/random_persona.hpp"

#include <multitudes/steering/attachment.hpp>
#include <multitudes/steering/plan.hpp>

#include <doctest/doctest.h>

#include <limits>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {
constexpr mt::activation_space space{{7}, mt::hook_point::residual_stream, 4, 19};
}

TEST_CASE("a plan adds strength times norm times direction, and only where there is one") {
  const auto p = random_persona(space, 1);
  st::residual_norms norms{space, {1.0f, 2.0f, 4.0f, 8.0f}};
  const auto plan = *st::compile(p | mt::only_layers(1, 2), st::in_norms(0.5f), norms);
  for (std::size_t l :
       {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{99}}) {
    const bool steered = l == 1 || l == 2;
    std::vector<float> h(space.model_dim, 3.0f);
    auto state = plan.begin(0);
    plan.apply(mt::layer_index(l), h, state);
    CHECK(plan.at(mt::layer_index(l)).size() == (steered ? space.model_dim : 0));
    for (std::size_t e = 0; e < h.size(); ++e) {
      const float added =
          steered ? p.direction().row(mt::layer_index(l))[e] * (0.5f * norms.typical[l]) : 0.0f;
      CHECK(h[e] == 3.0f + added);
    }
  }
  CHECK(plan.space() == space);
}

TEST_CASE("raw units need no norms; shares of the norm do") {
  const auto p = random_persona(space, 1);
  const auto raw = st::compile(p, st::in_raw_units(2.0f));
  REQUIRE(raw.has_value());
  std::vector<float> h(space.model_dim);
  auto state = raw->begin(0);
  raw->apply(mt::layer_index(1), h, state);
  CHECK(h[3] == 2.0f * p.direction().row(mt::layer_index(1))[3]);
  const auto missing = st::compile(p, st::in_norms(2.0f));
  REQUIRE(!missing.has_value());
  CHECK(missing.error().code == mt::errc::invalid_argument);
  auto other = unit_norms(space);
  other.space.model.value = 8;
  CHECK(st::compile(p, st::in_norms(1.0f), other).error().code == mt::errc::space_mismatch);
}

TEST_CASE("strength 0, the zero persona and p - p are the neutral plan") {
  const auto p = random_persona(space, 1);
  const auto norms = unit_norms(space);
  CHECK(st::compile(p, st::in_norms(0.0f), norms)->is_neutral());
  CHECK(st::compile(p, st::in_norms(-0.0f), norms)->is_neutral());
  CHECK(st::compile(mt::zero_persona, st::in_norms(1.0f), norms)->is_neutral());
  CHECK(st::compile(p - p, st::in_norms(1.0f), norms)->is_neutral());
  CHECK(st::plan{}.id() == mt::fingerprint{});
}

TEST_CASE("plans that add the same have one fingerprint, others another") {
  const auto p = random_persona(space, 1);
  const auto q = random_persona(space, 2);
  const auto id = [&](const auto& x, float s) { return st::compile(x, st::in_raw_units(s))->id(); };
  CHECK(id(p, 2.0f) == id(2.0f * p, 1.0f));
  CHECK(id(p, 2.0f) != id(p, 1.0f));
  CHECK(id(p, 1.0f) != id(q, 1.0f));
  CHECK(id(p | mt::only_layers(1, 1), 1.0f) != id(p | mt::only_layers(2, 2), 1.0f));
  CHECK(id(p, 1.0f) != mt::fingerprint{});
}

TEST_CASE("a strength that is no number or overflows is refused") {
  const auto p = random_persona(space, 1);
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(st::compile(p, st::in_raw_units(infinity)).error().code == mt::errc::non_finite);
  const auto huge = st::compile(p, st::in_raw_units(3e38f));
  REQUIRE(!huge.has_value());
  CHECK(huge.error().code == mt::errc::non_finite);
  CHECK(huge.error().message().find("layer 0") != std::string::npos);
}

TEST_CASE("the same numbers at another layer or in another model are another plan") {
  const auto flat = [](const mt::activation_space& where) {
    const std::vector<float> values(std::size_t{where.n_layers} * where.model_dim, 0.5f);
    return *mt::persona::make("flat", *mt::direction::make(where, values));
  };
  const auto id = [](const auto& x) { return st::compile(x, st::in_raw_units(1.0f))->id(); };
  auto elsewhere = space;
  elsewhere.model.value = 8;
  const auto p = flat(space);
  CHECK(id(p | mt::only_layers(1, 1)) == id(p | mt::only_layers(1, 1)));
  CHECK(id(p | mt::only_layers(1, 1)) != id(p | mt::only_layers(2, 2)));
  CHECK(id(p) != id(flat(elsewhere)));
}

TEST_CASE("a plan carries its operators' text, the neutral one none") {
  const auto p = random_persona(space, 1);
  CHECK(st::compile(p, st::in_raw_units(1.5f))->label() == "add(someone, 1.5)");
  CHECK(st::plan{}.label().empty());
  CHECK(!st::plan{}.space().has_value());
}

TEST_CASE("an unusable strength, too few norms and mixed spaces are refused by name") {
  const auto p = random_persona(space, 1);
  for (const float x :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    const auto refused = st::compile(p, st::in_raw_units(x));
    REQUIRE(!refused.has_value());
    CHECK(refused.error().place == "strength");
  }
  const st::residual_norms few{space, {1.0f, 1.0f, 1.0f}};
  const auto short_of_one = st::compile(p, st::in_norms(1.0f), few);
  REQUIRE(!short_of_one.has_value());
  CHECK(short_of_one.error().code == mt::errc::invalid_argument);
  auto elsewhere = space;
  elsewhere.model.value = 8;
  const auto q = random_persona(elsewhere, 1);
  const auto mixed = st::compile(p + q, st::in_raw_units(1.0f));
  REQUIRE(!mixed.has_value());
  CHECK(mixed.error().code == mt::errc::space_mismatch);
}
