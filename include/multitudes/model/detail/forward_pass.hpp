// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/residual_hook.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/model/attention.hpp>
#include <multitudes/model/kv_cache.hpp>
#include <multitudes/model/rotary_angle.hpp>
#include <multitudes/model/weights.hpp>
#include <multitudes/model/workspace.hpp>
#include <multitudes/simd/kernel_set.hpp>
#include <multitudes/simd/panel.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>

namespace multitudes::model::detail {

/// Stages of a forward pass in their order; those between `embed` and `head` once for each layer.
enum class stage {
  embed,        // each row: look up, first norm
  project,      // each tile: queries, keys, values
  rotate,       // each row: rotary embedding, keys and values into the cache
  attend,       // each run of rows, and the key heads that fill a block
  project_out,  // each tile
  mix,          // each row: add to the stream, norm before the feed-forward
  widen,        // each tile: up, then gated or squared
  down,         // each tile
  finish,       // each row: add to the stream, hook, next norm
  head,         // each tile: logits
  done,
};

/// What the stages compute, tile by tile. What a tile computes for a row depends neither on the
/// other rows nor on the tiles before it in its stage.
class forward_pass {
 public:
  static constexpr std::uint32_t no_logits = std::numeric_limits<std::uint32_t>::max();
  struct row_state {
    sequence_id sequence;
    position at;
    token_id token;
    std::uint32_t logit_row;
  };

  /// Neighbouring rows of one sequence.
  struct row_run {
    std::uint32_t first;
    std::uint32_t count;
  };

  forward_pass() = default;
  forward_pass(const weights& model, const simd::kernel_set& kernels, const workspace& work,
               std::span<row_state> rows, std::span<row_run> runs) noexcept
      : kernels_(&kernels), model_(&model), work_(work), rows_(rows), runs_(runs) {
    find_uses();
  }

  /// The rows of a new pass; the first `n_rows` have been filled in.
  void begin(std::size_t n_rows, std::size_t n_logit_rows, kv_cache& cache) noexcept {
    n_rows_ = n_rows;
    n_logit_rows_ = n_logit_rows;
    cache_ = &cache;
    find_runs();
  }

  [[nodiscard]] std::span<row_state> rows() const noexcept { return rows_; }
  [[nodiscard]] const workspace& work() const noexcept { return work_; }
  [[nodiscard]] const weights& model() const noexcept { return *model_; }

  [[nodiscard]] std::size_t tiles_in(stage s) const noexcept {
    const hyper_parameters& p = model_->shape;
    const std::size_t row_blocks = blocks(n_rows_, tile_rows);
    switch (s) {
      case stage::embed:
      case stage::rotate:
      case stage::mix:
      case stage::finish: return n_rows_;
      case stage::project:
        return (weight_tiles(p.query_dim()) + 2 * weight_tiles(p.kv_dim())) * row_blocks;
      case stage::attend: return n_runs_ * head_tiles();
      case stage::project_out:
      case stage::down: return weight_tiles(p.model_dim) * row_blocks;
      case stage::widen: return weight_tiles(p.ffn_dim) * row_blocks;
      case stage::head: return weight_tiles(p.vocab_size) * blocks(n_logit_rows_, tile_rows);
      case stage::done: return 0;
    }
    return 0;
  }

  void run_tile(stage now, layer_index at, std::size_t tile, residual_hook_ref hook) const {
    const layer_weights& layer = model_->layers[at.value];
    switch (now) {
      case stage::embed: return embed(tile);
      case stage::project: return project(tile, layer);
      case stage::rotate: return rotate(tile, at);
      case stage::attend: return attend_heads(tile, at);
      case stage::project_out:
        return multiply(tile, layer.attention_out, {work_.attended, work_.attended_bytes},
                        work_.delta);
      case stage::mix: return mix(tile, layer);
      case stage::widen: return widen(tile, layer);
      case stage::down:
        return multiply(tile, layer.down, {work_.inner, work_.inner_bytes}, work_.delta);
      case stage::finish: return finish(tile, at, hook);
      case stage::head: return logits_tile(tile);
      case stage::done: return;
    }
  }

