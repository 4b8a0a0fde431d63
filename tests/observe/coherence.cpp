// SPDX-License-Identifier: MIT
#include "../support/random_persona.hpp"
#include "../support/tiny_model.hpp"

#include <doctest/doctest.h>
#include <multitudes/observe/coherence.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

namespace mt = multitudes;
using namespace multitudes_test;

constexpr mt::activation_space space{mt::fingerprint{7}, mt::hook_point::residual_stream, 2, 64};

/// Units that are `common` times one direction and a random rest of length about 1.
mt::persona units_with(double common, std::size_t n, std::uint64_t seed, bool turn_odd = false) {
  std::vector<mt::weighted_unit> units;
  const auto shared = random_persona(space, 1000 + seed);
  for (std::size_t i = 0; i < n; ++i) {
    const auto own = random_persona(space, seed * 100 + i);
    const float sign = turn_odd && i % 2 == 1 ? -1.0f : 1.0f;
    std::vector<float> values;
    for (std::size_t j = 0; j < own.values().size(); ++j) {
      values.push_back(sign * (static_cast<float>(common) * shared.values()[j] + own.values()[j]));
    }
    units.push_back({{"u" + std::to_string(i), *mt::direction::make(space, values)},
                     static_cast<double>(sign) * 0.5});
  }
  return *mt::persona::make("p", std::move(units));
}

TEST_CASE("units of one persona agree as much as they share") {
  // The expected cosine is c² / (c² + 1).
  for (const double common : {0.5, 1.0, 2.0}) {
    double sum = 0;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const auto found = *mt::coherence(units_with(common, 5, seed));
      REQUIRE(found.size() == 2);
      for (const auto& layer : found) {
        CHECK(layer.n_units == 5);
        sum += layer.agreement / 20;
      }
    }
    CHECK(sum == doctest::Approx(common * common / (common * common + 1)).epsilon(0.15));
  }
}

TEST_CASE("random units agree by chance, with the stated spread") {
  double squares = 0;
  const int n = 150;
  for (std::uint64_t seed = 0; seed < n; ++seed) {
    const auto found = *mt::coherence(units_with(0, 4, seed));
    for (const auto& layer : found) squares += layer.excess() * layer.excess() / (2 * n);
  }
  CHECK(squares == doctest::Approx(1).epsilon(0.2));
}

TEST_CASE("a unit of negative weight counts turned round") {
  CHECK((*mt::coherence(units_with(2, 4, 1, true)))[0].agreement ==
        doctest::Approx((*mt::coherence(units_with(2, 4, 1)))[0].agreement));
}

TEST_CASE("a persona without units has nothing to cohere") {
  const auto p = random_persona(space, 1, "whole");
  CHECK(mt::coherence(p).error().message() ==
        "measure coherence: 'whole': found 0 units, expected at least two to compare; decompose() "
        "the persona into units");
}

TEST_CASE("spillover is the change of each measure over that of the steered one") {
  const auto found = *mt::measure_spillover(
      {"a", "b"}, [](std::optional<std::size_t> steered) -> mt::expected<std::vector<double>> {
        if (!steered) return std::vector<double>{1, 10};
        return *steered == 0 ? std::vector<double>{3, 11} : std::vector<double>{1, 14};
      });
  CHECK(found.effect(0, 0) == 2);
  CHECK(found.effect(0, 1) == 1);
  CHECK(found.ratio(0, 1) == 0.5);
  CHECK(found.ratio(1, 0) == 0);
  CHECK(found.mean_ratio() == 0.25);
  CHECK(mt::measure_spillover(
            {"a", "b"},
            [](auto) -> mt::expected<std::vector<double>> { return std::vector<double>{1}; })
            .error()
            .place == "at rest");
  CHECK(mt::measure_spillover(
            {"a"}, [](auto) -> mt::expected<std::vector<double>> { return std::vector<double>{1}; })
            .error()
            .place == "units");
}

/// A persona of a model with two units: random ones, or one direction twice.
mt::persona pair_of(const mt::activation_space& s, bool same) {
  std::vector<mt::weighted_unit> units;
  for (std::uint64_t i = 0; i < 2; ++i) {
    units.push_back(
        {{i == 0 ? "a" : "b", random_persona(s, same ? 1 : i + 1).direction().clone()}, 1.0});
  }
  return *mt::persona::make("pair", std::move(units));
}

TEST_CASE("one thing under two names spills over fully, on the model itself") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = 64});
  mt::inline_executor one;
  const std::vector<std::vector<mt::token_id>> texts{some_tokens(20, 1), some_tokens(30, 2)};
  const auto norms = unit_norms(lm.space());
  const auto run = [&](bool same) {
    const auto who = pair_of(lm.space(), same);
    std::vector<mt::reading_axis> axes;
    for (const auto& u : who.units()) {
      const auto row = u.unit.direction.row(mt::layer_index(2));
      axes.push_back(
          {u.unit.label, lm.space(), mt::layer_index(2), {row.begin(), row.end()}, 0, 1});
    }
    return *mt::reading_spillover(
        b, one, who, axes, texts, norms,
        {mt::steering::in_norms(0.1f), mt::layer_index(0), mt::layer_index(1)});
  };
  const auto twice = run(true);
  CHECK(twice.labels == std::vector<std::string>{"a", "b"});
  CHECK(twice.mean_ratio() == doctest::Approx(1).epsilon(1e-5));
  CHECK(twice.effect(0, 0) > 0);
  const auto apart = run(false);
  CHECK(std::abs(apart.mean_ratio()) < 0.6);
  CHECK(b.open().has_value());
}

TEST_CASE("readings at steered layers are refused: they would show the push itself") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = 64});
  mt::inline_executor one;
  const auto who = pair_of(lm.space(), false);
  const std::vector<std::vector<mt::token_id>> texts{some_tokens(20, 1)};
  std::vector<mt::reading_axis> axes(
      2, {"x", lm.space(), mt::layer_index(1), std::vector<float>(lm.shape().model_dim), 0, 1});
  const mt::spillover_options how{mt::steering::in_norms(0.1f), mt::layer_index(0),
                                  mt::layer_index(1)};
  const auto norms = unit_norms(lm.space());
  CHECK(mt::reading_spillover(b, one, who, axes, texts, norms, how).error().place == "axis x");
  axes[0].layer = axes[1].layer = mt::layer_index(2);
  CHECK(mt::reading_spillover(b, one, who, axes, {}, norms, how).error().place == "texts");
  axes.pop_back();
  CHECK(mt::reading_spillover(b, one, who, axes, texts, norms, how).error().place == "axes");
}

}  // namespace
