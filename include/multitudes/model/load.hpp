// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/model/weights.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>

namespace multitudes::model {

namespace detail {

inline expected<simd::weight_format> weight_format_of(const gguf::tensor& tensor) {
  switch (tensor.type) {
    case gguf::tensor_type::f32: return simd::weight_format::f32;
    case gguf::tensor_type::f16: return simd::weight_format::f16;
    case gguf::tensor_type::bf16: return simd::weight_format::bf16;
    case gguf::tensor_type::q8_0: return simd::weight_format::q8_0;
    case gguf::tensor_type::q4_0: return simd::weight_format::q4_0;
    default:
      return fail({.code = errc::unsupported,
                   .operation = "load model",
                   .place = "tensor " + std::string(tensor.name),
                   .found = "type " + std::string(gguf::name(tensor.type)),
                   .expected = "F32, F16, BF16, Q8_0 or Q4_0",
                   .remedy = "convert the file to one of these"});
  }
}

/// Takes tensors out of a file by name and shape, and remembers which were taken: one that
/// stays behind is a part of the model that would silently be left out.
class tensor_source {
 public:
  explicit tensor_source(const gguf::file& file)
      : file_(&file), used_(file.tensors().size(), false) {}

  [[nodiscard]] bool has(const std::string& name) const {
    return file_->find_tensor(name) != nullptr;
  }

  expected<simd::weight_matrix> matrix(const std::string& name, std::size_t rows,
                                       std::size_t cols) {
    auto tensor = take(name, {cols, rows}, 2);
    if (!tensor) return forward_error(tensor);
    auto format = weight_format_of(**tensor);
    if (!format) return forward_error(format);
    return simd::weight_matrix{*format, rows, cols, (*tensor)->data.data()};
  }

  expected<std::span<const float>> vector(const std::string& name, std::size_t size) {
    auto tensor = take(name, {size, 1}, 1);
    if (!tensor) return forward_error(tensor);
    if ((*tensor)->type != gguf::tensor_type::f32) {
      return fail({.code = errc::unsupported,
                   .operation = "load model",
                   .place = "tensor " + name,
                   .found = "type " + std::string(gguf::name((*tensor)->type)),
                   .expected = "F32",
                   .remedy = "norms and factors are kept in full precision"});
    }
    return std::span<const float>(reinterpret_cast<const float*>((*tensor)->data.data()), size);
  }

  /// Errors:  unsupported, naming the first tensor that nothing took.
  [[nodiscard]] expected<void> all_taken() const {
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (used_[i]) continue;
      return fail({.code = errc::unsupported,
                   .operation = "load model",
                   .place = "tensor " + std::string(file_->tensors()[i].name),
                   .found = "a tensor that the architecture does not have",
                   .expected = "only tensors that take part in the forward pass",
                   .remedy = "the model needs an architecture that is not implemented here"});
    }
    return {};
  }

 private:
  expected<const gguf::tensor*> take(const std::string& name, std::array<std::size_t, 2> dims,
                                     std::uint32_t n_dims) {
    const gguf::tensor* tensor = file_->find_tensor(name);
    if (tensor == nullptr) {
      return fail({.code = errc::not_found,
                   .operation = "load model",
                   .place = "tensor " + name,
                   .found = "no such tensor",
                   .expected = {},
                   .remedy = "the file is incomplete or of another architecture"});
    }
    bool fits = true;
    std::string found;
    for (std::uint32_t d = 0; d < tensor->n_dims; ++d) {
      fits = fits && tensor->dims[d] == (d < 2 ? dims[d] : 1);
      found += (d > 0 ? " x " : "") + std::to_string(tensor->dims[d]);
    }
    if (!fits || tensor->n_dims < n_dims) {
      return fail({.code = errc::shape_mismatch,
                   .operation = "load model",
                   .place = "tensor " + name,
                   .found = found,
                   .expected = std::to_string(dims[0]) + " x " + std::to_string(dims[1]),
                   .remedy = "the tensor contradicts the file's hyper-parameters"});
    }
    used_[static_cast<std::size_t>(tensor - file_->tensors().data())] = true;
    return tensor;
  }