 private:
  // A tile of a product: so many weight rows, a whole block of the activations that they become,
  // for so many rows of the batch.
  static constexpr std::size_t tile_weights = simd::activation_block;
  static constexpr std::size_t tile_rows = 48;
  // Rows of one sequence that attend together, and their heads.
  static constexpr std::size_t run_rows = 8;
  static constexpr std::size_t run_queries = 64;

  static std::size_t blocks(std::size_t n, std::size_t size) noexcept {
    return (n + size - 1) / size;
  }
  static std::size_t weight_tiles(std::size_t n_weight_rows) noexcept {
    return blocks(n_weight_rows, tile_weights);
  }

  void embed(std::size_t r) const {
    const hyper_parameters& p = model_->shape;
    simd::unpack_row<simd::native>(model_->embedding, rows_[r].token.value, work_.residual.row(r));
    norm(r, model_->layers[0].attention_norm);
    // For each element of a head: its cosine, and the sine with the sign that it has there.
    const std::size_t pairs = p.rotary_dim / 2;
    const bool interleaved = p.rotary_layout == simd::rotary_layout::interleaved;
    const std::span<float> cosines = work_.rotary.row(r).first(p.rotary_dim);
    const std::span<float> sines = work_.rotary.row(r).subspan(p.rotary_dim);
    for (std::size_t i = 0; i < pairs; ++i) {
      const double angle = rotary_angle(p, model_->rotary_divisors, rows_[r].at.value, i);
      const std::size_t one = interleaved ? 2 * i : i, other = interleaved ? one + 1 : i + pairs;
      cosines[one] = cosines[other] = static_cast<float>(std::cos(angle));
      sines[other] = static_cast<float>(std::sin(angle));
      sines[one] = -sines[other];
    }
  }

  void project(std::size_t tile, const layer_weights& layer) const {
    const std::size_t row_blocks = blocks(n_rows_, tile_rows);
    const std::size_t query_tiles = weight_tiles(layer.query.rows) * row_blocks;
    const std::size_t key_tiles = weight_tiles(layer.key.rows) * row_blocks;
    const simd::activations in{work_.normed, work_.normed_bytes};
    if (tile < query_tiles) {
      multiply(tile, layer.query, in, work_.query);
    } else if (tile < query_tiles + key_tiles) {
      multiply(tile - query_tiles, layer.key, in, work_.key);
    } else {
      multiply(tile - query_tiles - key_tiles, layer.value, in, work_.value);
    }
  }

  void rotate(std::size_t r, layer_index layer) const {
    const hyper_parameters& p = model_->shape;
    const float* cosines = work_.rotary.row(r).data();
    const float* sines = cosines + p.rotary_dim;
    const bool interleaved = p.rotary_layout == simd::rotary_layout::interleaved;
    kernels_->rotate(work_.query.row(r).data(), p.n_heads, p.head_dim, cosines, sines, p.rotary_dim,
                     interleaved);
    kernels_->rotate(work_.key.row(r).data(), p.n_kv_heads, p.head_dim, cosines, sines,
                     p.rotary_dim, interleaved);
    for (std::size_t h = 0; h < p.n_kv_heads; ++h) {
      cache_->write(*kernels_, rows_[r].sequence, rows_[r].at, layer, h,
                    work_.key.row(r).subspan(h * p.head_dim, p.head_dim),
                    work_.value.row(r).subspan(h * p.head_dim, p.head_dim));
    }
  }

  /// Key heads of a tile of attention: as many as fill whole blocks of what attention gives.
  [[nodiscard]] std::size_t heads_of_tile() const noexcept {
    const hyper_parameters& p = model_->shape;
    const std::size_t width = p.query_dim() / p.n_kv_heads;
    return std::min<std::size_t>(std::lcm(width, simd::activation_block) / width, p.n_kv_heads);
  }
  [[nodiscard]] std::size_t head_tiles() const noexcept {
    return blocks(model_->shape.n_kv_heads, heads_of_tile());
  }

