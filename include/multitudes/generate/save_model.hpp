// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/format/gguf_writer.hpp>
#include <multitudes/generate/language_model.hpp>
#include <multitudes/generate/vocabulary_writer.hpp>
#include <multitudes/simd/panel.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// How a model is written down.
struct save_options {
  simd::weight_format format = simd::weight_format::f32;  ///< of the matrices; norms stay F32
  /// More keys with a text each: "general.name", "general.author", "general.description",
  /// "general.license", "tokenizer.chat_template" and the like.
  std::vector<std::pair<std::string, std::string>> metadata = {};
};

/// What became of a model that was written.
struct saved_model {
  /// Matrices whose rows are not whole blocks of the wanted format; they were written as F16.
  std::vector<std::string> in_f16;
};

namespace detail {

constexpr gguf::tensor_type tensor_type_of(simd::weight_format format) noexcept {
  switch (format) {
    case simd::weight_format::f32: return gguf::tensor_type::f32;
    case simd::weight_format::f16: return gguf::tensor_type::f16;
    case simd::weight_format::bf16: return gguf::tensor_type::bf16;
    case simd::weight_format::q8_0: return gguf::tensor_type::q8_0;
    case simd::weight_format::q4_0: break;
  }
  return gguf::tensor_type::q4_0;
}

/// What llama.cpp calls a file with most tensors in that format.
constexpr std::uint32_t file_type_of(simd::weight_format format) noexcept {
  switch (format) {
    case simd::weight_format::f32: return 0;
    case simd::weight_format::f16: return 1;
    case simd::weight_format::bf16: return 32;
    case simd::weight_format::q8_0: return 7;
    case simd::weight_format::q4_0: break;
  }
  return 2;
}

/// The largest magnitude that a format can say: halves end at 65504, and a block's scale is one.
constexpr float largest_weight(simd::weight_format format) noexcept {
  constexpr float largest_half = 65504.0f;
  switch (format) {
    case simd::weight_format::f32: return std::numeric_limits<float>::max();
    case simd::weight_format::f16: return largest_half;
    case simd::weight_format::bf16: return 0x1.fep127f;
    case simd::weight_format::q8_0: return 127 * largest_half;
    case simd::weight_format::q4_0: break;
  }
  return 8 * largest_half;
}

/// A matrix on its way into a file, a row at a time.
class matrix_source {
 public:
  /// Row r of the file is row `order[r]`; without an order, row r.
  matrix_source(std::string name, const simd::weight_matrix& from, simd::weight_format to,
                std::vector<std::size_t> order = {})
      : name_(std::move(name)), from_(from), to_(to), order_(std::move(order)) {}

  expected<void> operator()(byte_sink take) const {
    const simd::weight_matrix shape{to_, from_.rows, from_.cols, nullptr};
    std::vector<float> row(from_.cols);
    std::vector<std::byte> packed(shape.row_bytes());
    expected<void> done;
    for (std::size_t r = 0; r < from_.rows && done; ++r) {
      const std::size_t source = order_.empty() ? r : order_[r];
      simd::unpack_row<simd::native>(from_, source, row);
      for (const float x : row) {
        // Written so that NaN fails as well.
        if (!(std::fabs(x) <= largest_weight(to_))) return refuse(source, x);
      }
      if (from_.format == to_) {
        // Packing again would round again.
        simd::copy_row(from_, source, packed.data());
        done = take(packed);
      } else {
        simd::pack_row(to_, row, packed.data());
        done = take(packed);
      }
    }
    return done;
  }

 private:
  [[nodiscard]] unexpected<error> refuse(std::size_t row, float found) const {
    return fail({.code = errc::non_finite,
                 .operation = "save model",
                 .place = "tensor " + name_ + ", row " + std::to_string(row),
                 .found = std::to_string(found),
                 .expected = "magnitudes of at most " + std::to_string(largest_weight(to_)),
                 .remedy = "choose a format with more range, or look at what trained it"});
  }

