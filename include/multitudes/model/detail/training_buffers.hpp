// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/model/hyper_parameters.hpp>
#include <multitudes/model/layers/feed_forward.hpp>
#include <multitudes/model/layers/linear.hpp>
#include <multitudes/model/layers/rows.hpp>
#include <multitudes/model/layers/self_attention.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace multitudes::model {

/// How much one training pass holds.
struct training_limits {
  std::size_t max_rows = 4096;          ///< tokens of a batch
  std::size_t max_document_rows = 256;  ///< tokens of its longest document
  std::size_t n_threads = 1;            ///< the `concurrency()` of the executor
};

namespace detail {

/// A block's weights, packed for products.
template <simd::product_precision P, simd::instruction_set I>
struct packed_layer {
  linear<P, I> query, key, value, attention_out;
  feed_forward_layer<P, I> ffn;
};

/// All the memory of a training pass, in one piece.
template <simd::product_precision P, simd::instruction_set I>
struct training_buffers {
  using value = typename P::value;
  using view = matrix_view<value>;

  /// Rows of one block between forward and backward.
  struct kept_rows {
    view in;      // (rows, model_dim): the stream that enters the block
    view query;   // (rows, n_heads * head_dim), rotated
    view key;     // (rows, n_kv_heads * head_dim), rotated
    view value_;  // (rows, n_kv_heads * head_dim)
    view attended;
    view middle;  // (rows, model_dim): the stream between attention and feed-forward
    view out;     // (rows, model_dim): the next block's `in`
    typename feed_forward_layer<P, I>::rows ffn;
  };

  training_limits limits;
  std::size_t block_rows = 0;  // rows whose logits exist at the same time
  std::vector<packed_layer<P, I>> layers;
  linear<P, I> head;

  view normed, d_normed, d_residual, d_middle;  // (max_rows, model_dim)
  view d_attended, d_query;                     // (max_rows, n_heads * head_dim)
  view d_key, d_value;                          // (max_rows, n_kv_heads * head_dim)
  std::span<value> scales;                      // (max_rows)
  std::span<std::size_t> positions;             // (max_rows)
  view cosines, sines, negative_sines;          // (max_document_rows, rotary_dim / 2)
  view logits;                                  // (block_rows, vocab_size)
  view final, final_in, d_final;                // (block_rows, model_dim)

  /// Errors:  out_of_memory; invalid_argument if a limit is 0.
  static expected<training_buffers> make(const hyper_parameters& p, training_limits limits) {
    // Far above use, far below overflow in the sizes of single buffers.
    constexpr std::size_t most = std::size_t{1} << 24;
    const bool is_empty =
        limits.max_rows == 0 || limits.max_document_rows == 0 || limits.n_threads == 0;
    const bool is_absurd = limits.max_rows > most || limits.n_threads > most;
    limits.max_document_rows = std::min(limits.max_document_rows, limits.max_rows);
    training_buffers b;
    b.limits = limits;
    std::size_t bytes = 0;
    if (!is_empty && !is_absurd) {
      measurer count;
      bytes = b.lay_out(p, count) ? count.bytes.get().value_or(0) : 0;
    }
    if (bytes != 0) b.memory_ = heap_block(bytes);
    if (bytes == 0 || b.memory_.bytes().empty()) {
      return fail({.code = is_empty ? errc::invalid_argument : errc::out_of_memory,
                   .operation = "make training pass",
                   .place = {},
                   .found = std::to_string(limits.max_rows) + " rows, documents of " +
                            std::to_string(limits.max_document_rows) + ", " +
                            std::to_string(limits.n_threads) + " threads",
                   .expected = is_empty ? "at least 1 each" : "a size that this machine can give",
                   .remedy = is_empty ? "" : "lower max_rows"});
    }
    arena memory(b.memory_.bytes());
    b.layers.clear();
    b.kept_.clear();
    if (auto ok = b.lay_out(p, memory); !ok) return forward_error(ok);
    return b;
  }

  /// The stream that enters block l; for l = n_layers, what leaves the last.
  [[nodiscard]] view residual(std::size_t l) const noexcept {
    return l < kept_.size() ? kept_[l].in : last_;
  }

  [[nodiscard]] kept_rows kept(std::size_t l, row_range c) const noexcept {
    const kept_layer& k = kept_[l];
    const auto part = [&](view m) { return m.rows(c.first, c.count); };
    return {part(k.in),
            part(k.query),
            part(k.key),
            part(k.value_),
            part(k.attended),
            part(k.middle),
            part(residual(l + 1)),
            {part(k.gate), part(k.up), part(hidden_), part(d_hidden_)}};
  }

