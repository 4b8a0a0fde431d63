// SPDX-License-Identifier: MIT
#include "safetensors_for_tests.hpp"

#include "shared_data.hpp"

#include <doctest/doctest.h>

#include <cmath>

TEST_CASE("the layers of the 15M story model have their sizes") {
  const auto path =
      multitudes_test::shared_file("models/stories15M-layers/stories15M_layers.safetensors");
  if (!path) return;
  const auto tensors = multitudes_test::load_safetensors(*path);
  CHECK(tensors.size() == 6 * 9 + 1);
  CHECK(tensors.at("model.layers.0.input_layernorm.weight").size() == 288);
  CHECK(tensors.at("model.layers.5.mlp.down_proj.weight").size() == 288 * 768);
  CHECK(tensors.at("model.layers.3.self_attn.q_proj.weight").size() == 288 * 288);
  CHECK(tensors.at("model.norm.weight").size() == 288);
  std::size_t n = 0;
  bool all_plausible = true;
  for (const auto& [name, values] : tensors) {
    n += values.size();
    for (const float x : values) all_plausible = all_plausible && std::abs(x) < 100.0f;
  }
  CHECK(all_plausible);
  CHECK(n == 5975712);
}
