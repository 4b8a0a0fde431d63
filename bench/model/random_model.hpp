// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/format/gguf_writer.hpp>
#include <multitudes/simd/half.hpp>
#include <multitudes/simd/weight_format.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes_bench {

/// The shape of a well-known model; all have 32,000 pieces and 2,048 positions.
struct model_shape {
  std::string_view name;
  std::uint32_t dim, n_layers, n_heads, n_kv_heads, ffn_dim;
  bool tied;  ///< the head is the embedding
};
inline constexpr std::array<model_shape, 4> model_shapes{{
    {"15M", 288, 6, 6, 6, 768, true},
    {"110M", 768, 12, 12, 12, 2048, true},
    {"0.5B", 1024, 28, 16, 4, 4096, false},
    {"1.1B", 2048, 22, 32, 4, 5632, false},
}};

using multitudes::simd::weight_format;

struct named_format {
  std::string_view name;
  weight_format format;
  multitudes::gguf::tensor_type type;
};
inline constexpr std::array<named_format, 5> named_formats{{
    {"q8_0", weight_format::q8_0, multitudes::gguf::tensor_type::q8_0},
    {"q4_0", weight_format::q4_0, multitudes::gguf::tensor_type::q4_0},
    {"f16", weight_format::f16, multitudes::gguf::tensor_type::f16},
    {"bf16", weight_format::bf16, multitudes::gguf::tensor_type::bf16},
    {"f32", weight_format::f32, multitudes::gguf::tensor_type::f32},
}};

namespace detail {

/// Bits of sufficient disorder, eight bytes at a time: xorshift (Marsaglia 2003).
class disorder {
 public:
  explicit disorder(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u | 1u) {}
  std::uint64_t operator()() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  std::uint64_t state_;
};

/// A weight matrix on its way into a file: random bytes, with scales or exponents that make them
/// numbers of about the given spread. Packing normal numbers would take minutes.
class noise {
 public:
  noise(weight_format format, std::uint64_t n_weights, float spread, std::uint64_t seed)
      : format_(format), n_weights_(n_weights), spread_(spread), seed_(seed) {}

  multitudes::expected<void> operator()(multitudes::byte_sink take) const {
    constexpr std::size_t piece = std::size_t{1} << 18;  // weights
    disorder bits(seed_);
    std::vector<std::byte> bytes(multitudes::simd::packed_bytes(format_, piece));
    for (std::uint64_t done = 0; done < n_weights_; done += piece) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(piece, n_weights_ - done));
      fill(std::span(bytes).first(multitudes::simd::packed_bytes(format_, n)), bits);
      const auto packed = std::span<const std::byte>(bytes);
      if (auto ok = take(packed.first(multitudes::simd::packed_bytes(format_, n))); !ok) return ok;
    }
    return {};
  }

 private:
  void fill(std::span<std::byte> bytes, disorder& bits) const {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      const std::uint64_t word = bits();
      std::memcpy(bytes.data() + i, &word, std::min<std::size_t>(8, bytes.size() - i));
    }
    switch (format_) {
      case weight_format::f32: return keep_fraction<std::uint32_t>(bytes, 0x007FFFFFu, spread_);
      case weight_format::bf16: return keep_fraction<std::uint16_t>(bytes, 0x007F, spread_);
      case weight_format::f16: return keep_fraction<std::uint16_t>(bytes, 0x03FF, spread_);
      case weight_format::q8_0:
        for (std::size_t i = 0; i < bytes.size(); i += 34) {
          for (std::size_t k = 2; k < 34; ++k) {
            // No encoder writes it.
            if (bytes[i + k] == std::byte{0x80}) bytes[i + k] = std::byte{0};
          }
          store_scale(bytes.data() + i, spread_ / 73.6f);
        }
        return;
      case weight_format::q4_0:
        for (std::size_t i = 0; i < bytes.size(); i += 18) {
          store_scale(bytes.data() + i, spread_ / 4.6f);
        }
        return;
    }
  }

  static void store_scale(std::byte* to, float scale) {
    const std::uint16_t half = multitudes::simd::float_to_half(scale);
    std::memcpy(to, &half, sizeof(half));
  }

  /// Keeps sign and fraction of each number, and gives it the exponent of `spread`.
  template <class Word>
  void keep_fraction(std::span<std::byte> bytes, unsigned fraction, float spread) const {
    unsigned exponent = std::bit_cast<std::uint32_t>(spread) & 0x7F800000u;
    if (sizeof(Word) == 2) exponent >>= 16;
    if (format_ == weight_format::f16) {
      exponent = multitudes::simd::float_to_half(spread) & 0x7C00u;
    }
    const unsigned sign = 1u << (8 * sizeof(Word) - 1);
    for (std::size_t i = 0; i + sizeof(Word) <= bytes.size(); i += sizeof(Word)) {
      Word word;
      std::memcpy(&word, bytes.data() + i, sizeof(word));
      word = static_cast<Word>((word & (fraction | sign)) | exponent);
      std::memcpy(bytes.data() + i, &word, sizeof(word));
    }
  }

  weight_format format_;
  std::uint64_t n_weights_;
  float spread_;
  std::uint64_t seed_;
};

