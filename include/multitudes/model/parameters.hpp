// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/model/weights.hpp>
#include <multitudes/simd/panel.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::model {

/// One tensor among parameters that lie end to end.
struct tensor_place {
  std::string name;  ///< as GGUF files of the Llama family call it
  std::size_t first = 0;
  std::size_t rows = 0;  ///< 1 for a vector
  std::size_t cols = 0;
  bool is_matrix = false;

  [[nodiscard]] std::size_t size() const noexcept { return rows * cols; }
};

/// The trainable numbers of a model, end to end in one piece of memory: weights, or their
/// gradient, or an optimiser's state. Moving is cheap, copying is called `clone`.
template <std::floating_point T>
class parameters {
 public:
  /// The views of one block; shapes as in `layer_weights`. `gate` is empty without a gate. What
  /// reads the same input lies end to end, and is also one matrix.
  struct layer_views {
    std::span<T> attention_norm;
    matrix_view<T> query, key, value, query_key_value, attention_out;
    std::span<T> ffn_norm;
    matrix_view<T> gate, up, gate_up, down;
  };

  /// Zeros in the given shape. A tied head is the embedding itself.
  ///
  /// Errors:  invalid_argument for a shape that `validate` refuses; out_of_memory.
  static expected<parameters> make(const hyper_parameters& shape, bool tied_head) {
    if (auto ok = validate(shape); !ok) return forward_error(ok);
    parameters p;
    p.shape_ = shape;
    p.tied_head_ = tied_head;
    const auto size = p.size();
    const auto bytes = size ? (checked_size(*size) * checked_size(sizeof(T))).get() : std::nullopt;
    if (bytes) p.memory_ = std::make_shared<heap_block>(*bytes);
    if (!bytes || p.memory_->bytes().size() != *bytes) {
      return fail({.code = errc::out_of_memory,
                   .operation = "make parameters",
                   .place = {},
                   .found = size ? std::to_string(*size) + " numbers" : "more than can be counted",
                   .expected = "a size that this machine can give",
                   .remedy = {}});
    }
    p.values_ = {reinterpret_cast<T*>(p.memory_->bytes().data()), *size};
    std::uninitialized_value_construct(p.values_.begin(), p.values_.end());
    p.lay_out();
    p.point();
    return p;
  }
  parameters(parameters&&) noexcept = default;
  parameters& operator=(parameters&&) noexcept = default;

  /// Errors:  out_of_memory.
  [[nodiscard]] expected<parameters> clone() const {
    auto copy = make(shape_, tied_head_);
    if (copy) {
      std::copy(values_.begin(), values_.end(), copy->values_.begin());
      copy->rotary_divisors = rotary_divisors;
    }
    return copy;
  }

  [[nodiscard]] const hyper_parameters& shape() const noexcept { return shape_; }
  [[nodiscard]] bool tied_head() const noexcept { return tied_head_; }
  [[nodiscard]] std::span<T> values() noexcept { return values_; }
  [[nodiscard]] std::span<const T> values() const noexcept { return values_; }
  [[nodiscard]] std::span<const tensor_place> tensors() const noexcept { return tensors_; }

  [[nodiscard]] matrix_view<T> embedding() const noexcept { return embedding_; }
  [[nodiscard]] const layer_views& layer(std::size_t l) const noexcept { return layers_[l]; }
  [[nodiscard]] std::span<T> final_norm() const noexcept { return final_norm_; }
  [[nodiscard]] matrix_view<T> head() const noexcept { return head_; }

  /// Not trained: (rotary_dim / 2), or empty.
  std::vector<float> rotary_divisors;

  /// The same memory as weights that the runner reads: what is trained later shows in them at
  /// once, but not in their `id`, which is that of the values now.
  [[nodiscard]] weights as_weights() const
    requires std::same_as<T, float>
  {
    struct kept {
      std::shared_ptr<heap_block> memory;
      std::vector<float> rotary_divisors;
    };
    const auto storage = std::make_shared<const kept>(kept{memory_, rotary_divisors});
    const auto matrix = [](matrix_view<float> m) {
      return simd::weight_matrix{simd::weight_format::f32, m.rows(), m.cols(),
                                 reinterpret_cast<const std::byte*>(m.data())};
    };
    weights w;
    w.shape = shape_;
    w.embedding = matrix(embedding_);
    for (const layer_views& from : layers_) {
      w.layers.push_back({.attention_norm = from.attention_norm,
                          .query = matrix(from.query),
                          .key = matrix(from.key),
                          .value = matrix(from.value),
                          .attention_out = matrix(from.attention_out),
                          .ffn_norm = from.ffn_norm,
                          .gate = matrix(from.gate),
                          .up = matrix(from.up),
                          .down = matrix(from.down)});
    }
    w.final_norm = final_norm_;
    w.head = matrix(head_);
    w.rotary_divisors = storage->rotary_divisors;
    w.storage = storage;
    fingerprint_builder id;
    id.add(shape_.n_layers).add(shape_.n_heads).add(shape_.n_kv_heads).add(shape_.head_dim);
    w.id = id.add(std::as_bytes(std::span<const float>(values_))).finish();
    return w;
  }

 private:
  parameters() = default;