  void attend_heads(std::size_t tile, layer_index layer) const {
    const hyper_parameters& p = model_->shape;
    const row_run run = runs_[tile / head_tiles()];
    const std::size_t first_head = tile % head_tiles() * heads_of_tile();
    const std::size_t last_head = std::min<std::size_t>(first_head + heads_of_tile(), p.n_kv_heads);
    const std::size_t group = p.n_heads / p.n_kv_heads;
    std::array<head_query, run_queries> queries;
    for (std::size_t kv_head = first_head; kv_head < last_head; ++kv_head) {
      for (std::size_t first = 0; first < group; first += run_queries) {
        const std::size_t n_heads = std::min(run_queries, group - first);
        std::size_t n = 0;
        for (std::size_t r = run.first; r < run.first + run.count; ++r) {
          for (std::size_t i = 0; i < n_heads; ++i) {
            const std::size_t h = kv_head * group + first + i;
            queries[n++] = {rows_[r].at.value + std::size_t{1},
                            {work_.query.row(r).data() + h * p.head_dim,
                             work_.attended.row(r).data() + h * p.head_dim,
                             &work_.attention[r * p.n_heads + h]}};
          }
        }
        attend(*kernels_, *cache_, rows_[run.first].sequence, layer, kv_head, p.head_dim,
               std::span(queries).first(n));
      }
    }
    if (!attended_as_bytes_) return;
    const std::size_t width = group * p.head_dim;
    for (std::size_t r = run.first; r < run.first + run.count; ++r) {
      quantize(work_.attended, work_.attended_bytes, r, first_head * width, last_head * width);
    }
  }

  void mix(std::size_t r, const layer_weights& layer) const {
    add_delta(r);
    norm(r, layer.ffn_norm);
  }

  void widen(std::size_t tile, const layer_weights& layer) const {
    const bool has_gate = model_->shape.has_gate();
    const simd::activations in{work_.normed, work_.normed_bytes};
    multiply(tile, layer.up, in, work_.inner);
    if (has_gate) multiply(tile, layer.gate, in, work_.gate);
    const tile_bounds t = bounds_of(tile, layer.up.rows, n_rows_);
    for (std::size_t r = t.first_row; r < t.last_row; ++r) {
      float* inner = work_.inner.row(r).data() + t.first_weight;
      if (has_gate) {
        kernels_->silu_gate(work_.gate.row(r).data() + t.first_weight, inner, inner, t.n_weights());
      } else {
        kernels_->relu_squared(inner, inner, t.n_weights());
      }
      if (inner_as_bytes_) {
        quantize(work_.inner, work_.inner_bytes, r, t.first_weight, t.last_weight);
      }
    }
  }

  void finish(std::size_t r, layer_index layer, residual_hook_ref hook) const {
    add_delta(r);
    hook(row_index(r), layer, work_.residual.row(r));
    if (layer.value + 1 != model_->shape.n_layers) {
      norm(r, model_->layers[layer.value + 1].attention_norm);
    } else if (rows_[r].logit_row != no_logits) {
      const std::size_t at = rows_[r].logit_row;
      norm(work_.residual.row(r), model_->final_norm, work_.final.row(at));
      if (simd::uses_bytes(model_->head.format)) {
        quantize(work_.final, work_.final_bytes, at, 0, model_->shape.model_dim);
      }
    }
  }

  void logits_tile(std::size_t tile) const {
    const tile_bounds t = bounds_of(tile, model_->head.rows, n_logit_rows_);
    multiply(t, model_->head, {work_.final, work_.final_bytes}, work_.logits);
  }

