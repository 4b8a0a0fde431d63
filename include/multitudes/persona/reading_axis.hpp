// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// A direction to read along, scaled so that the texts it was learned from read +1 on the positive
/// side and -1 on the negative side, on average.
struct reading_axis {
  std::string label;
  activation_space space;
  layer_index layer;
  std::vector<float> unit;  // (model_dim)
  double middle = 0;
  double half_gap = 1;

  [[nodiscard]] double read(std::span<const float> h) const noexcept {
    return (static_cast<double>(simd::dot<simd::native, float>(unit, h)) - middle) / half_gap;
  }

  /// Whether it can be read in its space.
  ///
  /// Errors:  invalid_argument if there is no such layer; shape_mismatch for another width;
  ///          non_finite for NaN and infinity, and for a gap of 0.
  [[nodiscard]] expected<void> check() const {
    const auto bad = [&](errc code, std::string found, std::string wanted) {
      return fail({.code = code,
                   .operation = "read along " + label,
                   .place = to_string(space),
                   .found = std::move(found),
                   .expected = std::move(wanted),
                   .remedy = {}});
    };
    if (layer.value >= space.n_layers) {
      return bad(errc::invalid_argument, "layer " + std::to_string(layer.value),
                 "less than " + std::to_string(space.n_layers));
    }
    if (unit.size() != space.model_dim) {
      return bad(errc::shape_mismatch, std::to_string(unit.size()) + " values",
                 std::to_string(space.model_dim));
    }
    bool finite = std::isfinite(middle) && std::isfinite(half_gap) && half_gap != 0;
    for (const float x : unit) finite = finite && std::isfinite(x);
    if (!finite) return bad(errc::non_finite, "NaN, infinity or a gap of 0", "finite numbers");
    return {};
  }
};

}  // namespace multitudes
