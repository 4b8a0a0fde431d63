// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/persona/persona.hpp>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// The control for every claim about a direction: one that points anywhere, with the same norm at
/// each layer. What it achieves is what pushing alone achieves.
///
/// Errors:  those of direction::make.
inline expected<persona> random_control(const direction& like, std::uint64_t seed) {
  const activation_space space = like.space();
  std::vector<float> values(like.values().size(), 0.0f);
  for (std::size_t l = 0; l < space.n_layers; ++l) {
    const double wanted = like.norm(layer_index(l));
    if (wanted == 0) continue;
    philox random(seed, l);
    const auto row = std::span(values).subspan(l * space.model_dim, space.model_dim);
    double squares = 0;
    for (float& element : row) {
      element = random.normal();
      squares += static_cast<double>(element) * static_cast<double>(element);
    }
    const double scale = wanted / std::sqrt(squares);
    for (float& element : row) element = static_cast<float>(element * scale);
  }
  auto d = direction::make(space, values);
  if (!d) return forward_error(d);
  return persona::make("random " + std::to_string(seed), *std::move(d));
}

}  // namespace multitudes
