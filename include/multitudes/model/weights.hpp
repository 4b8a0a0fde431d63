// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/fingerprint.hpp>
#include <multitudes/model/hyper_parameters.hpp>
#include <multitudes/simd/weight_format.hpp>

#include <memory>
#include <span>
#include <vector>

namespace multitudes::model {

/// One block: attention and a feed-forward, each behind a norm and added to the stream.
struct layer_weights {
  std::span<const float> attention_norm;  // (model_dim)
  simd::weight_matrix query;              // (n_heads * head_dim, model_dim)
  simd::weight_matrix key;                // (n_kv_heads * head_dim, model_dim)
  simd::weight_matrix value;              // (n_kv_heads * head_dim, model_dim)
  simd::weight_matrix attention_out;      // (model_dim, n_heads * head_dim)
  std::span<const float> ffn_norm;        // (model_dim)
  simd::weight_matrix gate;               // (ffn_dim, model_dim); no rows without a gate
  simd::weight_matrix up;                 // (ffn_dim, model_dim)
  simd::weight_matrix down;               // (model_dim, ffn_dim)
};

/// All the numbers of a model, wherever they lie: views into `storage`, which keeps them alive.
/// Cheap to copy, safe to share between threads.
struct weights {
  hyper_parameters shape;
  simd::weight_matrix embedding;           // (vocab_size, model_dim)
  std::vector<layer_weights> layers;       // n_layers
  std::span<const float> final_norm;       // (model_dim)
  simd::weight_matrix head;                // (vocab_size, model_dim); the embedding if tied
  std::span<const float> rotary_divisors;  // (rotary_dim / 2), or empty: all 1
  fingerprint id;                          ///< differs between any two trained models
  std::shared_ptr<const void> storage;
};

}  // namespace multitudes::model
