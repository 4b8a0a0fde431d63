// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/model/hyper_parameters.hpp>
#include <multitudes/simd/causal_softmax.hpp>
#include <multitudes/simd/product.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace multitudes::model {

/// Causal attention of the query heads that share one key head, over one document's rows; queries
/// and keys are rotated already. Blocks of queries, so that no full score matrix exists.
///
/// Forward:  P = softmax(Q K^T / sqrt(head_dim)) over earlier rows and the row itself;  O = P V.
/// Backward: dV = P^T dO;  dP = dO V^T;  dS = P * (dP - sum of P * dP);
///           dQ = dS K / sqrt(head_dim);  dK = dS^T Q / sqrt(head_dim).
/// Source:   Dao et al. 2022, arXiv:2205.14135, for computing P again from what is kept of a row.
template <simd::instruction_set I, std::floating_point T>
class self_attention {
  using precision = simd::full_precision<T>;

 public:
  /// Views of one document's rows; the heads are columns.
  struct rows {
    matrix_view<T> query;                    // (n, n_heads * head_dim)
    matrix_view<T> key;                      // (n, n_kv_heads * head_dim)
    matrix_view<T> value;                    // (n, n_kv_heads * head_dim)
    matrix_view<T> out;                      // (n, n_heads * head_dim)
    matrix_view<simd::softmax_row<T>> kept;  // (n_heads, n)
  };
  struct gradients {
    matrix_view<const T> out;
    matrix_view<T> query, key, value;  // overwritten
  };

  /// Memory of one call at a time, for documents of up to `n` rows.
  static std::size_t required_bytes(const hyper_parameters& p, std::size_t n) noexcept {
    const std::size_t wide = arena_bytes<T>(simd::packed_units<I, precision>(p.head_dim, n));
    const std::size_t tall = arena_bytes<T>(simd::packed_units<I, precision>(n, p.head_dim));
    return 2 * wide + 2 * tall + 2 * arena_bytes<T>(block * n) + arena_alignment;
  }

  self_attention(const hyper_parameters& p, std::size_t kv_head) noexcept
      : head_dim_(p.head_dim),
        kv_head_(kv_head),
        group_(p.n_heads / p.n_kv_heads),
        scale_(T(1) / std::sqrt(static_cast<T>(p.head_dim))) {}

  void forward(const rows& at, std::span<std::byte> memory) const noexcept {
    const std::size_t n = at.query.rows();
    scratch s(*this, n, memory);
    const auto keys = s.pack_transposed(key_head(at.key));
    const auto values = s.pack(key_head(at.value));
    for (std::size_t h = kv_head_ * group_; h < (kv_head_ + 1) * group_; ++h) {
      for (std::size_t first = 0; first < n; first += block) {
        const std::size_t count = std::min(block, n - first);
        const std::size_t seen = first + count;
        const matrix_view<T> p(s.scores.data(), count, seen);
        const matrix_view<T> out = query_head(at.out, h).rows(first, count);
        simd::multiply<I, precision>(query_head(at.query, h).rows(first, count),
                                     keys.first(head_dim_, seen), p);
        simd::causal_softmax<I, T>(p, first, scale_, at.kept.row(h).subspan(first, count));
        simd::multiply<I, precision>(p, values.first(seen, head_dim_), out);
      }
    }
  }

  void backward(const rows& at, const gradients& d, std::span<std::byte> memory) const noexcept {
    const std::size_t n = at.query.rows();
    scratch s(*this, n, memory);
    const auto keys_across = s.pack_transposed(key_head(at.key));
    const auto values_across = s.pack_transposed(key_head(at.value));
    const auto keys = s.pack(key_head(at.key));
    const matrix_view<T> d_key = key_head(d.key);
    const matrix_view<T> d_value = key_head(d.value);
    for (std::size_t r = 0; r < n; ++r) {
      std::ranges::fill(d_key.row(r), T(0));
      std::ranges::fill(d_value.row(r), T(0));
    }
    for (std::size_t h = kv_head_ * group_; h < (kv_head_ + 1) * group_; ++h) {
      for (std::size_t first = 0; first < n; first += block) {
        const std::size_t count = std::min(block, n - first);
        const std::size_t seen = first + count;
        const matrix_view<T> p(s.scores.data(), count, seen);
        const matrix_view<T> dp(s.d_scores.data(), count, seen);
        const matrix_view<const T> query = query_head(at.query, h).rows(first, count);
        const matrix_view<const T> d_out = query_head(d.out, h).rows(first, count);
        simd::multiply<I, precision>(query, keys_across.first(head_dim_, seen), p);
        simd::multiply<I, precision>(d_out, values_across.first(head_dim_, seen), dp);
        simd::causal_softmax_backward<I, T>(p, dp, first, scale_,
                                            at.kept.row(h).subspan(first, count));
        simd::multiply<I, precision>(dp, keys.first(seen, head_dim_),
                                     query_head(d.query, h).rows(first, count));
        simd::add_transposed_product<I, precision>(dp, query, d_key.rows(0, seen));
        simd::add_transposed_product<I, precision>(p, d_out, d_value.rows(0, seen));
      }
    }
  }

 private:
  static constexpr std::size_t block = 28;  // queries at a time

  struct scratch {
    scratch(const self_attention& a, std::size_t n, std::span<std::byte> bytes) noexcept
        : memory(bytes), n_rows(n), head_dim(a.head_dim_) {
      scores = take(block * n);
      d_scores = take(block * n);
    }
    // Sized by `required_bytes`, so that the arena cannot run out.
    std::span<T> take(std::size_t count) noexcept {
      auto piece = memory.take_uninitialized<T>(count);
      return piece ? *piece : std::span<T>();
    }
    simd::packed_matrix<precision> pack(matrix_view<const T> m) noexcept {
      const std::span<T> to = take(simd::packed_units<I, precision>(n_rows, head_dim));
      simd::pack<I, precision>(m, 0, simd::n_panels<I, precision>(head_dim), to);
      return simd::packed_view<I, precision>(to, n_rows, head_dim);
    }
    simd::packed_matrix<precision> pack_transposed(matrix_view<const T> m) noexcept {
      const std::span<T> to = take(simd::packed_units<I, precision>(head_dim, n_rows));
      simd::pack_transposed<I, precision>(m, 0, simd::n_panels<I, precision>(n_rows), to);
      return simd::packed_view<I, precision>(to, head_dim, n_rows);
    }

    arena memory;
    std::size_t n_rows;
    std::size_t head_dim;
    std::span<T> scores;    // (block, n)
    std::span<T> d_scores;  // (block, n)
  };

  template <class U>
  [[nodiscard]] matrix_view<U> key_head(matrix_view<U> m) const noexcept {
    return m.cols(kv_head_ * head_dim_, head_dim_);
  }
  template <class U>
  [[nodiscard]] matrix_view<U> query_head(matrix_view<U> m, std::size_t h) const noexcept {
    return m.cols(h * head_dim_, head_dim_);
  }

  std::size_t head_dim_;
  std::size_t kv_head_;
  std::size_t group_;
  T scale_;
};

}  // namespace multitudes::model
