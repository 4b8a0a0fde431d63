// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/batch.hpp>
#include <multitudes/persona/reading_axis.hpp>

#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace multitudes {

/// Reads a running session along several axes (of a batch, its first feed; an axis of another
/// width reads nothing): pass it as the observer, then look at `reading`.
class projection_meter {
 public:
  /// `max_tokens`: the longest feed it can watch; later tokens of a feed are not seen.
  projection_meter(std::vector<reading_axis> axes, std::size_t max_tokens)
      : axes_(std::move(axes)),
        readings_(axes_.size() * max_tokens, std::numeric_limits<double>::quiet_NaN()) {}

  void operator()(feed_place place, layer_index layer, std::span<const float> h) const noexcept {
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      if (place.feed != 0 || axes_[a].layer != layer || axes_[a].unit.size() != h.size()) continue;
      const std::size_t at = place.token * axes_.size() + a;
      if (at < readings_.size()) readings_[at] = axes_[a].read(h);
    }
  }

  [[nodiscard]] std::span<const reading_axis> axes() const noexcept { return axes_; }
  /// What the a-th axis read at a token of the last feed; not a number if it saw none.
  [[nodiscard]] double reading(std::size_t a, std::size_t token = 0) const noexcept {
    return readings_[token * axes_.size() + a];
  }

 private:
  std::vector<reading_axis> axes_;
  mutable std::vector<double> readings_;  // (max_tokens, axes); observers are const
};

static_assert(residual_observer<projection_meter>);

}  // namespace multitudes
