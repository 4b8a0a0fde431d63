// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/generate/vocabulary_file.hpp>
#include <multitudes/model/load.hpp>
#include <multitudes/model/pack.hpp>
#include <multitudes/model/packed_file.hpp>
#include <multitudes/text/tokenizer.hpp>

#include <memory>
#include <optional>
#include <span>
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

/// What became of a file of packed weights.
struct packed_file_outcome {
  bool used = false;
  std::optional<error> not_used = {};     ///< io_failure too where there was none yet
  std::optional<error> not_written = {};  ///< why the next program will have to pack again
};

/// How a model file is brought into memory.
struct load_options {
  /// Run the weights as they lie in the file, mapped and not copied: nothing to wait for, memory
  /// shared between processes, but much slower to decode with (bench/simd/kernel_set.cpp has both
  /// layouts). The file must then not change on disk.
  bool map = false;
  /// A file that keeps the weights in the order in which products read them, beside the model or
  /// wherever there is room: as large as the model, made by the first loading and mapped by every
  /// later one, which packs nothing and shares its memory with other processes. One that is
  /// damaged or another model's is not used, and replaced; a file of another kind is not touched.
  /// Empty: none. The file must not change while it is in use.
  std::string packed_file = {};
  packed_file_outcome* outcome = nullptr;  ///< told what became of it
};

/// Makes a language model of an opened file.
///
/// Errors:  those of model::load and read_vocabulary; shape_mismatch if the tokenizer knows more
///          pieces than the model has embeddings.
inline expected<language_model> make_language_model(std::shared_ptr<const gguf::file> shared) {
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

inline expected<language_model> make_language_model(gguf::file file) {
  return make_language_model(std::make_shared<const gguf::file>(std::move(file)));
}

/// Told now and then how much of a model is in memory, in bytes.
using load_progress = function_ref<void(std::size_t done, std::size_t in_all)>;

namespace detail {

/// Replaces mapped weights by packed ones, and lets go of the file piece by piece.
template <executor E>
expected<void> pack_model(language_model& lm, const gguf::file& file, E& workers,
                          load_progress progress) {
  const auto after_each = [&](std::span<const std::byte> packed, std::size_t done,
                              std::size_t in_all) {
    file.let_go(packed);
    progress(done, in_all);
  };
  auto packed = model::pack(*lm.weights, workers, after_each);
  if (!packed) return forward_error(packed);
  lm.weights = std::make_shared<const model::weights>(*std::move(packed));
  return {};
}

}  // namespace detail

/// Loads a model of the Llama family from a GGUF file. The workers bring its weights into the
/// order in which products read them; the file is mapped meanwhile and must not change.
///
/// Errors:  io_failure, truncated, malformed or unsupported, naming the place in the file;
///          out_of_memory; invalid_argument for weights that shall be mapped both ways. That a
///          packed file cannot be used or written is none: `outcome` has it.
/// Cost:    one copy of the weights, and as much memory as they have in the file; nothing of both
///          if they stay mapped. With a packed file one pass over it, and for the loading that
///          makes it, one writing that waits for the disk.
/// Example: examples/smallest.cpp
template <executor E>
expected<language_model> load_model(const std::string& path, E& workers, load_progress progress,
                                    load_options how = {}) {
  auto file = gguf::file::map(path);
  if (!file) return forward_error(file);
  const auto shared = std::make_shared<const gguf::file>(*std::move(file));
  auto lm = make_language_model(shared);
  if (!lm) return lm;
  const bool has_file = !how.packed_file.empty();
  if (how.map && has_file) {
    return fail({.code = errc::invalid_argument,
                 .operation = "load model",
                 .place = "load_options",
                 .found = "map and packed_file",
                 .expected = "one of them",
                 .remedy = "leave out map: a packed file is mapped too"});
  }
  if (how.map) return lm;
  packed_file_outcome outcome;
  if (has_file) {
    // Looked at here and there, for the model's id; the rest of its pages came along.
    for (const gguf::tensor& tensor : shared->tensors()) shared->let_go(tensor.data);
    auto ready = model::read_packed(how.packed_file, *lm->weights, workers);
    outcome.used = ready.has_value();
    if (ready) {
      lm->weights = std::make_shared<const model::weights>(*std::move(ready));
    } else {
      outcome.not_used = std::move(ready).error();
    }
  }
  if (!outcome.used) {
    if (auto ok = detail::pack_model(*lm, *shared, workers, progress); !ok)
      return forward_error(ok);
    if (has_file) {
      auto written = model::write_packed(how.packed_file, *lm->weights, workers);
      if (!written) outcome.not_written = std::move(written).error();
    }
  }
  if (how.outcome != nullptr) *how.outcome = std::move(outcome);
  return lm;
}
template <executor E>
expected<language_model> load_model(const std::string& path, E& workers, load_options how = {}) {
  return load_model(
      path, workers, [](std::size_t, std::size_t) {}, how);
}
/// The same on the caller's thread alone.
inline expected<language_model> load_model(const std::string& path, load_options how = {}) {
  inline_executor here;
  return load_model(path, here, how);
}

}  // namespace multitudes
