// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/lab/corpus/vocabulary.hpp>
#include <multitudes/model/parameters.hpp>

#include <cstdint>
#include <memory>

namespace multitudes::lab {

/// A small model that reads a gazette: weights, and what they came from.
struct student {
  std::shared_ptr<const model::parameters<float>> weights{};
  fingerprint id{};  ///< of everything that decided the weights

  [[nodiscard]] const model::hyper_parameters& shape() const noexcept { return weights->shape(); }
};

/// How large a student is. 64 x 4 is model S; games want 96 x 4.
struct student_size {
  std::uint32_t model_dim = 64;
  std::uint32_t n_layers = 4;
  std::uint32_t n_heads = 4;

  /// With squared ReLU of four times the width, and a head of its own: one that is tied to the
  /// embedding does not learn the facts within the budget.
  [[nodiscard]] model::hyper_parameters shape() const noexcept {
    const std::uint32_t head = n_heads == 0 ? 0 : model_dim / n_heads;
    model::hyper_parameters s{.n_layers = n_layers,
                              .model_dim = model_dim,
                              .n_heads = n_heads,
                              .n_kv_heads = n_heads,
                              .head_dim = head,
                              .ffn_dim = 4 * model_dim,
                              .vocab_size = static_cast<std::uint32_t>(gazette_vocab_size),
                              .context_length = 256};
    s.rotary_dim = head;
    s.feed_forward = model::feed_forward::relu_squared;
    return s;
  }
};

}  // namespace multitudes::lab
