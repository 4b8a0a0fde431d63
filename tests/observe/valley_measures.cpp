// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/observe/valley_measures.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace {

namespace mt = multitudes;
using multitudes::stats::gaussian_mixture;

/// States of a mixture, in texts of ten states each.
mt::labeled_states states_of(const gaussian_mixture& truth, std::size_t n, std::uint64_t seed,
                             double alike = 0) {
  mt::philox random(seed);
  mt::labeled_states made{.dim = truth.dim(), .points = {}, .labels = {}, .groups = {}};
  std::vector<double> x(truth.dim());
  std::vector<double> shift(truth.dim());
  for (std::size_t text = 0; text < n / 10; ++text) {
    const std::size_t k = text % truth.n_components();
    for (double& s : shift) s = alike * static_cast<double>(random.normal());
    for (int i = 0; i < 10; ++i) {
      truth.sample_component(k, random, x);
      for (std::size_t j = 0; j < x.size(); ++j) made.points.push_back(x[j] + shift[j]);
      made.labels.push_back(k);
      made.groups.push_back(text);
    }
  }
  return made;
}

const std::vector<std::string> labels{"bard", "chemist"};

mt::valley_measure_options quick() {
  mt::valley_measure_options how;
  how.refits = 20;
  how.valleys.n_draws = 400;
  how.valleys.n_starts = 50;
  return how;
}

TEST_CASE("every persona has prevalence, depth and width within their intervals") {
  const auto truth =
      *gaussian_mixture::make({{1, {0, 0}, {1, 0, 0, 1}}, {1, {5, 0}, {1, 0, 0, 1}}});
  const auto states = states_of(truth, 400, 1);
  mt::philox random(1);
  const auto found = *mt::measure_valleys(states, labels, quick(), random);
  REQUIRE(found.personas.size() == 2);
  for (const auto& m : found.personas) {
    CHECK(m.depth.between.contains(m.depth.value));
    CHECK(m.depth.between.contains(25.0 / 8 - std::log(2)));
    CHECK(m.depth.between.width() < 2);
    CHECK(m.depth.between.width() > 0.05);
    CHECK(m.mass.between.contains(0.5));
    CHECK(m.prevalence.value == doctest::Approx(0.5));
    CHECK(m.merged == 0);
  }
  CHECK(found.personas[0].label == "bard");
  CHECK(found.personas[0].rival == 1);
}

TEST_CASE("states that are alike within texts give wider intervals") {
  const auto truth =
      *gaussian_mixture::make({{1, {0, 0}, {1, 0, 0, 1}}, {1, {5, 0}, {1, 0, 0, 1}}});
  auto states = states_of(truth, 400, 1, 1.0);
  mt::philox random(1);
  const auto by_text = *mt::measure_valleys(states, labels, quick(), random);
  states.groups.clear();
  const auto by_state = *mt::measure_valleys(states, labels, quick(), random);
  CHECK(by_text.personas[0].depth.between.width() >
        1.3 * by_state.personas[0].depth.between.width());
  CHECK(by_text.personas[0].depth.value == by_state.personas[0].depth.value);
}

TEST_CASE("the share of resamples in which personas merge says how sure their passes are") {
  const auto truth = *gaussian_mixture::make({{1, {0}, {1}}, {1, {2.0}, {1}}});
  const auto states = states_of(truth, 400, 3);
  mt::philox random(1);
  const auto found = *mt::measure_valleys(states, labels, quick(), random);
  CHECK(found.personas[0].merged > 0.05);
  CHECK(found.personas[0].merged < 0.95);
}

TEST_CASE("given prevalences are those of the population") {
  const auto truth = *gaussian_mixture::make({{1, {0}, {1}}, {1, {5}, {1}}});
  mt::philox random(1);
  auto how = quick();
  how.fit.weights = {0.9, 0.1};
  const auto found = *mt::measure_valleys(states_of(truth, 200, 1), labels, how, random);
  CHECK(found.personas[0].prevalence.value == doctest::Approx(0.9));
  CHECK(found.personas[0].depth.value - found.personas[1].depth.value ==
        doctest::Approx(std::log(9)).epsilon(0.05));
}

TEST_CASE("errors of the fit come through") {
  mt::philox random(1);
  mt::labeled_states few{.dim = 1, .points = {0, 1, 2}, .labels = {0, 0, 1}};
  CHECK(mt::measure_valleys(few, labels, {}, random).error().place == "class 1");
  few.groups = {0};
  CHECK(mt::measure_valleys(few, labels, {}, random).error().place == "groups");
  CHECK(!mt::measure_valleys({}, labels, {}, random).has_value());
}

}  // namespace
