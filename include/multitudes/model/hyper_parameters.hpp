// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/simd/rotary.hpp>

#include <cstdint>
#include <string>

namespace multitudes::model {

/// What stands between a block's two or three feed-forward matrices.
enum class feed_forward : std::uint8_t {
  swiglu,        ///< down(silu(gate x) * up x); Shazeer 2020, arXiv:2002.05202
  relu_squared,  ///< down(max(up x, 0)^2), without a gate; So et al. 2021, arXiv:2109.08668
};

/// The shape of a transformer of the Llama family.
struct hyper_parameters {
  std::uint32_t n_layers = 0;
  std::uint32_t model_dim = 0;  ///< width of the residual stream
  std::uint32_t n_heads = 0;
  std::uint32_t n_kv_heads = 0;  ///< divides n_heads; each serves n_heads / n_kv_heads query heads
  std::uint32_t head_dim = 0;
  std::uint32_t ffn_dim = 0;
  std::uint32_t vocab_size = 0;
  std::uint32_t context_length = 0;  ///< positions it was trained on; longer runs are allowed
  float norm_epsilon = 1e-5f;
  float rotary_base = 10000.0f;
  float rotary_scale = 1.0f;     ///< positions are multiplied by it (linear context extension)
  std::uint32_t rotary_dim = 0;  ///< leading elements of a head that are rotated; even
  simd::rotary_layout rotary_layout = simd::rotary_layout::interleaved;
  model::feed_forward feed_forward = model::feed_forward::swiglu;

  [[nodiscard]] constexpr std::uint32_t query_dim() const noexcept { return n_heads * head_dim; }
  [[nodiscard]] constexpr std::uint32_t kv_dim() const noexcept { return n_kv_heads * head_dim; }

  [[nodiscard]] constexpr bool has_gate() const noexcept {
    return feed_forward == model::feed_forward::swiglu;
  }

  friend bool operator==(const hyper_parameters&, const hyper_parameters&) = default;
};

/// Checks that the numbers describe a transformer at all.
///
/// Errors:  invalid_argument, naming the number.
inline expected<void> validate(const hyper_parameters& p) {
  // Sizes are kept below 2^24 so that products of two of them can never overflow.
  constexpr std::uint32_t limit = 1u << 24;
  const auto bad = [](const char* what, std::string found, const char* wanted) {
    return fail({.code = errc::invalid_argument,
                 .operation = "hyper-parameters",
                 .place = what,
                 .found = std::move(found),
                 .expected = wanted,
                 .remedy = {}});
  };
  const struct {
    const char* name;
    std::uint32_t value;
  } sizes[] = {{"n_layers", p.n_layers},     {"model_dim", p.model_dim},
               {"n_heads", p.n_heads},       {"n_kv_heads", p.n_kv_heads},
               {"head_dim", p.head_dim},     {"ffn_dim", p.ffn_dim},
               {"vocab_size", p.vocab_size}, {"context_length", p.context_length}};
  for (const auto& size : sizes) {
    if (size.value == 0 || size.value >= limit) {
      return bad(size.name, std::to_string(size.value), "1 to 16777215");
    }
  }
  if (std::uint64_t{p.n_heads} * p.head_dim >= limit) {
    return bad("n_heads * head_dim", std::to_string(std::uint64_t{p.n_heads} * p.head_dim),
               "less than 16777216");
  }
  if (p.n_heads % p.n_kv_heads != 0) {
    return bad("n_kv_heads", std::to_string(p.n_kv_heads), "a divisor of n_heads");
  }
  if (p.rotary_dim % 2 != 0 || p.rotary_dim > p.head_dim) {
    return bad("rotary_dim", std::to_string(p.rotary_dim), "even and at most head_dim");
  }
  if (p.feed_forward > feed_forward::relu_squared) {
    return bad("feed_forward", std::to_string(static_cast<int>(p.feed_forward)), "a known kind");
  }
  // Written so that NaN fails as well.
  if (!(p.norm_epsilon > 0 && p.norm_epsilon < 1)) {
    return bad("norm_epsilon", std::to_string(p.norm_epsilon), "between 0 and 1");
  }
  if (!(p.rotary_base > 1 && p.rotary_base < 1e12f)) {
    return bad("rotary_base", std::to_string(p.rotary_base), "between 1 and 1e12");
  }
  if (!(p.rotary_scale > 0 && p.rotary_scale <= 1)) {
    return bad("rotary_scale", std::to_string(p.rotary_scale), "above 0 and at most 1");
  }
  return {};
}

}  // namespace multitudes::model
