// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/generate/language_model.hpp>
#include <multitudes/persona.hpp>
#include <multitudes/steering/residual_norms.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace multitudes_test {

/// A persona that pushes somewhere at every layer of a model.
inline multitudes::persona random_persona(const multitudes::activation_space& space,
                                          std::uint64_t seed, std::string label = "someone") {
  multitudes::philox random(seed);
  std::vector<float> values(std::size_t{space.n_layers} * space.model_dim);
  for (float& v : values) v = random.normal();
  auto direction = multitudes::direction::make(space, values);
  REQUIRE(direction.has_value());
  auto made = multitudes::persona::make(std::move(label), *std::move(direction));
  REQUIRE(made.has_value());
  return *std::move(made);
}

inline multitudes::steering::residual_norms unit_norms(const multitudes::activation_space& space) {
  return {space, std::vector<float>(space.n_layers, 1.0f)};
}

}  // namespace multitudes_test