  /// How many numbers there are, before anything is allocated for them.
  [[nodiscard]] std::optional<std::size_t> size() const noexcept {
    const hyper_parameters& p = shape_;
    const checked_size width(p.model_dim);
    const std::size_t in_attention = 2 * (std::size_t{p.query_dim()} + p.kv_dim());
    const std::size_t in_ffn = (shape_.has_gate() ? 3 : 2) * std::size_t{p.ffn_dim};
    const checked_size block = width * checked_size(in_attention + in_ffn + 2);
    const checked_size ends =
        width * checked_size((tied_head_ ? 1 : 2) * std::size_t{p.vocab_size} + 1);
    return (block * checked_size(p.n_layers) + ends).get();
  }

  /// Lists the tensors in file order.
  void lay_out() {
    const hyper_parameters& p = shape_;
    std::size_t next = 0;
    const auto add = [&](std::string name, std::size_t rows, std::size_t cols, bool is_matrix) {
      tensors_.push_back({std::move(name), next, rows, cols, is_matrix});
      next += rows * cols;
    };
    add("token_embd.weight", p.vocab_size, p.model_dim, true);
    for (std::size_t l = 0; l < p.n_layers; ++l) {
      const std::string block = "blk." + std::to_string(l) + ".";
      add(block + "attn_norm.weight", 1, p.model_dim, false);
      add(block + "attn_q.weight", p.query_dim(), p.model_dim, true);
      add(block + "attn_k.weight", p.kv_dim(), p.model_dim, true);
      add(block + "attn_v.weight", p.kv_dim(), p.model_dim, true);
      add(block + "attn_output.weight", p.model_dim, p.query_dim(), true);
      add(block + "ffn_norm.weight", 1, p.model_dim, false);
      if (shape_.has_gate()) add(block + "ffn_gate.weight", p.ffn_dim, p.model_dim, true);
      add(block + "ffn_up.weight", p.ffn_dim, p.model_dim, true);
      add(block + "ffn_down.weight", p.model_dim, p.ffn_dim, true);
    }
    add("output_norm.weight", 1, p.model_dim, false);
    if (!tied_head_) add("output.weight", p.vocab_size, p.model_dim, true);
  }

  void point() {
    auto tensor = tensors_.begin();
    const auto matrix = [&] {
      const tensor_place& t = *tensor++;
      return matrix_view<T>(values_.data() + t.first, t.rows, t.cols);
    };
    const auto vector = [&] {
      const tensor_place& t = *tensor++;
      return values_.subspan(t.first, t.cols);
    };
    embedding_ = matrix();
    for (std::size_t l = 0; l < shape_.n_layers; ++l) {
      layer_views& views = layers_.emplace_back();
      views.attention_norm = vector();
      views.query = matrix();
      views.key = matrix();
      views.value = matrix();
      views.query_key_value = {views.query.data(),
                               std::size_t{shape_.query_dim()} + 2 * std::size_t{shape_.kv_dim()},
                               shape_.model_dim};
      views.attention_out = matrix();
      views.ffn_norm = vector();
      if (shape_.has_gate()) views.gate = matrix();
      views.up = matrix();
      views.gate_up =
          shape_.has_gate()
              ? matrix_view<T>(views.gate.data(), 2 * std::size_t{shape_.ffn_dim}, shape_.model_dim)
              : views.up;
      views.down = matrix();
    }
    final_norm_ = vector();
    head_ = tied_head_ ? embedding_ : matrix();
  }

  hyper_parameters shape_;
  bool tied_head_ = false;
  std::shared_ptr<heap_block> memory_;
  std::vector<tensor_place> tensors_;
  std::span<T> values_;
  matrix_view<T> embedding_;
  std::vector<layer_views> layers_;
  std::span<T> final_norm_;
  matrix_view<T> head_;
};

/// A model's weights as numbers to train further, unpacked to F32. The head is tied if it is the
/// embedding's own memory.
///
/// Errors:  out_of_memory.
inline expected<parameters<float>> unpack(const weights& from) {
  auto to = parameters<float>::make(from.shape, from.head.data == from.embedding.data);
  if (!to) return to;
  const auto matrix = [](const simd::weight_matrix& w, matrix_view<float> out) {
    for (std::size_t r = 0; r < w.rows; ++r) simd::unpack_row<simd::native>(w, r, out.row(r));
  };
  matrix(from.embedding, to->embedding());
  for (std::size_t l = 0; l < from.layers.size(); ++l) {
    const layer_weights& layer = from.layers[l];
    const auto& views = to->layer(l);
    std::ranges::copy(layer.attention_norm, views.attention_norm.begin());
    matrix(layer.query, views.query);
    matrix(layer.key, views.key);
    matrix(layer.value, views.value);
    matrix(layer.attention_out, views.attention_out);
    std::ranges::copy(layer.ffn_norm, views.ffn_norm.begin());
    matrix(layer.gate, views.gate);
    matrix(layer.up, views.up);
    matrix(layer.down, views.down);
  }
  std::ranges::copy(from.final_norm, to->final_norm().begin());
  if (!to->tied_head()) matrix(from.head, to->head());
  to->rotary_divisors.assign(from.rotary_divisors.begin(), from.rotary_divisors.end());
  return to;
}

}  // namespace multitudes::model
