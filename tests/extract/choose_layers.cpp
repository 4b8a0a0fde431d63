// SPDX-License-Identifier: MIT

#include <multitudes/extract/choose_layers.hpp>

#include <doctest/doctest.h>

namespace mt = multitudes;

namespace {

std::vector<mt::layer_evidence> layers(std::initializer_list<double> effects) {
  std::vector<mt::layer_evidence> result;
  for (const double effect : effects) {
    mt::layer_evidence e;
    e.effect_size = effect;
    e.interval = {effect - 0.5, effect + 0.5};
    e.shuffled = {0.2, -0.3};
    result.push_back(e);
  }
  return result;
}

mt::layer_range range(std::size_t first, std::size_t last, std::size_t best) {
  return {mt::layer_index(first), mt::layer_index(last), mt::layer_index(best)};
}

}  // namespace

TEST_CASE("the best layer and its neighbors that do nearly as much are chosen, without a gap") {
  CHECK(*mt::choose_layers(layers({0, 1.7, 1, 1.8, 2, 1.9, 1, 3})) == range(3, 5, 4));
  CHECK(*mt::choose_layers(layers({0, 1.7, 1, 1.8, 2, 1.9, 1, 3}), {.share = 0.4}) ==
        range(1, 6, 4));
  CHECK(*mt::choose_layers(layers({0, 1, 1, 3}), {.spare_the_last = false}) == range(3, 3, 3));
  CHECK(*mt::choose_layers(layers({0, 2})) == range(1, 1, 1));
}

TEST_CASE("a layer that is not told from chance is not chosen, however large its effect") {
  auto all = layers({0, 2, 5, 2, 1});
  all[2].interval.low = -1;
  CHECK(*mt::choose_layers(all) == range(1, 1, 1));
  all[1].shuffled = {2.5};
  CHECK(*mt::choose_layers(all) == range(3, 3, 3));
  all[3].shuffled = {2};
  CHECK(mt::choose_layers(all).error().code == mt::errc::not_found);
  CHECK(mt::choose_layers({}).error().code == mt::errc::not_found);
}
