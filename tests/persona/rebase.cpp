// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

namespace {

struct tuned_space {
  static constexpr activation_space value{.model = {9}, .n_layers = 2, .model_dim = 1};
};

}  // namespace

TEST_CASE("a rebased persona composes in its new space, with units and goals") {
  const activation_space old_space = space_of_shape(2, 1), new_space = space_of_shape(2, 1, 5);
  std::vector<weighted_unit> units;
  units.push_back({{"rhyme", *direction::make(old_space, std::vector<float>{1, 2})}, 2.0});
  const auto p = persona::make("p", std::move(units), {{{"gold", "", {}}, 1.0}});
  REQUIRE(p);
  const persona q = persona_of(new_space, "q", {1, 1});
  CHECK_FALSE(validate(*p + q));
  const auto moved = rebase(*p, new_space);
  REQUIRE(moved);
  CHECK(moved->space() == new_space);
  CHECK(moved->label() == "p");
  CHECK(moved->units().size() == 1);
  CHECK(moved->units()[0].unit.direction.space() == new_space);
  CHECK(moved->goals().size() == 1);
  CHECK(values_in(*moved + q) == std::vector<float>{3, 5});
}

TEST_CASE("rebase leads from dynamic to static spaces and back") {
  const persona p = persona_of(space_of_shape(2, 1), "p", {1, 2});
  const auto tuned = rebase<tuned_space>(p);
  static_assert(std::is_same_v<decltype(tuned), const expected<basic_persona<tuned_space>>>);
  REQUIRE(tuned);
  CHECK(tuned->space() == tuned_space::value);
  const auto back = rebase(*tuned, p.space());
  REQUIRE(back);
  CHECK(same_bits(*back, p));
}

TEST_CASE("rebase refuses another shape") {
  const persona p = persona_of(space_of_shape(2, 1), "p", {1, 2});
  const auto moved = rebase(p, space_of_shape(1, 2));
  REQUIRE(!moved);
  CHECK(moved.error().code == errc::shape_mismatch);
}
