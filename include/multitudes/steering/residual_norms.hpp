// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/space.hpp>

#include <vector>

namespace multitudes::steering {

/// How long a typical row of the residual stream is after each block: the yardstick of strength.
struct residual_norms {
  activation_space space;
  std::vector<float> typical;  // (n_layers), medians over tokens
};

/// How strongly a plan pushes: `value` times the direction, in one of two units.
struct strength {
  float value = 0;
  bool raw = false;  ///< true: in the direction's own units; false: in typical residual norms
};

/// A share of the typical residual norm of each layer: carries over between layers and models.
constexpr strength in_norms(float value) noexcept { return {value, false}; }

/// The direction's own units: what control vector files of other tools mean.
constexpr strength in_raw_units(float value) noexcept { return {value, true}; }

}  // namespace multitudes::steering
