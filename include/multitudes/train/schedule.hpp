// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace multitudes::train {

/// The learning rate over a run: up in a straight line, then down half a cosine.
struct cosine_schedule {
  double peak = 1e-3;
  std::uint64_t n_steps = 1000;
  std::uint64_t n_warm_up = 30;
  double last = 0.1;  ///< the rate after the last step, as a share of the peak

  /// The rate of step `step`, counted from 0; after the last step it stays.
  ///
  /// Source:  Loshchilov and Hutter 2017, arXiv:1608.03983.
  [[nodiscard]] double operator()(std::uint64_t step) const noexcept {
    if (step < n_warm_up) {
      return peak * static_cast<double>(step + 1) / static_cast<double>(n_warm_up);
    }
    const std::uint64_t way = n_steps > n_warm_up ? n_steps - n_warm_up : 1;
    const double done =
        std::min(1.0, static_cast<double>(step - n_warm_up) / static_cast<double>(way));
    return peak * (last + (1 - last) * 0.5 * (1 + std::cos(std::numbers::pi * done)));
  }
};

}  // namespace multitudes::train
