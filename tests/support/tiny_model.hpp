// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/format/gguf_writer.hpp>
#include <multitudes/generate/language_model.hpp>
#include <multitudes/simd/weight_format.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes_test {

/// Tokens: 0 <unk>, 1 <s>, 2 </s>, then the 256 bytes, then the space and small letters.
inline constexpr std::uint32_t tiny_vocab_size = 3 + 256 + 27;

/// A model of random weights with a real tokenizer (bytes and a few letters), small enough to be
/// made for every test.
struct tiny_model_options {
  std::uint32_t n_layers = 3;
  std::uint32_t model_dim = 32;
  std::uint32_t n_heads = 4;
  std::uint32_t n_kv_heads = 2;
  std::uint32_t ffn_dim = 96;
  std::uint32_t context = 160;
  multitudes::simd::weight_format format = multitudes::simd::weight_format::f32;
  bool tied = false;
  multitudes::model::feed_forward feed_forward = multitudes::model::feed_forward::swiglu;
  std::uint64_t seed = 1;
  std::uint32_t vocab_rows = tiny_vocab_size;  ///< of embedding and head; more have no token
  bool rough = false;  ///< even instead of normal weights, which take a tenth of the time
  std::vector<std::string> without = {};  ///< keys and tensors to leave out, or to add otherwise
};

class tiny_gguf {
 public:
  explicit tiny_gguf(const tiny_model_options& o) : options_(o) {
    const bool has_gate = o.feed_forward == multitudes::model::feed_forward::swiglu;
    const std::string architecture = has_gate ? "llama" : "arcee";
    key("general.architecture", architecture);
    key(architecture + ".block_count", o.n_layers);
    key(architecture + ".context_length", o.context);
    key(architecture + ".embedding_length", o.model_dim);
    key(architecture + ".feed_forward_length", o.ffn_dim);
    key(architecture + ".attention.head_count", o.n_heads);
    key(architecture + ".attention.head_count_kv", o.n_kv_heads);
    key(architecture + ".attention.layer_norm_rms_epsilon", 1e-5f);
    add_vocabulary();
    const std::uint32_t kv_dim = o.model_dim / o.n_heads * o.n_kv_heads;
    matrix("token_embd.weight", o.vocab_rows, o.model_dim, 1.0f);
    vector("output_norm.weight", o.model_dim);
    if (!o.tied) matrix("output.weight", o.vocab_rows, o.model_dim, scale(o.model_dim));
    for (std::uint32_t i = 0; i < o.n_layers; ++i) {
      const std::string block = "blk." + std::to_string(i) + ".";
      vector(block + "attn_norm.weight", o.model_dim);
      matrix(block + "attn_q.weight", o.model_dim, o.model_dim, scale(o.model_dim));
      matrix(block + "attn_k.weight", kv_dim, o.model_dim, scale(o.model_dim));
      matrix(block + "attn_v.weight", kv_dim, o.model_dim, scale(o.model_dim));
      matrix(block + "attn_output.weight", o.model_dim, o.model_dim, scale(o.model_dim));
      vector(block + "ffn_norm.weight", o.model_dim);
      if (has_gate) matrix(block + "ffn_gate.weight", o.ffn_dim, o.model_dim, scale(o.model_dim));
      matrix(block + "ffn_up.weight", o.ffn_dim, o.model_dim, scale(o.model_dim));
      matrix(block + "ffn_down.weight", o.model_dim, o.ffn_dim, scale(o.ffn_dim));
    }
  }

  [[nodiscard]] std::vector<std::byte> bytes() const { return *out.bytes(); }

  multitudes::gguf::writer out;

 private:
  static float scale(std::uint32_t n) { return 1.0f / std::sqrt(static_cast<float>(n)); }

  [[nodiscard]] bool wants(std::string_view name) const {
    return std::find(options_.without.begin(), options_.without.end(), name) ==
           options_.without.end();
  }
  template <class T>
  void key(std::string_view name, const T& value) {
    if (wants(name)) out.add(name, value);
  }
  template <class Items>
  void list(std::string_view name, const Items& items) {
    if (wants(name)) out.add_array(name, items);
  }