  const gguf::file* file_;
  std::vector<bool> used_;
};

inline expected<std::uint32_t> small_number(const gguf::file& file, const std::string& key,
                                            std::uint64_t otherwise) {
  if (file.find(key) == nullptr) return static_cast<std::uint32_t>(otherwise);
  auto number = file.unsigned_at(key);
  if (!number) return forward_error(number);
  if (*number > std::numeric_limits<std::uint32_t>::max()) {
    return fail({.code = errc::malformed,
                 .operation = "load model",
                 .place = "key " + key,
                 .found = std::to_string(*number),
                 .expected = "a number below 2^32",
                 .remedy = "the file is damaged"});
  }
  return static_cast<std::uint32_t>(*number);
}

inline expected<float> real(const gguf::file& file, const std::string& key, float otherwise) {
  if (file.find(key) == nullptr) return otherwise;
  auto number = file.real_at(key);
  if (!number) return forward_error(number);
  return static_cast<float>(*number);
}

/// A model's identity without reading all of it: its shape, and of each tensor the name, type,
/// dimensions and 64 spread samples of 8 bytes. Training changes every matrix everywhere, so
/// samples tell models apart.
inline fingerprint fingerprint_of(const hyper_parameters& p, const gguf::file& file) {
  fingerprint_builder id;
  id.add(p.n_layers).add(p.n_heads).add(p.n_kv_heads).add(p.head_dim).add(p.rotary_dim);
  // Added only where it is not the usual one, so that no older fingerprint changes.
  if (!p.has_gate()) id.add(static_cast<std::uint64_t>(p.feed_forward));
  for (const float x : {p.norm_epsilon, p.rotary_base, p.rotary_scale}) {
    id.add(std::bit_cast<std::uint32_t>(x));
  }
  for (const gguf::tensor& tensor : file.tensors()) {
    id.add(tensor.name).add(static_cast<std::uint64_t>(tensor.type));
    for (const std::uint64_t dim : tensor.dims) id.add(dim);
    const std::size_t words = tensor.data.size() / 8;
    const std::size_t step = std::max<std::size_t>(words / 64, 1);
    for (std::size_t w = 0; w < words; w += step) id.add(tensor.data.subspan(w * 8, 8));
  }
  return id.finish();
}

}  // namespace detail

/// An architecture by the name that GGUF files give it, the prefix of their keys.
struct architecture {
  std::string_view name;
  model::feed_forward feed_forward;
};

/// What can be run; "arcee" is Llama with another feed-forward.
inline constexpr architecture architectures[] = {{"llama", feed_forward::swiglu},
                                                 {"arcee", feed_forward::relu_squared}};

/// Reads the hyper-parameters of a model of the Llama family from a file's metadata.
///
/// Errors:  unsupported if the architecture or the kind of rotary scaling is another one;
///          not_found, malformed or invalid_argument, naming the key.
inline expected<hyper_parameters> read_hyper_parameters(const gguf::file& file) {
  auto name = file.string_at("general.architecture");
  if (!name) return forward_error(name);
  const architecture* known = std::find_if(std::begin(architectures), std::end(architectures),
                                           [&](const architecture& a) { return a.name == *name; });
  if (known == std::end(architectures)) {
    return fail({.code = errc::unsupported,
                 .operation = "load model",
                 .place = "key general.architecture",
                 .found = std::string(*name),
                 .expected = "llama or arcee",
                 .remedy = "only models of the Llama family can be run"});
  }
  const auto key = [&](const char* rest) { return std::string(known->name) + "." + rest; };
  bool scales_positions = true;
  const std::string scaling_key = key("rope.scaling.type");
  if (file.find(scaling_key) != nullptr) {
    auto scaling = file.string_at(scaling_key);
    if (!scaling) return forward_error(scaling);
    if (*scaling != "none" && *scaling != "linear") {
      return fail({.code = errc::unsupported,
                   .operation = "load model",
                   .place = "key " + scaling_key,
                   .found = std::string(*scaling),
                   .expected = "none or linear",
                   .remedy = "this kind of context extension is not implemented"});
    }
    scales_positions = *scaling == "linear";
  }
  hyper_parameters p;
  p.feed_forward = known->feed_forward;
  const struct {
    const char* key;
    std::uint32_t hyper_parameters::*field;
  } required[] = {{"block_count", &hyper_parameters::n_layers},
                  {"context_length", &hyper_parameters::context_length},
                  {"embedding_length", &hyper_parameters::model_dim},
                  {"feed_forward_length", &hyper_parameters::ffn_dim},
                  {"attention.head_count", &hyper_parameters::n_heads}};
  for (const auto& entry : required) {
    if (auto present = file.unsigned_at(key(entry.key)); !present) return forward_error(present);
    auto number = detail::small_number(file, key(entry.key), 0);
    if (!number) return forward_error(number);
    p.*entry.field = *number;
  }
  const std::uint32_t equal_share = p.n_heads == 0 ? 0 : p.model_dim / p.n_heads;
  auto n_kv_heads = detail::small_number(file, key("attention.head_count_kv"), p.n_heads);
  if (!n_kv_heads) return forward_error(n_kv_heads);
  p.n_kv_heads = *n_kv_heads;
  auto head_dim = detail::small_number(file, key("attention.key_length"), equal_share);
  if (!head_dim) return forward_error(head_dim);
  p.head_dim = *head_dim;
  auto value_dim = detail::small_number(file, key("attention.value_length"), p.head_dim);
  if (!value_dim) return forward_error(value_dim);
  if (*value_dim != p.head_dim) {
    return fail({.code = errc::unsupported,
                 .operation = "load model",
                 .place = "key " + key("attention.value_length"),
                 .found = std::to_string(*value_dim),
                 .expected = "the key length, " + std::to_string(p.head_dim),
                 .remedy = {}});
  }
  auto rotary_dim = detail::small_number(file, key("rope.dimension_count"), p.head_dim);
  if (!rotary_dim) return forward_error(rotary_dim);
  p.rotary_dim = *rotary_dim;
  auto epsilon = detail::real(file, key("attention.layer_norm_rms_epsilon"), 1e-5f);
  if (!epsilon) return forward_error(epsilon);
  p.norm_epsilon = *epsilon;
  auto base = detail::real(file, key("rope.freq_base"), 10000.0f);
  if (!base) return forward_error(base);
  p.rotary_base = *base;
  auto factor = detail::real(file, key("rope.scaling.factor"), 1.0f);
  if (!factor) return forward_error(factor);
  p.rotary_scale = !scales_positions || *factor == 0.0f ? 1.0f : 1.0f / *factor;
  const gguf::tensor* embedding = file.find_tensor("token_embd.weight");
  if (embedding != nullptr && embedding->dims[1] <= std::numeric_limits<std::uint32_t>::max()) {
    p.vocab_size = static_cast<std::uint32_t>(embedding->dims[1]);
  }
  if (auto ok = validate(p); !ok) return forward_error(ok);
  return p;
}