  [[nodiscard]] typename self_attention<I, value>::rows attention(std::size_t l,
                                                                  row_range c) const noexcept {
    const kept_layer& k = kept_[l];
    const auto part = [&](view m) { return m.rows(c.first, c.count); };
    return {part(k.query), part(k.key), part(k.value_), part(k.attended), part(k.log_normalizer)};
  }

 private:
  struct kept_layer {
    view in, query, key, value_, attended, log_normalizer, middle, gate, up;
  };

  /// Stands in for the arena to learn how much will be taken.
  struct measurer {
    checked_size bytes{arena_alignment};
    template <class T>
    expected<std::span<T>> take(std::size_t count) noexcept {
      bytes = bytes + checked_size(count) * checked_size(sizeof(T)) + checked_size(arena_alignment);
      return std::span<T>();
    }
    template <class T>
    expected<std::span<T>> take_uninitialized(std::size_t count) noexcept {
      return take<T>(count);
    }
  };

  template <class Memory>
  expected<void> lay_out(const hyper_parameters& p, Memory& memory) {
    bool complete = true;
    const auto matrix = [&](std::size_t rows, std::size_t cols) {
      auto piece = memory.template take_uninitialized<value>(rows * cols);
      complete = complete && piece;
      return piece ? view(piece->data(), rows, cols) : view();
    };
    const auto packed = [&](std::size_t out, std::size_t in) {
      auto l = linear<P, I>::make(out, in, memory);
      complete = complete && l;
      return l ? *l : linear<P, I>();
    };
    const std::size_t n = limits.max_rows;
    // A block of logits of about 16 MiB in F32: in cache, and tall enough for the products.
    const std::size_t rows = (std::size_t{1} << 22) / p.vocab_size / chunk_rows * chunk_rows;
    block_rows = std::min(n, std::max(rows, chunk_rows));
    for (std::size_t l = 0; l < p.n_layers && complete; ++l) {
      packed_layer<P, I>& to = layers.emplace_back();
      to.query = packed(p.query_dim(), p.model_dim);
      to.key = packed(p.kv_dim(), p.model_dim);
      to.value = packed(p.kv_dim(), p.model_dim);
      to.attention_out = packed(p.model_dim, p.query_dim());
      to.ffn.has_gate = p.has_gate();
      if (p.has_gate()) to.ffn.gate = packed(p.ffn_dim, p.model_dim);
      to.ffn.up = packed(p.ffn_dim, p.model_dim);
      to.ffn.down = packed(p.model_dim, p.ffn_dim);
      kept_.push_back({.in = matrix(n, p.model_dim),
                       .query = matrix(n, p.query_dim()),
                       .key = matrix(n, p.kv_dim()),
                       .value_ = matrix(n, p.kv_dim()),
                       .attended = matrix(n, p.query_dim()),
                       .log_normalizer = matrix(n, p.n_heads),
                       .middle = matrix(n, p.model_dim),
                       .gate = matrix(n, p.has_gate() ? p.ffn_dim : 0),
                       .up = matrix(n, p.ffn_dim)});
    }
    head = packed(p.vocab_size, p.model_dim);
    last_ = matrix(n, p.model_dim);
    hidden_ = matrix(n, p.ffn_dim);
    d_hidden_ = matrix(n, p.ffn_dim);
    for (view* m : {&normed, &d_normed, &d_residual, &d_middle}) *m = matrix(n, p.model_dim);
    for (view* m : {&d_attended, &d_query}) *m = matrix(n, p.query_dim());
    for (view* m : {&d_key, &d_value}) *m = matrix(n, p.kv_dim());
    for (view* m : {&cosines, &sines, &negative_sines}) {
      *m = matrix(limits.max_document_rows, p.rotary_dim / 2);
    }
    logits = matrix(block_rows, p.vocab_size);
    for (view* m : {&final, &final_in, &d_final}) *m = matrix(block_rows, p.model_dim);
    scales = matrix(1, n).row(0);
    auto places = memory.template take<std::size_t>(n);
    if (!places) return forward_error(places);
    positions = *places;
    if (!complete) {
      return fail({.code = errc::out_of_memory,
                   .operation = "make training pass",
                   .place = {},
                   .found = "too little memory",
                   .expected = "what was measured",
                   .remedy = {}});
    }
    return {};
  }

  heap_block memory_;
  std::vector<kept_layer> kept_;
  view last_, hidden_, d_hidden_;
};

}  // namespace detail

}  // namespace multitudes::model
