// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/model/parameters.hpp>
#include <multitudes/train/dataset.hpp>
#include <multitudes/train/initialize.hpp>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace multitudes_test {

inline multitudes::model::hyper_parameters small_shape(std::uint32_t vocab_size = 12) {
  multitudes::model::hyper_parameters p;
  p.n_layers = 1;
  p.model_dim = 16;
  p.n_heads = 2;
  p.n_kv_heads = 1;
  p.head_dim = 8;
  p.ffn_dim = 24;
  p.vocab_size = vocab_size;
  p.context_length = 32;
  p.rotary_dim = 8;
  p.feed_forward = multitudes::model::feed_forward::relu_squared;
  return p;
}

inline multitudes::model::parameters<float> small_model(std::uint32_t vocab_size = 12,
                                                        std::uint64_t seed = 1,
                                                        bool tied_head = false) {
  auto made = multitudes::model::parameters<float>::make(small_shape(vocab_size), tied_head);
  multitudes::train::initialize(*made, seed);
  return *std::move(made);
}

/// Runs what the parameters are now, and what they are trained to be. No tokenizer: nothing here
/// reads text.
inline multitudes::language_model speaker(const multitudes::model::parameters<float>& p) {
  return {std::make_shared<const multitudes::model::weights>(p.as_weights()), nullptr};
}

inline std::vector<multitudes::token_id> tokens_of(std::initializer_list<std::uint32_t> values) {
  std::vector<multitudes::token_id> tokens;
  for (const std::uint32_t v : values) tokens.emplace_back(v);
  return tokens;
}

inline std::vector<multitudes::token_id> random_tokens(std::size_t n, std::uint32_t vocab_size,
                                                       std::uint64_t seed) {
  multitudes::philox random(seed);
  std::vector<multitudes::token_id> tokens;
  while (tokens.size() < n) tokens.emplace_back(random.below(vocab_size));
  return tokens;
}

/// Which error it is; nothing for a value.
template <class T>
std::string code_of(const multitudes::expected<T>& outcome) {
  return outcome ? std::string() : std::string(name(outcome.error().code));
}

/// Documents of counted-up tokens, so that there is something to learn.
inline multitudes::train::dataset counting(std::size_t n_documents, std::uint32_t vocab_size,
                                           std::uint64_t seed = 5) {
  multitudes::philox random(seed);
  multitudes::train::dataset data;
  std::vector<multitudes::token_id> tokens;
  for (std::size_t d = 0; d < n_documents; ++d) {
    tokens.clear();
    std::uint32_t next = random.below(vocab_size);
    for (std::uint32_t n = 2 + random.below(30); n > 0; --n) {
      tokens.emplace_back(next);
      next = (next + 1) % vocab_size;
    }
    data.add(tokens);
  }
  return data;
}

}  // namespace multitudes_test
