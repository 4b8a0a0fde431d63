// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/batch.hpp>
#include <multitudes/steering/monitor.hpp>

#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace multitudes {

/// Reads one evaluation of a batch (its first feed) or session along several axes, without being
/// attached to it: pass it as the observer, then look at `reading`. To read a conversation as it
/// goes on, `watch` it.
class projection_meter {
 public:
  /// `max_tokens`: the longest feed it can watch; later tokens of a feed are not seen.
  ///
  /// Errors:  those of monitor::make; space_mismatch if the axes are not of this space.
  static expected<projection_meter> make(const activation_space& space,
                                         std::vector<reading_axis> axes, std::size_t max_tokens) {
    auto what = steering::monitor::make(std::move(axes));
    if (!what) return forward_error(what);
    const reading_axis& first = what->axes()[0];
    if (first.space != space) {
      return fail({.code = errc::space_mismatch,
                   .operation = "read along " + first.label,
                   .place = "axis",
                   .found = to_string(first.space),
                   .expected = to_string(space),
                   .remedy = "learn the axes on this model"});
    }
    return projection_meter(*std::move(what), max_tokens);
  }

  void operator()(feed_place place, layer_index layer, std::span<const float> h) const noexcept {
    const std::size_t n = axes().size();
    if (place.feed != 0 || place.token >= readings_.size() / n) return;
    what_.read(layer, h, std::span(readings_).subspan(place.token * n, n));
  }

  [[nodiscard]] std::span<const reading_axis> axes() const noexcept { return what_.axes(); }
  /// What the a-th axis read at a token of the last feed; not a number if it saw none.
  [[nodiscard]] double reading(std::size_t a, std::size_t token = 0) const noexcept {
    return static_cast<double>(readings_[token * axes().size() + a]);
  }

 private:
  projection_meter(steering::monitor what, std::size_t max_tokens)
      : what_(std::move(what)),
        readings_(axes().size() * max_tokens, std::numeric_limits<float>::quiet_NaN()) {}

  steering::monitor what_;
  mutable std::vector<float> readings_;  // (max_tokens, axes); observers are const
};

static_assert(residual_observer<projection_meter>);

}  // namespace multitudes