  struct tile_bounds {
    std::size_t first_weight, last_weight, first_row, last_row;
    [[nodiscard]] std::size_t n_weights() const noexcept { return last_weight - first_weight; }
    [[nodiscard]] std::size_t n_rows() const noexcept { return last_row - first_row; }
  };
  static tile_bounds bounds_of(std::size_t tile, std::size_t n_weight_rows,
                               std::size_t n_rows) noexcept {
    const std::size_t row_blocks = blocks(n_rows, tile_rows);
    const std::size_t w = tile / row_blocks * tile_weights;
    const std::size_t r = tile % row_blocks * tile_rows;
    return {w, std::min(w + tile_weights, n_weight_rows), r, std::min(r + tile_rows, n_rows)};
  }

  void multiply(const tile_bounds& t, const simd::weight_matrix& w, const simd::activations& in,
                matrix_view<float> out) const {
    kernels_->multiply(w, in.rows(t.first_row, t.n_rows()), t.first_weight, t.last_weight,
                       out.rows(t.first_row, t.n_rows()));
  }
  void multiply(std::size_t tile, const simd::weight_matrix& w, const simd::activations& in,
                matrix_view<float> out) const {
    multiply(bounds_of(tile, w.rows, n_rows_), w, in, out);
  }

  void add_delta(std::size_t r) const noexcept {
    kernels_->add(work_.delta.row(r).data(), work_.residual.row(r).data(), model_->shape.model_dim);
  }
  void norm(std::span<const float> in, std::span<const float> weight,
            std::span<float> out) const noexcept {
    kernels_->rms_norm(in.data(), weight.data(), model_->shape.norm_epsilon, in.size(), out.data());
  }
  /// The stream of a row, ready for the products of a block.
  void norm(std::size_t r, std::span<const float> weight) const noexcept {
    norm(work_.residual.row(r), weight, work_.normed.row(r));
    if (normed_as_bytes_) {
      quantize(work_.normed, work_.normed_bytes, r, 0, model_->shape.model_dim);
    }
  }
  /// Columns of a row as bytes, from the beginning of a block to the end of one.
  void quantize(matrix_view<const float> from, const simd::quantized_rows& to, std::size_t r,
                std::size_t first, std::size_t last) const noexcept {
    kernels_->quantize(from.data() + r * from.stride() + first, last - first,
                       to.row(r) + first / simd::activation_block);
  }

  /// Which activations the model's weights want as bytes.
  void find_uses() noexcept {
    for (const layer_weights& layer : model_->layers) {
      for (const simd::weight_matrix* w :
           {&layer.query, &layer.key, &layer.value, &layer.up, &layer.gate}) {
        normed_as_bytes_ |= w->rows != 0 && simd::uses_bytes(w->format);
      }
      attended_as_bytes_ |= simd::uses_bytes(layer.attention_out.format);
      inner_as_bytes_ |= simd::uses_bytes(layer.down.format);
    }
  }
  void find_runs() noexcept {
    const std::size_t group = model_->shape.n_heads / model_->shape.n_kv_heads;
    const std::size_t most = std::clamp<std::size_t>(run_queries / group, 1, run_rows);
    n_runs_ = 0;
    for (std::size_t r = 0; r < n_rows_; ++r) {
      row_run* last = n_runs_ == 0 ? nullptr : &runs_[n_runs_ - 1];
      if (last != nullptr && rows_[r].sequence == rows_[last->first].sequence &&
          last->count < most) {
        ++last->count;
      } else {
        runs_[n_runs_++] = {static_cast<std::uint32_t>(r), 1};
      }
    }
  }

  const simd::kernel_set* kernels_ = nullptr;
  const weights* model_ = nullptr;
  kv_cache* cache_ = nullptr;
  bool normed_as_bytes_ = false, attended_as_bytes_ = false, inner_as_bytes_ = false;
  std::size_t n_rows_ = 0;
  std::size_t n_logit_rows_ = 0;
  std::size_t n_runs_ = 0;
  workspace work_;
  std::span<row_state> rows_;  // (max_rows)
  std::span<row_run> runs_;    // (max_rows)
};

}  // namespace multitudes::model::detail
