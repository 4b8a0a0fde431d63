// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/model/parameters.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>

namespace multitudes::train {

/// Random weights to start from: matrices normal with deviation 0.02, those that add to the
/// residual stream smaller by sqrt(2 n_layers); norms 1. Every tensor draws from its own stream.
///
/// Source:  Radford et al. 2019 ("Language models are unsupervised multitask learners").
template <std::floating_point T>
void initialize(model::parameters<T>& values, std::uint64_t seed) {
  const double depth = std::sqrt(2.0 * static_cast<double>(values.shape().n_layers));
  std::uint64_t stream = 0;
  for (const model::tensor_place& tensor : values.tensors()) {
    const auto to = values.values().subspan(tensor.first, tensor.size());
    philox random(seed, stream++);
    if (!tensor.is_matrix) {
      std::ranges::fill(to, T(1));
      continue;
    }
    const bool adds_to_stream =
        tensor.name.ends_with("attn_output.weight") || tensor.name.ends_with("ffn_down.weight");
    const double deviation = adds_to_stream ? 0.02 / depth : 0.02;
    for (T& x : to) x = static_cast<T>(deviation * static_cast<double>(random.normal()));
  }
}

}  // namespace multitudes::train