  std::string name_;
  simd::weight_matrix from_;
  simd::weight_format to_;
  std::vector<std::size_t> order_;
};

/// Files rotate neighbours. Rows of heads that rotate halves are reordered, queries and keys
/// alike, which changes no product of the two.
inline std::vector<std::size_t> interleaved_rows(const model::hyper_parameters& p,
                                                 std::size_t n_heads) {
  std::vector<std::size_t> order;
  if (p.rotary_layout == simd::rotary_layout::interleaved) return order;
  for (std::size_t head = 0; head < n_heads; ++head) {
    for (std::size_t e = 0; e < p.head_dim; ++e) {
      const std::size_t half = e % 2 * (p.rotary_dim / 2) + e / 2;
      order.push_back(head * p.head_dim + (e < p.rotary_dim ? half : e));
    }
  }
  return order;
}

inline void add_hyper_parameters(gguf::writer& out, const model::hyper_parameters& p) {
  std::string name;
  for (const model::architecture& a : model::architectures) {
    if (a.feed_forward == p.feed_forward) name = a.name;
  }
  const auto key = [&](const char* rest) { return name + "." + rest; };
  out.add("general.architecture", name);
  out.add(key("vocab_size"), p.vocab_size);
  out.add(key("context_length"), p.context_length);
  out.add(key("embedding_length"), p.model_dim);
  out.add(key("block_count"), p.n_layers);
  out.add(key("feed_forward_length"), p.ffn_dim);
  out.add(key("attention.head_count"), p.n_heads);
  out.add(key("attention.head_count_kv"), p.n_kv_heads);
  out.add(key("attention.key_length"), p.head_dim);
  out.add(key("attention.value_length"), p.head_dim);
  out.add(key("attention.layer_norm_rms_epsilon"), p.norm_epsilon);
  out.add(key("rope.dimension_count"), p.rotary_dim);
  out.add(key("rope.freq_base"), p.rotary_base);
  if (p.rotary_scale != 1.0f) {
    out.add(key("rope.scaling.type"), "linear");
    // What is the reciprocal of a float is so again after this: tried for every one.
    out.add(key("rope.scaling.factor"), 1.0f / p.rotary_scale);
  }
}

}  // namespace detail

/// Writes a model as a GGUF file with everything that is needed to run it elsewhere: keys and
/// tensors have llama.cpp's names. A head that is the embedding is not written twice. Rows are
/// converted one at a time; a matrix that has the wanted format already is copied as it is.
/// Like llama.cpp, a matrix whose rows are not whole blocks of a quantised format becomes F16.
///
/// Errors:  non_finite for a weight that the format cannot say, naming tensor and row;
///          invalid_argument for a key given twice; those of `add_vocabulary`; io_failure. The
///          file at `path` is then what it was (see `write_file`).
/// Cost:    memory for a row and the tokenizer's texts.
/// Example: examples/quantize.cpp
inline expected<saved_model> save_model(const language_model& lm, const std::string& path,
                                        const save_options& how = {}) {
  const model::weights& w = *lm.weights;
  const model::hyper_parameters& p = w.shape;
  if (auto ok = validate(p); !ok) return forward_error(ok);
  gguf::writer out;
  detail::add_hyper_parameters(out, p);
  out.add("general.alignment", gguf::default_alignment);
  out.add("general.file_type", detail::file_type_of(how.format));
  if (simd::block_elements(how.format) > 1) out.add("general.quantization_version", 2u);
  for (const auto& [key, text] : how.metadata) out.add(key, std::string_view(text));
  auto vocabulary = lm.tokenizer->with_vocabulary(
      [&](const text::vocabulary& v) { return add_vocabulary(out, v, p.vocab_size); });
  if (!vocabulary) return forward_error(vocabulary);

  saved_model result;
  std::deque<detail::matrix_source> sources;
  const auto matrix = [&](const std::string& name, const simd::weight_matrix& m,
                          std::size_t n_rotated_heads = 0) {
    const bool fits = m.cols % simd::block_elements(how.format) == 0;
    const simd::weight_format format = fits ? how.format : simd::weight_format::f16;
    if (!fits) result.in_f16.push_back(name);
    const auto& source =
        sources.emplace_back(name, m, format, detail::interleaved_rows(p, n_rotated_heads));
    const std::uint64_t dims[] = {m.cols, m.rows};
    out.add_tensor(name, dims, detail::tensor_type_of(format), source);
  };
  const auto vector = [&](const std::string& name, std::span<const float> v) {
    out.add_tensor(name, {v.size()}, gguf::tensor_type::f32, std::as_bytes(v));
  };
  matrix("token_embd.weight", w.embedding);
  for (std::size_t i = 0; i < w.layers.size(); ++i) {
    const model::layer_weights& layer = w.layers[i];
    const std::string block = "blk." + std::to_string(i) + ".";
    vector(block + "attn_norm.weight", layer.attention_norm);
    matrix(block + "attn_q.weight", layer.query, p.n_heads);
    matrix(block + "attn_k.weight", layer.key, p.n_kv_heads);
    matrix(block + "attn_v.weight", layer.value);
    matrix(block + "attn_output.weight", layer.attention_out);
    vector(block + "ffn_norm.weight", layer.ffn_norm);
    if (p.has_gate()) matrix(block + "ffn_gate.weight", layer.gate);
    matrix(block + "ffn_up.weight", layer.up);
    matrix(block + "ffn_down.weight", layer.down);
  }
  vector("output_norm.weight", w.final_norm);
  if (w.head.data != w.embedding.data) matrix("output.weight", w.head);
  if (!w.rotary_divisors.empty()) vector("rope_freqs.weight", w.rotary_divisors);
  if (auto done = out.save(path); !done) return forward_error(done);
  return result;
}

}  // namespace multitudes
