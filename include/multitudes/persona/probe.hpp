// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/linalg/regression.hpp>
#include <multitudes/persona/reading_axis.hpp>

#include <span>

namespace multitudes {

/// A reading axis that says how sure it is: a reading of the axis, through a logistic link that
/// was fitted on texts that the axis was not made of. A reading of a text is the mean over its
/// tokens; a single token's is noisier than the link knows.
struct probe {
  reading_axis axis;
  linalg::logistic_link link;  ///< of a reading

  /// Log-odds that what was read is of the positive kind, in nats, if both kinds are as frequent
  /// as in learning.
  [[nodiscard]] double log_odds(double reading) const noexcept {
    return link.slope * reading + link.bias;
  }
  [[nodiscard]] double log_odds(std::span<const float> h) const noexcept {
    return log_odds(axis.read(h));
  }
  [[nodiscard]] double probability(std::span<const float> h) const noexcept {
    return link.probability(axis.read(h));
  }
};

}  // namespace multitudes