/// Makes a model of a file. Nothing is copied: the weights keep the file alive.
///
/// Errors:  not_found, shape_mismatch or unsupported, naming the tensor; see
///          read_hyper_parameters for the rest; non_finite for bad rotary divisors.
/// Cost:    independent of the number of weights, apart from the file's own reading.
inline expected<weights> load(std::shared_ptr<const gguf::file> file) {
  auto shape = read_hyper_parameters(*file);
  if (!shape) return forward_error(shape);
  const hyper_parameters& p = *shape;

  weights w;
  w.shape = p;
  w.id = detail::fingerprint_of(p, *file);
  detail::tensor_source tensors(*file);
  expected<void> outcome;
  const auto matrix = [&](simd::weight_matrix& into, const std::string& name, std::size_t rows,
                          std::size_t cols) {
    if (!outcome) return;
    auto found = tensors.matrix(name, rows, cols);
    if (found)
      into = *found;
    else
      outcome = forward_error(found);
  };
  const auto vector = [&](std::span<const float>& into, const std::string& name, std::size_t size) {
    if (!outcome) return;
    auto found = tensors.vector(name, size);
    if (found)
      into = *found;
    else
      outcome = forward_error(found);
  };

  matrix(w.embedding, "token_embd.weight", p.vocab_size, p.model_dim);
  vector(w.final_norm, "output_norm.weight", p.model_dim);
  w.head = w.embedding;
  if (tensors.has("output.weight")) matrix(w.head, "output.weight", p.vocab_size, p.model_dim);
  if (tensors.has("rope_freqs.weight")) {
    vector(w.rotary_divisors, "rope_freqs.weight", p.rotary_dim / 2);
  }
  for (const float divisor : w.rotary_divisors) {
    if (divisor > 0 && std::isfinite(divisor)) continue;
    return fail({.code = errc::non_finite,
                 .operation = "load model",
                 .place = "tensor rope_freqs.weight",
                 .found = std::to_string(divisor),
                 .expected = "numbers above 0",
                 .remedy = "the file is damaged"});
  }
  for (std::uint32_t i = 0; i < p.n_layers && outcome; ++i) {
    const std::string block = "blk." + std::to_string(i) + ".";
    layer_weights& layer = w.layers.emplace_back();
    vector(layer.attention_norm, block + "attn_norm.weight", p.model_dim);
    matrix(layer.query, block + "attn_q.weight", p.query_dim(), p.model_dim);
    matrix(layer.key, block + "attn_k.weight", p.kv_dim(), p.model_dim);
    matrix(layer.value, block + "attn_v.weight", p.kv_dim(), p.model_dim);
    matrix(layer.attention_out, block + "attn_output.weight", p.model_dim, p.query_dim());
    vector(layer.ffn_norm, block + "ffn_norm.weight", p.model_dim);
    if (p.has_gate()) matrix(layer.gate, block + "ffn_gate.weight", p.ffn_dim, p.model_dim);
    matrix(layer.up, block + "ffn_up.weight", p.ffn_dim, p.model_dim);
    matrix(layer.down, block + "ffn_down.weight", p.model_dim, p.ffn_dim);
  }
  if (outcome) outcome = tensors.all_taken();
  if (!outcome) return forward_error(outcome);
  w.storage = std::move(file);
  return w;
}

}  // namespace multitudes::model
