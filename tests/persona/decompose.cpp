// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "helpers.hpp"

#include <multitudes/persona/decompose.hpp>

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

namespace {

behavior_unit unit_of(const activation_space& space, std::string label,
                      const std::vector<float>& values) {
  return {std::move(label), std::move(*direction::make(space, values))};
}

/// Units that share a direction, so that any two have a cosine of about `shared`^2.
std::vector<behavior_unit> correlated_units(philox& random, const activation_space& space,
                                            std::size_t n, float shared) {
  std::vector<float> common(std::size_t{space.n_layers} * space.model_dim);
  for (float& x : common) x = random.normal();
  std::vector<behavior_unit> units;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<float> values = common;
    for (float& x : values) x = shared * x + std::sqrt(1 - shared * shared) * random.normal();
    units.push_back(unit_of(space, "unit" + std::to_string(i), values));
  }
  return units;
}

}  // namespace

TEST_CASE("a persona is decomposed into the units that it has, and a remainder") {
  const activation_space space = space_of_shape(2, 3);
  std::vector<behavior_unit> units;
  units.push_back(unit_of(space, "rhyme", {1, 0, 0, 2, 0, 0}));
  units.push_back(unit_of(space, "boast", {0, 1, 0, 0, 0, 0}));
  units.push_back(unit_of(space, "whine", {0, -3, 0, 0, 0, -1}));
  const persona bard = persona_of(space, "bard", {2, 3, 0, 4, 0, 5}, {{{"fame", "", {}}, 1.0}});
  const auto d = decompose(bard, units);
  REQUIRE(d);
  REQUIRE(d->weights.size() == 3);
  CHECK(d->weights[0] == doctest::Approx(2));
  CHECK(d->weights[1] == doctest::Approx(3));
  CHECK(d->weights[2] == 0);
  CHECK(d->of_units.label() == "bard");
  REQUIRE(d->of_units.units().size() == 2);
  CHECK(d->of_units.units()[0].unit.label == "rhyme");
  CHECK(d->of_units.units()[1].weight == d->weights[1]);
  CHECK(d->of_units.goals().size() == 1);
  CHECK(d->explained == doctest::Approx(29.0 / 54));
  CHECK(d->explained_by_layer[0] == doctest::Approx(1));
  CHECK(d->explained_by_layer[1] == doctest::Approx(16.0 / 41));
  CHECK(d->remainder.row(layer_index(1))[2] == 5.0f);
}

TEST_CASE("weights that were mixed in are found again, also of correlated units") {
  double worst = 0, unexplained = 0;
  for (int i = 0; i < sample_count(60, 2000); ++i) {
    philox random(80, static_cast<std::uint64_t>(i));
    const activation_space space = space_of_shape(3, 16 + random.below(40));
    const float shared = i % 2 ? 0.9f : 0.0f;
    const auto units = correlated_units(random, space, 6, shared);
    std::vector<weighted_unit> mixed;
    for (const behavior_unit& u : units) {
      mixed.push_back({u.clone(), random.below(3) == 0 ? 0.0 : 0.1 + random.uniform()});
    }
    std::vector<double> weights;
    for (const weighted_unit& u : mixed) weights.push_back(u.weight);
    const auto p = persona::make("p", std::move(mixed));
    REQUIRE(p);
    if (p->direction().is_zero()) continue;
    const auto d = decompose(*p, units);
    REQUIRE(d);
    for (std::size_t k = 0; k < 6; ++k) {
      worst = std::max(worst, std::fabs(d->weights[k] - weights[k]));
    }
    unexplained = std::max(unexplained, 1 - d->explained);
  }
  INFO("worst ", worst, ", unexplained ", unexplained);
  CHECK(worst < 1e-6);
  CHECK(unexplained < 1e-12);
}

TEST_CASE("units and remainder add up, and the remainder is orthogonal to units with weight") {
  for (int i = 0; i < sample_count(60, 2000); ++i) {
    philox random(81, static_cast<std::uint64_t>(i));
    const activation_space space = space_of_shape(2, 10);
    const auto units = correlated_units(random, space, 7, 0.7f);
    std::vector<float> values(20);
    for (float& x : values) x = random.normal();
    const persona p = persona_of(space, "p", values);
    const auto d = decompose(p, units);
    REQUIRE(d);
    for (std::size_t k = 0; k < values.size(); ++k) {
      const float u = d->of_units.values()[k], r = d->remainder.values()[k];
      const double sum = static_cast<double>(u) + static_cast<double>(r);
      REQUIRE(std::fabs(sum - static_cast<double>(values[k])) <= std::max(ulp(u), ulp(r)));
    }
    const double size = std::sqrt(dot(values, values));
    for (std::size_t k = 0; k < units.size(); ++k) {
      const auto u = units[k].direction.values();
      const double gain = dot(u, d->remainder.values()) / size / std::sqrt(dot(u, u));
      REQUIRE(gain < 1e-6);
      if (d->weights[k] > 0) REQUIRE(gain > -1e-6);
    }
    const double left = dot(d->remainder.values(), d->remainder.values()) / size / size;
    REQUIRE(d->explained == doctest::Approx(1 - left).epsilon(1e-9));
  }
}

TEST_CASE("a layer may be explained worse than by nothing, and one of zeros counts 0") {
  const activation_space space = space_of_shape(3, 1);
  std::vector<behavior_unit> units;
  units.push_back(unit_of(space, "unit", {10, 10, 1}));
  const auto d = decompose(persona_of(space, "p", {10, 1, 0}), units);
  REQUIRE(d);
  CHECK(d->explained_by_layer[0] > 0);
  CHECK(d->explained_by_layer[1] < -10);
  CHECK(d->explained_by_layer[2] == 0);
}

TEST_CASE("a direction that no unit leads towards leaves all as remainder") {
  const activation_space space = space_of_shape(1, 2);
  std::vector<behavior_unit> units;
  units.push_back(unit_of(space, "rhyme", {1, 1}));
  const persona p = persona_of(space, "p", {-1, -2});
  const auto d = decompose(p, units);
  REQUIRE(d);
  CHECK(d->weights == std::vector<double>{0});
  CHECK(d->explained == 0);
  CHECK(d->of_units.units().empty());
  CHECK(d->of_units.direction().is_zero());
  CHECK(std::ranges::equal(d->remainder.values(), p.values()));
}

TEST_CASE("a decomposition across spaces, of nobody, or into nothing is refused") {
  const activation_space space = space_of_shape(1, 2);
  const persona p = persona_of(space, "p", {1, 2}), none = persona_of(space, "none", {0, 0});
  std::vector<behavior_unit> units;
  CHECK(decompose(p, units).error().code == errc::invalid_argument);
  units.push_back(unit_of(space, "rhyme", {1, 1}));
  CHECK(decompose(none, units).error().message() ==
        "decompose: 'none': found zeros in all layers, expected a vector with a length in at least "
        "one layer");
  CHECK(decompose(p / 0, units).error().code == errc::non_finite);
  units.push_back(unit_of(space_of_shape(1, 2, 7), "boast", {1, 1}));
  CHECK(decompose(p, units).error().code == errc::space_mismatch);
}
