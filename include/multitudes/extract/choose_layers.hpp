// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/extract/evidence.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace multitudes {

/// Neighbouring layers, both ends included, and the best among them.
struct layer_range {
  layer_index first;
  layer_index last;
  layer_index best;

  friend constexpr bool operator==(const layer_range&, const layer_range&) = default;
};

struct layer_choice_options {
  double share = 0.8;          ///< of the best effect that a neighbour must have
  bool spare_the_last = true;  ///< leave the last layer out: readings behind steering need one
};

/// Chooses the layers to steer: the layer with the largest held-out effect among those that are
/// told from chance (`is_above_chance`), and around it the neighbours that reach a share of that
/// effect, without a gap. `p | only_layers(chosen.first, chosen.last)` then steers there.
///
/// Held-out effects say where the two kinds of text differ most clearly, which is near where
/// pushing does most, and not the same: a dose curve tells.
///
/// Errors:  not_found if no layer is told from chance.
inline expected<layer_range> choose_layers(std::span<const layer_evidence> layers,
                                           const layer_choice_options& options = {}) {
  const std::size_t end = layers.size() - (options.spare_the_last && layers.size() > 2 ? 1 : 0);
  std::size_t best = end;
  for (std::size_t l = 0; l < end; ++l) {
    if (!layers[l].is_above_chance()) continue;
    if (best == end || layers[l].effect_size > layers[best].effect_size) best = l;
  }
  if (best == end) {
    return fail({.code = errc::not_found,
                 .operation = "choose layers",
                 .place = std::to_string(layers.size()) + " layers",
                 .found = "none whose effect is told from chance",
                 .expected = "an interval above zero, and above every shuffled control",
                 .remedy = "write more pairs, or pairs that differ in little but the trait"});
  }
  const auto reaches = [&](std::size_t l) {
    return layers[l].is_above_chance() &&
           layers[l].effect_size >= options.share * layers[best].effect_size;
  };
  std::size_t first = best;
  std::size_t last = best;
  while (first > 0 && reaches(first - 1)) --first;
  while (last + 1 < end && reaches(last + 1)) ++last;
  return layer_range{layer_index(first), layer_index(last), layer_index(best)};
}

}  // namespace multitudes
