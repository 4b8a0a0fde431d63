// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/model/hyper_parameters.hpp>
#include <multitudes/simd/activations.hpp>
#include <multitudes/simd/kernel_set.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace multitudes::model {

/// How large a batch may be.
struct evaluation_limits {
  std::size_t max_rows = 64;
  std::size_t max_logit_rows = 64;  ///< rows that may ask for logits at the same time
};

/// What a forward pass over a batch writes down between its stages.
struct workspace {
  matrix_view<float> residual;  // (max_rows, model_dim)
  matrix_view<float> normed;    // (max_rows, model_dim)
  matrix_view<float> delta;     // (max_rows, model_dim): what a block adds to the stream
  matrix_view<float> query;     // (max_rows, n_heads * head_dim)
  matrix_view<float> attended;  // (max_rows, n_heads * head_dim)
  matrix_view<float> key;       // (max_rows, n_kv_heads * head_dim)
  matrix_view<float> value;     // (max_rows, n_kv_heads * head_dim)
  matrix_view<float> inner;     // (max_rows, ffn_dim): up, and what goes down again
  matrix_view<float> gate;      // (max_rows, ffn_dim); no columns without a gate
  matrix_view<float> rotary;    // (max_rows, cosines then sines, of rotary_dim each)
  matrix_view<float> final;     // (max_logit_rows, model_dim)
  matrix_view<float> logits;    // (max_logit_rows, vocab_size)
  // The same as bytes, where weights want them.
  simd::quantized_rows normed_bytes, attended_bytes, inner_bytes, final_bytes;
  std::span<simd::attention_state> attention;  // (max_rows, n_heads)

  /// The bytes of arena that `make` takes; nothing if they cannot be counted.
  static std::optional<std::size_t> required_bytes(const hyper_parameters& p,
                                                   evaluation_limits limits) noexcept {
    const checked_size width =
        checked_size(p.model_dim) * checked_size(3) +
        checked_size(p.query_dim()) * checked_size(2) + checked_size(p.kv_dim()) * checked_size(2) +
        checked_size(p.ffn_dim) * checked_size(p.has_gate() ? 2 : 1) +
        checked_size(p.rotary_dim) * checked_size(2) + checked_size(p.n_heads) * checked_size(2);
    const checked_size head = checked_size(limits.max_logit_rows) *
                              (checked_size(p.model_dim) + checked_size(p.vocab_size));
    const checked_size floats = checked_size(limits.max_rows) * width + head;
    const checked_size bytes = checked_size(limits.max_rows) *
                                   (quantized_bytes(p.model_dim) + quantized_bytes(p.query_dim()) +
                                    quantized_bytes(p.ffn_dim)) +
                               checked_size(limits.max_logit_rows) * quantized_bytes(p.model_dim);
    return (floats * checked_size(sizeof(float)) + bytes + checked_size(18 * arena_alignment))
        .get();
  }

  /// Errors:  out_of_memory if the arena is too small or the sizes cannot be counted.
  static expected<workspace> make(const hyper_parameters& p, evaluation_limits limits,
                                  arena& memory) {
    if (!required_bytes(p, limits)) {
      return fail({.code = errc::out_of_memory,
                   .operation = "evaluation",
                   .place = {},
                   .found = std::to_string(limits.max_rows) + " rows",
                   .expected = "a size that can be addressed",
                   .remedy = "ask for a smaller batch"});
    }
    workspace w;
    const struct {
      matrix_view<float> workspace::*buffer;
      std::size_t rows;
      std::size_t cols;
    } shapes[] = {{&workspace::residual, limits.max_rows, p.model_dim},
                  {&workspace::normed, limits.max_rows, p.model_dim},
                  {&workspace::delta, limits.max_rows, p.model_dim},
                  {&workspace::query, limits.max_rows, p.query_dim()},
                  {&workspace::attended, limits.max_rows, p.query_dim()},
                  {&workspace::key, limits.max_rows, p.kv_dim()},
                  {&workspace::value, limits.max_rows, p.kv_dim()},
                  {&workspace::inner, limits.max_rows, p.ffn_dim},
                  {&workspace::gate, limits.max_rows, p.has_gate() ? p.ffn_dim : 0},
                  {&workspace::rotary, limits.max_rows, std::size_t{2} * p.rotary_dim},
                  {&workspace::final, limits.max_logit_rows, p.model_dim},
                  {&workspace::logits, limits.max_logit_rows, p.vocab_size}};
    for (const auto& shape : shapes) {
      auto piece = memory.take<float>(shape.rows * shape.cols);
      if (!piece) return forward_error(piece);
      w.*shape.buffer = matrix_view<float>(piece->data(), shape.rows, shape.cols);
    }
    const struct {
      simd::quantized_rows workspace::*rows;
      std::size_t n_rows;
      std::size_t cols;
    } bytes[] = {{&workspace::normed_bytes, limits.max_rows, p.model_dim},
                 {&workspace::attended_bytes, limits.max_rows, p.query_dim()},
                 {&workspace::inner_bytes, limits.max_rows, p.ffn_dim},
                 {&workspace::final_bytes, limits.max_logit_rows, p.model_dim}};
    for (const auto& shape : bytes) {
      auto made = make_quantized(shape.n_rows, shape.cols, memory);
      if (!made) return forward_error(made);
      w.*shape.rows = *made;
    }
    auto states = memory.take<simd::attention_state>(limits.max_rows * p.n_heads);
    if (!states) return forward_error(states);
    w.attention = *states;
    return w;
  }

 private:
  static checked_size quantized_bytes(std::size_t cols) noexcept {
    return checked_size(simd::n_activation_groups(cols)) *
           checked_size(sizeof(simd::activation_group));
  }
  static expected<simd::quantized_rows> make_quantized(std::size_t n_rows, std::size_t cols,
                                                       arena& memory) {
    const std::size_t stride = simd::n_activation_groups(cols);
    auto groups = memory.take<simd::activation_group>(n_rows * stride);
    if (!groups) return forward_error(groups);
    return simd::quantized_rows{groups->data(), n_rows, stride};
  }
};

}  // namespace multitudes::model
