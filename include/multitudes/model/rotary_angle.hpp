// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/model/hyper_parameters.hpp>

#include <cmath>
#include <cstddef>
#include <span>

namespace multitudes::model {

/// By how much pair `pair` of a head turns at a position, in radians. In double: a float angle is
/// off by whole degrees beyond some ten thousand positions.
///
/// Shapes:  divisors (rotary_dim / 2), or empty: all 1.
/// Source:  Su et al. 2021, arXiv:2104.09864.
inline double rotary_angle(const hyper_parameters& p, std::span<const float> divisors,
                           std::size_t position, std::size_t pair) noexcept {
  const double divisor = divisors.empty() ? 1.0 : static_cast<double>(divisors[pair]);
  const double frequency =
      std::pow(static_cast<double>(p.rotary_base),
               -2.0 * static_cast<double>(pair) / static_cast<double>(p.rotary_dim)) /
      divisor;
  return static_cast<double>(position) * static_cast<double>(p.rotary_scale) * frequency;
}

}  // namespace multitudes::model