  void add_vocabulary() {
    std::vector<std::string> pieces{"<unk>", "<s>", "</s>"};
    std::vector<std::int32_t> types{2, 3, 3};
    for (unsigned byte = 0; byte < 256; ++byte) {
      const char* digits = "0123456789ABCDEF";
      pieces.push_back(std::string("<0x") + digits[byte >> 4] + digits[byte & 15] + ">");
      types.push_back(6);
    }
    pieces.emplace_back("\xE2\x96\x81");
    for (char c = 'a'; c <= 'z'; ++c) pieces.emplace_back(1, c);
    types.resize(pieces.size(), 1);
    key("tokenizer.ggml.model", "llama");
    list("tokenizer.ggml.tokens", pieces);
    list("tokenizer.ggml.scores", std::vector<float>(pieces.size(), 0.0f));
    list("tokenizer.ggml.token_type", types);
    key("tokenizer.ggml.bos_token_id", std::uint32_t{1});
    key("tokenizer.ggml.eos_token_id", std::uint32_t{2});
    key("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
  }

  void vector(const std::string& name, std::uint32_t n) {
    multitudes::philox random(options_.seed, tensors_.size());
    std::vector<float> values(n);
    for (float& v : values) v = 1.0f + 0.1f * random.normal();
    keep(name, {n}, multitudes::gguf::tensor_type::f32, std::as_bytes(std::span(values)));
  }

  void matrix(const std::string& name, std::uint32_t rows, std::uint32_t cols, float spread) {
    multitudes::philox random(options_.seed, tensors_.size());
    std::vector<float> row(cols);
    const multitudes::simd::weight_matrix shape{options_.format, rows, cols, nullptr};
    std::vector<std::byte> packed(rows * shape.row_bytes());
    for (std::uint32_t r = 0; r < rows; ++r) {
      if (options_.rough) {
        std::uint32_t bits = random();
        for (float& v : row) {
          bits = bits * 1664525u + 1013904223u;
          v = spread * 1.7f * (static_cast<float>(bits >> 8) * 0x1p-23f - 1.0f);
        }
      } else {
        for (float& v : row) v = spread * random.normal();
      }
      multitudes::simd::pack_row(options_.format, row, packed.data() + r * shape.row_bytes());
    }
    keep(name, {cols, rows}, type(), packed);
  }

  [[nodiscard]] multitudes::gguf::tensor_type type() const {
    using multitudes::gguf::tensor_type;
    using multitudes::simd::weight_format;
    switch (options_.format) {
      case weight_format::f32: return tensor_type::f32;
      case weight_format::f16: return tensor_type::f16;
      case weight_format::bf16: return tensor_type::bf16;
      case weight_format::q8_0: return tensor_type::q8_0;
      case weight_format::q4_0: return tensor_type::q4_0;
    }
    return tensor_type::f32;
  }

  void keep(const std::string& name, std::initializer_list<std::uint64_t> dims,
            multitudes::gguf::tensor_type t, std::span<const std::byte> bytes) {
    tensors_.emplace_back(bytes.begin(), bytes.end());
    if (wants(name)) out.add_tensor(name, dims, t, tensors_.back());
  }

  tiny_model_options options_;
  std::deque<std::vector<std::byte>> tensors_;
};

inline multitudes::language_model tiny_model(const tiny_model_options& options = {}) {
  return *multitudes::make_language_model(
      *multitudes::gguf::file::parse(tiny_gguf(options).bytes(), "tiny model"));
}

/// `n` tokens that look like a text, the beginning token first.
inline std::vector<multitudes::token_id> some_tokens(std::size_t n, std::uint64_t seed = 1) {
  multitudes::philox random(seed);
  std::vector<multitudes::token_id> tokens{multitudes::token_id(1)};
  while (tokens.size() < n) tokens.emplace_back(259 + random.below(27));
  return tokens;
}

}  // namespace multitudes_test
