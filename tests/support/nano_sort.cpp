// SPDX-License-Identifier: MIT
#include "nano_sort.hpp"

#include "shared_data.hpp"

#include <doctest/doctest.h>

#include <cmath>

using shape = std::vector<std::size_t>;

TEST_CASE("base64 decodes the standard's examples") {
  CHECK(multitudes_test::from_base64("").empty());
  CHECK(multitudes_test::from_base64("Zg==") == "f");
  CHECK(multitudes_test::from_base64("Zm8=") == "fo");
  CHECK(multitudes_test::from_base64("Zm9v") == "foo");
  CHECK(multitudes_test::from_base64("Zm9vYmFy") == "foobar");
}

TEST_CASE("the sorting model and its activations have their shapes") {
  const auto model = multitudes_test::shared_file("models/gpt-nano-sort/gpt-nano-sort-model.json");
  const auto partials =
      multitudes_test::shared_file("models/gpt-nano-sort/gpt-nano-sort-t0-partials.json");
  if (!model || !partials) return;
  const auto weights = multitudes_test::load_nano_sort(*model);
  const auto activations = multitudes_test::load_nano_sort(*partials);
  CHECK(weights.size() == 2 + 3 * 13 + 3);
  CHECK(weights.at("transformer.wte.weight").shape == shape{3, 48});
  CHECK(weights.at("transformer.h.2.attn.c_attn.weight").shape == shape{144, 48});
  CHECK(activations.size() == 25);
  CHECK(activations.at("q").shape == shape{3, 3, 11, 16});
  for (const auto& tensors : {weights, activations}) {
    for (const auto& entry : tensors) {
      INFO(entry.first);
      std::size_t n = 1;
      for (const std::size_t d : entry.second.shape) n *= d;
      CHECK(entry.second.data.size() == n);
    }
  }
  // Each row of probabilities sums to 1.
  const auto& probs = activations.at("probs").data;
  for (std::size_t i = 0; i < probs.size(); i += 3) {
    CHECK(std::abs(probs[i] + probs[i + 1] + probs[i + 2] - 1.0f) < 1e-5f);
  }
}
