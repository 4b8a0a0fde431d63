// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/batch.hpp>
#include <multitudes/persona/reading_axis.hpp>

#include <span>
#include <utility>
#include <vector>

namespace multitudes {

/// Reads a running session along several axes: pass it as the observer, then look at `reading`.
class projection_meter {
 public:
  /// `max_tokens`: the longest feed it can watch; later tokens of a feed are not seen.
  projection_meter(std::vector<reading_axis> axes, std::size_t max_tokens)
      : axes_(std::move(axes)), readings_(axes_.size() * max_tokens) {}

  void operator()(feed_place place, layer_index layer, std::span<const float> h) const noexcept {
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      if (axes_[a].layer != layer) continue;
      const std::size_t at = place.token * axes_.size() + a;
      if (at < readings_.size()) readings_[at] = axes_[a].read(h);
    }
  }

  [[nodiscard]] std::span<const reading_axis> axes() const noexcept { return axes_; }
  /// What the a-th axis read at a token of the last feed.
  [[nodiscard]] double reading(std::size_t a, std::size_t token = 0) const noexcept {
    return readings_[token * axes_.size() + a];
  }

 private:
  std::vector<reading_axis> axes_;
  mutable std::vector<double> readings_;  // (max_tokens, axes); observers are const
};

static_assert(residual_observer<projection_meter>);

}  // namespace multitudes
