// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

static_assert(!std::is_copy_constructible_v<direction>);
static_assert(!std::is_copy_assignable_v<direction>);
static_assert(std::is_nothrow_move_constructible_v<direction>);
static_assert(std::is_nothrow_move_assignable_v<direction>);

TEST_CASE("a direction keeps its rows") {
  const activation_space space = space_of_shape(2, 3);
  const std::vector<float> values{1, 2, 2, 0, 0, 0};
  const auto d = direction::make(space, values);
  REQUIRE(d);
  CHECK(d->space() == space);
  CHECK(std::equal(d->values().begin(), d->values().end(), values.begin(), values.end()));
  CHECK(d->row(layer_index(0))[1] == 2.0f);
  CHECK(d->row(layer_index(1)).size() == 3);
  CHECK(d->row(layer_index(2)).empty());
  CHECK(d->norm(layer_index(0)) == 3.0);
  CHECK(d->norm(layer_index(1)) == 0.0);
  CHECK_FALSE(d->is_zero());
}

TEST_CASE("a direction of the wrong size is refused") {
  const std::vector<float> values(5);
  const auto d = direction::make(space_of_shape(2, 3), values);
  REQUIRE(!d);
  CHECK(d.error().code == errc::shape_mismatch);
  CHECK(d.error().message() ==
        "make a direction: residual_stream(model 0000000000000001, 2 layers, width 3): found 5 "
        "values, expected 2 x 3; give one row for each layer, zeros where nothing is steered");
  CHECK_FALSE(direction::make(space_of_shape(0xFFFFFFFF, 0xFFFFFFFF), values));
}

TEST_CASE("NaN and infinity are refused with their place") {
  std::vector<float> values(6, 1.0f);
  values[5] = std::numeric_limits<float>::quiet_NaN();
  auto d = direction::make(space_of_shape(2, 3), values);
  REQUIRE(!d);
  CHECK(d.error().code == errc::non_finite);
  CHECK(d.error().message() ==
        "make a direction: layer 1, element 2: found NaN, expected a finite number");
  values[1] = -std::numeric_limits<float>::infinity();
  d = direction::make(space_of_shape(2, 3), values);
  REQUIRE(!d);
  CHECK(d.error().place == "layer 0, element 1");
  CHECK(d.error().found == "infinity");
}

TEST_CASE("moving a direction leaves an empty one, cloning leaves an equal one") {
  auto d = direction::make(space_of_shape(1, 2), std::vector<float>{3, 4});
  REQUIRE(d);
  const direction copy = d->clone();
  const direction moved = std::move(*d);
  CHECK(d->values().empty());  // NOLINT(bugprone-use-after-move)
  CHECK(d->row(layer_index(0)).empty());
  CHECK(d->is_zero());
  CHECK(moved.values().data() != copy.values().data());
  CHECK(moved.norm(layer_index(0)) == 5.0);
  CHECK(copy.norm(layer_index(0)) == 5.0);
  CHECK(copy.space() == moved.space());
}

TEST_CASE("normalized rows have unit norm, rows of zeros stay") {
  const auto d = direction::make(space_of_shape(3, 2), std::vector<float>{3, 4, 0, 0, 1e-44f, 0});
  REQUIRE(d);
  const auto unit = normalized(*d);
  REQUIRE(unit);
  CHECK(unit->row(layer_index(0))[0] == 0.6f);
  CHECK(unit->norm(layer_index(1)) == 0.0);
  CHECK(unit->row(layer_index(2))[0] == 1.0f);
}

TEST_CASE("normalized rows of any size have unit norm to 2^-23") {
  for (int i = 0; i < 10000; ++i) {
    case_of_law c(20, static_cast<std::uint64_t>(i), i % 2 ? values_of::wild : values_of::ordinary);
    const persona p = c.next("p");
    const auto unit = normalized(p.direction());
    REQUIRE(unit);
    for (std::uint32_t l = 0; l < 3; ++l) {
      if (p.direction().norm(layer_index(l)) == 0.0) continue;
      REQUIRE(unit->norm(layer_index(l)) == doctest::Approx(1.0).epsilon(0x1p-23));
    }
  }
}

TEST_CASE("a direction without length cannot be normalized") {
  const auto d = direction::make(space_of_shape(2, 1), std::vector<float>{0.0f, -0.0f});
  REQUIRE(d);
  CHECK(d->is_zero());
  const auto unit = normalized(*d);
  REQUIRE(!unit);
  CHECK(unit.error().code == errc::zero_direction);
}
