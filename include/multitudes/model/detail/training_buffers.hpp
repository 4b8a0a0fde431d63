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
#include <multitudes/simd/causal_softmax.hpp>

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
  linear<P, I> query_key_value, attention_out;
  feed_forward_layer<P, I> ffn;
};

/// All the memory of a training pass, in one piece.
template <simd::product_precision P, simd::instruction_set I>
struct training_buffers {
  using value = typename P::value;
  using view = matrix_view<value>;

  using attention_rows = typename self_attention<I, value>::rows;

  /// Rows of one block between forward and backward.
  struct kept_rows {
    view in;               // (rows, model_dim): the stream that enters the block
    view query_key_value;  // (rows, query_dim + 2 kv_dim), the first two rotated
    view attended;         // (rows, query_dim)
    view middle;           // (rows, model_dim): the stream between attention and feed-forward
    view out;              // (rows, model_dim): the next block's `in`
    view gate_up;          // (rows, one or two ffn_dim)
  };

  training_limits limits;
  std::size_t block_rows = 0;  // rows whose logits exist at the same time
  std::vector<packed_layer<P, I>> layers;
  linear<P, I> head;

  view d_residual, d_middle, d_in;  // (max_rows, model_dim): of what leaves a block, of the
                                    // stream in its middle, of what enters it
  view attention_normed, d_attention_normed;                    // (max_rows, model_dim)
  view ffn_normed, d_ffn_normed;                                // (max_rows, model_dim)
  view hidden;                                                  // (max_rows, ffn_dim)
  view d_attended;                                              // (max_rows, query_dim)
  view d_query_key_value;                                       // (max_rows, query_dim + 2 kv_dim)
  std::span<value> attention_scales, ffn_scales, final_scales;  // of norms, (max_rows)
  std::span<std::size_t> positions;                             // (max_rows)
  view cosines, sines, negative_sines;  // (max_document_rows, rotary_dim / 2)
  view logits;                          // (block_rows, vocab_size)
  view final, final_in, d_final;        // (block_rows, model_dim)

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
    return {part(k.in),     part(k.query_key_value), part(k.attended),
            part(k.middle), part(residual(l + 1)),   part(k.gate_up)};
  }

  [[nodiscard]] attention_rows attention(std::size_t l, row_range c) const noexcept {
    const kept_layer& k = kept_[l];
    const auto [query, key, value_] = heads(k.query_key_value.rows(c.first, c.count));
    return {query, key, value_, k.attended.rows(c.first, c.count),
            k.softmax.cols(c.first, c.count)};
  }

  /// The three parts of what is (rows, query_dim + 2 kv_dim).
  struct heads_of_rows {
    view query, key, value_;
  };
  [[nodiscard]] heads_of_rows heads(view all) const noexcept {
    const std::size_t kv_dim = (all.cols() - d_attended.cols()) / 2;
    return {all.cols(0, d_attended.cols()), all.cols(d_attended.cols(), kv_dim),
            all.cols(d_attended.cols() + kv_dim, kv_dim)};
  }

  /// Memory of one chunk of rows at a time, which stays in a core's cache.
  static std::size_t chunk_bytes(const hyper_parameters& p) noexcept {
    return arena_bytes<value>(chunk_rows * row_stride(p.model_dim)) +
           arena_bytes<value>(chunk_rows * row_stride(p.ffn_dim)) + arena_alignment;
  }
  struct chunk_memory {
    view normed;  // (rows, model_dim)
    view wide;    // (rows, ffn_dim)
  };
  [[nodiscard]] chunk_memory chunk(std::span<std::byte> bytes, std::size_t n_rows) const noexcept {
    arena memory(bytes);  // sized by `chunk_bytes`
    const auto take = [&](std::size_t cols) {
      auto piece = memory.take_uninitialized<value>(chunk_rows * row_stride(cols));
      return piece ? view(piece->data(), n_rows, cols, row_stride(cols)) : view();
    };
    return {take(d_residual.cols()), take(hidden.cols())};
  }

 private:
  struct kept_layer {
    view in, query_key_value, attended, middle, gate_up;
    matrix_view<simd::softmax_row<value>> softmax;  // (n_heads, max_rows)
  };

  /// An odd number of cache lines: at powers of two, the rows of a column would displace each
  /// other from the cache.
  static constexpr std::size_t row_stride(std::size_t cols) noexcept {
    constexpr std::size_t line = 64 / sizeof(value);
    return ((cols + line - 1) / line | 1) * line;
  }

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
    const auto take = [&]<class T>(std::size_t count, T*& first) {
      auto piece = memory.template take_uninitialized<T>(count);
      complete = complete && piece;
      first = piece ? piece->data() : nullptr;
    };
    const auto matrix = [&](std::size_t rows, std::size_t cols) {
      value* first = nullptr;
      take(rows * row_stride(cols), first);
      return view(first, rows, cols, row_stride(cols));
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
    const std::size_t qkv_dim = std::size_t{p.query_dim()} + 2 * std::size_t{p.kv_dim()};
    const std::size_t gate_up_dim = (p.has_gate() ? 2 : 1) * std::size_t{p.ffn_dim};
    for (std::size_t l = 0; l < p.n_layers && complete; ++l) {
      packed_layer<P, I>& to = layers.emplace_back();
      to.query_key_value = packed(qkv_dim, p.model_dim);
      to.attention_out = packed(p.model_dim, p.query_dim());
      to.ffn.has_gate = p.has_gate();
      to.ffn.gate_up = packed(gate_up_dim, p.model_dim);
      to.ffn.down = packed(p.model_dim, p.ffn_dim);
      kept_layer& kept = kept_.emplace_back();
      kept.in = matrix(n, p.model_dim);
      kept.query_key_value = matrix(n, qkv_dim);
      kept.attended = matrix(n, p.query_dim());
      kept.middle = matrix(n, p.model_dim);
      kept.gate_up = matrix(n, gate_up_dim);
      simd::softmax_row<value>* rows_of_softmax = nullptr;
      take(n * p.n_heads, rows_of_softmax);
      kept.softmax = {rows_of_softmax, p.n_heads, n};
    }
    head = packed(p.vocab_size, p.model_dim);
    last_ = matrix(n, p.model_dim);
    hidden = matrix(n, p.ffn_dim);
    for (view* m : {&d_residual, &d_middle, &d_in, &attention_normed, &d_attention_normed,
                    &ffn_normed, &d_ffn_normed}) {
      *m = matrix(n, p.model_dim);
    }
    d_attended = matrix(n, p.query_dim());
    d_query_key_value = matrix(n, qkv_dim);
    for (view* m : {&cosines, &sines, &negative_sines}) {
      *m = matrix(limits.max_document_rows, p.rotary_dim / 2);
    }
    logits = matrix(block_rows, p.vocab_size);
    for (view* m : {&final, &final_in, &d_final}) *m = matrix(block_rows, p.model_dim);
    for (std::span<value>* s : {&attention_scales, &ffn_scales, &final_scales}) {
      *s = matrix(1, n).row(0);
    }
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
  view last_;
};

}  // namespace detail

}  // namespace multitudes::model
