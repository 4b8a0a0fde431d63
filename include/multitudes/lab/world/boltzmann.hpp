// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace multitudes::lab {

/// What an action is worth that cannot be done.
inline constexpr double impossible = -std::numeric_limits<double>::infinity();

/// The policy of an agent that is nearly rational: actions in proportion to exp(value /
/// temperature). What is impossible gets exactly 0.
///
/// Shapes:  values, out (n_actions); at least one action must be possible.
/// Units:   the temperature is in those of the values, and above 0.
inline void boltzmann(std::span<const double> values, double temperature,
                      std::span<double> out) noexcept {
  const double best = *std::ranges::max_element(values);
  double sum = 0;
  for (std::size_t a = 0; a < values.size(); ++a) {
    out[a] = values[a] == impossible ? 0 : std::exp((values[a] - best) / temperature);
    sum += out[a];
  }
  for (double& p : out) p /= sum;
}

}  // namespace multitudes::lab