inline void add_vocabulary(multitudes::gguf::writer& out, std::size_t n_pieces) {
  std::vector<std::string> pieces{"<unk>", "<s>", "</s>"};
  std::vector<std::int32_t> types{2, 3, 3};
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char* digits = "0123456789ABCDEF";
    pieces.push_back(std::string("<0x") + digits[byte >> 4] + digits[byte & 15] + ">");
    types.push_back(6);
  }
  pieces.emplace_back("\xE2\x96\x81");
  for (std::size_t i = 1; pieces.size() < n_pieces; ++i) {
    std::string word;
    for (std::size_t left = i; left != 0; left = (left - 1) / 26) {
      word.insert(word.begin(), static_cast<char>('a' + (left - 1) % 26));
    }
    pieces.push_back(std::move(word));
  }
  types.resize(pieces.size(), 1);
  std::vector<float> scores;
  for (std::size_t i = 0; i < pieces.size(); ++i) scores.push_back(-static_cast<float>(i));
  out.add("tokenizer.ggml.model", "llama");
  out.add_array("tokenizer.ggml.tokens", pieces);
  out.add_array("tokenizer.ggml.scores", scores);
  out.add_array("tokenizer.ggml.token_type", types);
  out.add("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  out.add("tokenizer.ggml.eos_token_id", std::uint32_t{2});
  out.add("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
}

}  // namespace detail

/// Writes a model of random weights, which any engine for GGUF loads. The same arguments give the
/// same bytes.
///
/// Errors:  io_failure.
/// Cost:    1.1 billion weights take a second or two, and the disk's time.
inline multitudes::expected<void> write_random_model(const model_shape& s, const named_format& f,
                                                     const std::string& path) {
  constexpr std::uint32_t n_pieces = 32000;
  multitudes::gguf::writer out;
  out.add("general.architecture", "llama");
  out.add("general.name", "random-" + std::string(s.name));
  out.add("llama.vocab_size", n_pieces);
  out.add("llama.block_count", s.n_layers);
  out.add("llama.context_length", 2048u);
  out.add("llama.embedding_length", s.dim);
  out.add("llama.feed_forward_length", s.ffn_dim);
  out.add("llama.attention.head_count", s.n_heads);
  out.add("llama.attention.head_count_kv", s.n_kv_heads);
  out.add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  out.add("llama.rope.dimension_count", s.dim / s.n_heads);
  out.add("llama.rope.freq_base", 10000.0f);
  detail::add_vocabulary(out, n_pieces);

  std::deque<detail::noise> matrices;
  const std::vector<float> ones(s.dim, 1.0f);
  const auto matrix = [&](const std::string& name, std::uint64_t rows, std::uint64_t cols,
                          float spread) {
    const auto& made = matrices.emplace_back(f.format, rows * cols, spread, matrices.size() + 1);
    const std::uint64_t dims[] = {cols, rows};
    out.add_tensor(name, dims, f.type, made);
  };
  const auto vector = [&](const std::string& name) {
    out.add_tensor(name, {s.dim}, multitudes::gguf::tensor_type::f32,
                   std::as_bytes(std::span(ones)));
  };
  const float to_dim = 1.0f / std::sqrt(static_cast<float>(s.dim));
  // What is added to the stream stays of its size, however many blocks there are.
  const float added = 1.0f / std::sqrt(2.0f * static_cast<float>(s.n_layers));
  const std::uint32_t kv_dim = s.dim / s.n_heads * s.n_kv_heads;
  matrix("token_embd.weight", n_pieces, s.dim, s.tied ? 0.02f : 1.0f);
  for (std::uint32_t i = 0; i < s.n_layers; ++i) {
    const std::string block = "blk." + std::to_string(i) + ".";
    vector(block + "attn_norm.weight");
    matrix(block + "attn_q.weight", s.dim, s.dim, to_dim);
    matrix(block + "attn_k.weight", kv_dim, s.dim, to_dim);
    matrix(block + "attn_v.weight", kv_dim, s.dim, to_dim);
    matrix(block + "attn_output.weight", s.dim, s.dim, added * to_dim);
    vector(block + "ffn_norm.weight");
    matrix(block + "ffn_gate.weight", s.ffn_dim, s.dim, to_dim);
    matrix(block + "ffn_up.weight", s.ffn_dim, s.dim, to_dim);
    matrix(block + "ffn_down.weight", s.dim, s.ffn_dim,
           added / std::sqrt(static_cast<float>(s.ffn_dim)));
  }
  vector("output_norm.weight");
  if (!s.tied) matrix("output.weight", n_pieces, s.dim, to_dim);
  return out.save(path);
}

}  // namespace multitudes_bench
