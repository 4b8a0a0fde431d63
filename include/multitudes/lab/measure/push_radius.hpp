// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/lab/measure/perturbed_scorer.hpp>
#include <multitudes/lab/measure/readout.hpp>
#include <multitudes/stats/half_radius.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::lab {

struct push_options {
  std::vector<double> radii{0.5, 1, 2, 4, 8, 16, 32};  ///< norms of the state, rising
  std::size_t n_pushes = 8;                            ///< directions
  layer_index layer{1};                                ///< whose output is pushed
};

/// Width of personas' valleys, r50: texts by each persona are read while every state is pushed by
/// h + size * |h| * u, u random and the same for the whole text, and the push is sought at which
/// half no longer go on as that persona; with the shares that stay. The push may change what the
/// student is good at besides.
///
/// Shapes:  begun (n_personas * n_each), those of a persona together; the result (n_personas).
/// Errors:  those of perturbed_scorer and the readout.
/// Cost:    a forward pass over the texts, with all probes, for each push and radius.
inline expected<std::vector<stats::half_radius>> measure_push_radii(
    thread_pool& workers, const student& who, expectation_readout& r1,
    std::span<const std::vector<token_id>> begun, const push_options& how, philox& random) {
  auto pushed = perturbed_scorer::make(workers, who);
  if (!pushed) return forward_error(pushed);
  const std::size_t n_each = begun.size() / r1.n_personas();
  const std::size_t n_radii = how.radii.size();
  std::vector<std::uint8_t> stays(begun.size() * how.n_pushes * n_radii);
  for (std::size_t d = 0; d < how.n_pushes; ++d) {
    push one{how.layer, 0, random_direction(who.shape().model_dim, random)};
    for (std::size_t r = 0; r < n_radii; ++r) {
      one.size = how.radii[r];
      pushed->set(one);
      auto weights = r1.weights(*pushed, begun);
      if (!weights) return forward_error(weights);
      for (std::size_t i = 0; i < begun.size(); ++i) {
        const auto& w = (*weights)[i];
        const auto best = static_cast<std::size_t>(std::ranges::max_element(w) - w.begin());
        stays[(i * how.n_pushes + d) * n_radii + r] = best == i / n_each ? 1 : 0;
      }
    }
  }
  std::vector<stats::half_radius> found;
  const std::size_t block = n_each * how.n_pushes * n_radii;
  for (std::size_t k = 0; k < r1.n_personas(); ++k) {
    const auto those = std::span<const std::uint8_t>(stays).subspan(k * block, block);
    found.push_back(stats::find_half_radius(how.radii, those, 0.95, 0, random, how.n_pushes));
  }
  return found;
}

}  // namespace multitudes::lab
