// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <span>
#include <string>
#include <vector>

namespace multitudes {

/// A direction to read along, scaled so that the texts it was learned from read +1 on the positive
/// side and -1 on the negative side, on average.
struct reading_axis {
  std::string label;
  layer_index layer;
  std::vector<float> unit;  // (model_dim)
  double middle = 0;
  double half_gap = 1;

  [[nodiscard]] double read(std::span<const float> h) const noexcept {
    return (static_cast<double>(simd::dot<simd::native, float>(unit, h)) - middle) / half_gap;
  }
};

}  // namespace multitudes
