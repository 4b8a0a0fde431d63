// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/fingerprint.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace multitudes {

/// Where in a block activations are read and changed.
enum class hook_point : std::uint8_t {
  residual_stream,  ///< after a block's last addition, before the next norm
};

constexpr std::string_view name(hook_point hook) noexcept {
  switch (hook) {
    case hook_point::residual_stream: return "residual_stream";
  }
  return "unknown";
}

/// What a direction is a direction in: one model's activations at one hook point. Directions of
/// different spaces have nothing to say to each other, even where their widths agree.
struct activation_space {
  fingerprint model;
  hook_point hook = hook_point::residual_stream;
  std::uint32_t n_layers = 0;
  std::uint32_t model_dim = 0;

  friend constexpr bool operator==(const activation_space&, const activation_space&) = default;
};

/// `residual_stream(model 0123456789abcdef, 5 layers, width 64)`
inline std::string to_string(const activation_space& space) {
  return std::string(name(space.hook)) + "(model " + to_string(space.model) + ", " +
         std::to_string(space.n_layers) + " layers, width " + std::to_string(space.model_dim) + ")";
}

}  // namespace multitudes
