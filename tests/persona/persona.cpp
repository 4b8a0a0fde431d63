// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

static_assert(!std::is_copy_constructible_v<persona>);
static_assert(std::is_nothrow_move_constructible_v<persona>);

namespace {

behavior_unit unit_of(const activation_space& space, std::string label,
                      const std::vector<float>& values) {
  return {std::move(label), *direction::make(space, values)};
}

}  // namespace

TEST_CASE("the direction of a persona is the weighted sum of its units") {
  const activation_space space = space_of_shape(2, 2);
  std::vector<weighted_unit> units;
  units.push_back({unit_of(space, "rhyme", {1, 2, 3, 4}), 0.5});
  units.push_back({unit_of(space, "boast", {10, 0, 0, 10}), -1.0});
  const auto bard = persona::make("bard", std::move(units));
  REQUIRE(bard);
  CHECK(values_in(*bard) == std::vector<float>{-9.5f, 1.0f, 1.5f, -8.0f});
  CHECK(bard->units().size() == 2);
  CHECK(bard->units()[1].unit.label == "boast");
  CHECK(bard->goals().empty());
}

TEST_CASE("units make the same bits as the expression of their views") {
  const activation_space space = space_of_shape(1, 70);
  std::vector<float> a(70), b(70);
  philox random(60);
  for (std::size_t i = 0; i < 70; ++i) {
    a[i] = random.normal();
    b[i] = random.normal();
  }
  const behavior_unit rhyme = unit_of(space, "rhyme", a), boast = unit_of(space, "boast", b);
  std::vector<weighted_unit> units;
  units.push_back({rhyme.clone(), 0.3});
  units.push_back({boast.clone(), 0.7});
  const auto bard = persona::make("bard", std::move(units));
  REQUIRE(bard);
  CHECK(same_bits(*bard, 0.3 * rhyme.view() + 0.7 * boast.view()));
  CHECK(label_of(0.3 * rhyme.view() + boast.view()) == "0.3*rhyme + boast");
}

TEST_CASE("units that do not belong together are refused") {
  const activation_space space = space_of_shape(1, 1);
  const auto made_of = [&](double weight, const activation_space& other, float value) {
    std::vector<weighted_unit> units;
    units.push_back({unit_of(space, "one", {1}), 1.0});
    units.push_back({unit_of(other, "two", {value}), weight});
    const auto p = persona::make("p", std::move(units));
    return p ? "made" : name(p.error().code);
  };
  CHECK(made_of(1.0, space, 1.0f) == "made");
  CHECK(made_of(1.0, space_of_shape(1, 1, 2), 1.0f) == "space_mismatch");
  CHECK(made_of(std::nan(""), space, 1.0f) == "non_finite");
  CHECK(made_of(1e10, space, 1e35f) == "non_finite");
  const auto nobody = persona::make("p", std::vector<weighted_unit>{});
  REQUIRE(!nobody);
  CHECK(nobody.error().code == errc::invalid_argument);
}

TEST_CASE("a clone is equal and separate") {
  const activation_space space = space_of_shape(1, 2);
  std::vector<weighted_unit> units;
  units.push_back({unit_of(space, "rhyme", {1, 2}), 0.5});
  const auto p = persona::make("p", std::move(units), {{{"gold", "", {1, 2}}, 1.0}});
  REQUIRE(p);
  const persona copy = p->clone();
  CHECK(copy.label() == "p");
  CHECK(same_bits(copy, *p));
  CHECK(copy.values().data() != p->values().data());
  CHECK(copy.units()[0].weight == 0.5);
  CHECK(copy.units()[0].unit.label == "rhyme");
  CHECK(copy.goals()[0] == p->goals()[0]);
}
