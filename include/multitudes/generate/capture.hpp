// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/batch.hpp>

#include <algorithm>
#include <span>
#include <vector>

namespace multitudes {

/// Keeps the residual rows of chosen layers while a batch evaluates: pass it as the observer.
/// Each row has a place of its own, so that threads do not meet.
class capture {
 public:
  /// Makes room for the tokens of these feeds. Layers may come in any order; those that the
  /// model does not have stay zero, and so does everything if `model_dim` is not the model's.
  ///
  /// Cost:    tokens * layers * model_dim floats.
  capture(std::span<const feed> feeds, std::span<const layer_index> layers, std::size_t model_dim)
      : width_(model_dim), layers_(layers.begin(), layers.end()) {
    starts_.reserve(feeds.size());
    std::size_t n_tokens = 0;
    for (const feed& f : feeds) {
      starts_.push_back(n_tokens);
      n_tokens += f.tokens.size();
    }
    rows_.resize(n_tokens * layers_.size() * width_);
  }

  void operator()(feed_place place, layer_index layer, std::span<const float> h) const noexcept {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      if (layers_[l] != layer || h.size() != width_) continue;
      std::copy(h.begin(), h.end(), rows_.begin() + at(place, l));
    }
  }

  /// The row of one token at the l-th chosen layer: (model_dim).
  [[nodiscard]] std::span<const float> row(feed_place place, std::size_t l) const noexcept {
    return {rows_.data() + at(place, l), width_};
  }

 private:
  [[nodiscard]] std::ptrdiff_t at(feed_place place, std::size_t l) const noexcept {
    const std::size_t token = starts_[place.feed] + place.token;
    return static_cast<std::ptrdiff_t>((token * layers_.size() + l) * width_);
  }

  std::size_t width_;
  std::vector<layer_index> layers_;
  std::vector<std::size_t> starts_;  // (feeds)
  mutable std::vector<float> rows_;  // (tokens, layers, model_dim); observers are const
};

static_assert(residual_observer<capture>);

}  // namespace multitudes
