// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/space.hpp>
#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/generate/vocabulary_file.hpp>
#include <multitudes/model/load.hpp>
#include <multitudes/text/tokenizer.hpp>

#include <memory>
#include <string>
#include <utility>

namespace multitudes {

/// A model that can read and write text: weights and tokenizer. Copies share both.
struct language_model {
  std::shared_ptr<const model::weights> weights;
  std::shared_ptr<const text::tokenizer> tokenizer;

  [[nodiscard]] const model::hyper_parameters& shape() const noexcept { return weights->shape; }

  /// The space of this model's directions.
  [[nodiscard]] activation_space space() const noexcept {
    return {weights->id, hook_point::residual_stream, shape().n_layers, shape().model_dim};
  }
};

/// How a model file is brought into memory.
struct load_options {
  bool map = false;  ///< map the file instead of reading it; it must then not change on disk
};

/// Makes a language model of an opened file.
///
/// Errors:  those of model::load and read_vocabulary; shape_mismatch if the tokenizer knows more
///          pieces than the model has embeddings.
inline expected<language_model> make_language_model(gguf::file file) {
  auto shared = std::make_shared<const gguf::file>(std::move(file));
  auto tokenizer = read_tokenizer(*shared);
  if (!tokenizer) return forward_error(tokenizer);
  auto weights = model::load(shared);
  if (!weights) return forward_error(weights);
  if (tokenizer->vocab_size() > weights->shape.vocab_size) {
    return fail({.code = errc::shape_mismatch,
                 .operation = "load model",
                 .place = "key tokenizer.ggml.tokens",
                 .found = std::to_string(tokenizer->vocab_size()) + " pieces",
                 .expected = "at most " + std::to_string(weights->shape.vocab_size) +
                             ", the rows of token_embd.weight",
                 .remedy = "the tokenizer belongs to another model"});
  }
  return language_model{std::make_shared<const model::weights>(*std::move(weights)),
                        std::make_shared<const text::tokenizer>(*std::move(tokenizer))};
}

/// Loads a model of the Llama family from a GGUF file.
///
/// Errors:  io_failure, truncated, malformed or unsupported, naming the place in the file.
/// Cost:    one read of the file, or none if mapped.
/// Example: examples/smallest.cpp
inline expected<language_model> load_model(const std::string& path, load_options how = {}) {
  auto file = how.map ? gguf::file::map(path) : gguf::file::read(path);
  if (!file) return forward_error(file);
  return make_language_model(*std::move(file));
}

}  // namespace multitudes
