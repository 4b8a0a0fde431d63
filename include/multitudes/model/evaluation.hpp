// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/core/residual_hook.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/model/attention.hpp>
#include <multitudes/model/kv_cache.hpp>
#include <multitudes/model/rotary_angle.hpp>
#include <multitudes/model/weights.hpp>
#include <multitudes/model/workspace.hpp>
#include <multitudes/simd/matmul.hpp>
#include <multitudes/simd/relu_squared.hpp>
#include <multitudes/simd/rms_norm.hpp>
#include <multitudes/simd/rotary.hpp>
#include <multitudes/simd/silu_gate.hpp>

#include <cmath>
#include <limits>
#include <optional>
#include <span>

namespace multitudes::model {

/// One token of a batch: of which sequence, which token, whether its successor is asked for.
/// Rows of one sequence stand in the order of their positions, which follow what the sequence
/// already holds.
struct batch_row {
  sequence_id sequence;
  token_id token;
  bool wants_logits = false;
  fingerprint plan = {};  ///< under which plan it is computed; remembered by the cache
};

/// What `resume` has to say.
enum class evaluation_status { in_progress, done };

/// A forward pass over a batch, cut into tiles. Each stage of a layer is a number of independent
/// tiles; `resume` runs as many as it may and can be called again, in the middle of a layer, until
/// the pass is done. What a tile computes for a row depends neither on the other rows nor on the
/// tiles before it in its stage: threads, batches and cuts cannot change a bit.
class evaluation {
 public:
  /// The bytes of arena that `make` takes; nothing if they cannot be counted.
  static std::optional<std::size_t> required_bytes(const hyper_parameters& p,
                                                   evaluation_limits limits) noexcept {
    const auto buffers = workspace::required_bytes(p, limits);
    if (!buffers) return std::nullopt;
    return (checked_size(*buffers) +
            checked_size(limits.max_rows) * checked_size(sizeof(row_state)) +
            checked_size(arena_alignment))
        .get();
  }

  /// The model must stay where it is.
  ///
  /// Errors:  out_of_memory if the arena is too small.
  static expected<evaluation> make(const weights& model, evaluation_limits limits, arena& memory) {
    auto buffers = workspace::make(model.shape, limits, memory);
    if (!buffers) return forward_error(buffers);
    auto rows = memory.take<row_state>(limits.max_rows);
    if (!rows) return forward_error(rows);
    evaluation e;
    e.model_ = &model;
    e.limits_ = limits;
    e.work_ = *buffers;
    e.rows_ = *rows;
    return e;
  }

  /// Starts a pass: makes room in the cache for every row. An unfinished pass is given up; its
  /// positions stay in the cache, so truncate them.
  ///
  /// Errors:  invalid_argument for a token outside the vocabulary or a closed sequence,
  ///          out_of_memory if the batch or the cache is too small; nothing is changed then.
  expected<void> begin(std::span<const batch_row> batch, kv_cache& cache) {
    if (auto ok = check(batch, cache); !ok) return ok;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const std::size_t length = cache.length(batch[i].sequence);
      if (auto ok = cache.append(batch[i].sequence, 1, batch[i].plan); !ok) {
        for (std::size_t k = i; k-- > 0;) {
          cache.truncate(batch[k].sequence, rows_[k].at.value);
        }
        n_rows_ = 0;
        stage_ = stage::done;
        return ok;
      }
      rows_[i] = {batch[i].sequence, position(length), batch[i].token, no_logits};
    }
    n_logit_rows_ = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i].wants_logits) {
        rows_[i].logit_row = static_cast<std::uint32_t>(n_logit_rows_++);
      }
    }
    cache_ = &cache;
    n_rows_ = batch.size();
    layer_ = layer_index(0);
    next_tile_ = 0;
    stage_ = n_rows_ == 0 ? stage::done : stage::embed;
    return {};
  }

  /// Runs up to `max_tiles` tiles, and calls the hook where a block has finished with a row.
  template <executor E, residual_hook H = no_hook>
  evaluation_status resume(E& workers, const H& hook = {},
                           std::size_t max_tiles = std::numeric_limits<std::size_t>::max()) {
    while (stage_ != stage::done && max_tiles > 0) {
      const std::size_t n_tiles = tiles_in(stage_);
      const std::size_t count = std::min(max_tiles, n_tiles - next_tile_);
      const std::size_t first = next_tile_;
      const auto one = [&, first](std::size_t i) { run_tile(first + i, hook); };
      workers.run(count, one);
      max_tiles -= count;
      next_tile_ += count;
      if (next_tile_ == n_tiles) advance();
    }
    return stage_ == stage::done ? evaluation_status::done : evaluation_status::in_progress;
  }

  /// What follows row `r`, which must have asked for it, once the pass is done: (vocab_size).
  [[nodiscard]] std::span<float> logits(row_index r) const noexcept {
    return work_.logits.row(rows_[r.value].logit_row);
  }
  [[nodiscard]] position position_of(row_index r) const noexcept { return rows_[r.value].at; }
  [[nodiscard]] std::size_t n_rows() const noexcept { return n_rows_; }
  [[nodiscard]] evaluation_limits limits() const noexcept { return limits_; }

 private:
  using isa = simd::native;

  static constexpr std::uint32_t no_logits = std::numeric_limits<std::uint32_t>::max();
  // A tile of a product: so many weight rows, read once for so many rows of the batch.
  static constexpr std::size_t tile_weights = 32;
  static constexpr std::size_t tile_rows = 32;

  struct row_state {
    sequence_id sequence;
    position at;
    token_id token;
    std::uint32_t logit_row;
  };

  enum class stage {
    embed,        // each row: look up, first norm
    project,      // each tile: queries, keys, values
    rotate,       // each row: rotary embedding, keys and values into the cache
    attend,       // each row and key head
    project_out,  // each tile
    mix,          // each row: add to the stream, norm before the feed-forward
    widen,        // each tile: up, then gated or squared
    down,         // each tile
    finish,       // each row: add to the stream, hook, next norm
    head,         // each tile: logits
    done,
  };

  static std::size_t blocks(std::size_t n, std::size_t size) noexcept {
    return (n + size - 1) / size;
  }
  static std::size_t weight_tiles(std::size_t n_weight_rows) noexcept {
    return blocks(n_weight_rows, tile_weights);
  }

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
      case stage::attend: return n_rows_ * p.n_kv_heads;
      case stage::project_out:
      case stage::down: return weight_tiles(p.model_dim) * row_blocks;
      case stage::widen: return weight_tiles(p.ffn_dim) * row_blocks;
      case stage::head: return weight_tiles(p.vocab_size) * blocks(n_logit_rows_, tile_rows);
      case stage::done: return 0;
    }
    return 0;
  }

  void advance() noexcept {
    next_tile_ = 0;
    switch (stage_) {
      case stage::embed: stage_ = stage::project; return;
      case stage::project: stage_ = stage::rotate; return;
      case stage::rotate: stage_ = stage::attend; return;
      case stage::attend: stage_ = stage::project_out; return;
      case stage::project_out: stage_ = stage::mix; return;
      case stage::mix: stage_ = stage::widen; return;
      case stage::widen: stage_ = stage::down; return;
      case stage::down: stage_ = stage::finish; return;
      case stage::finish:
        if (!is_last_layer()) {
          ++layer_;
          stage_ = stage::project;
        } else {
          stage_ = n_logit_rows_ > 0 ? stage::head : stage::done;
        }
        return;
      case stage::head:
      case stage::done: stage_ = stage::done; return;
    }
  }

  template <residual_hook H>
  void run_tile(std::size_t tile, const H& hook) const {
    const layer_weights& layer = model_->layers[layer_.value];
    switch (stage_) {
      case stage::embed: return embed(tile);
      case stage::project: return project(tile, layer);
      case stage::rotate: return rotate(tile);
      case stage::attend: return attend_heads(tile);
      case stage::project_out:
        return multiply(tile, layer.attention_out, work_.attended, work_.delta);
      case stage::mix: return mix(tile, layer);
      case stage::widen: return widen(tile, layer);
      case stage::down: return multiply(tile, layer.down, work_.inner, work_.delta);
      case stage::finish: return finish(tile, hook);
      case stage::head: return logits_tile(tile);
      case stage::done: return;
    }
  }

  void embed(std::size_t r) const {
    const hyper_parameters& p = model_->shape;
    simd::unpack_row<isa>(model_->embedding, rows_[r].token.value, work_.residual.row(r));
    norm(work_.residual.row(r), model_->layers[0].attention_norm, work_.normed.row(r));
    const std::size_t pairs = p.rotary_dim / 2;
    for (std::size_t i = 0; i < pairs; ++i) {
      const double angle = rotary_angle(p, model_->rotary_divisors, rows_[r].at.value, i);
      work_.rotary.row(r)[i] = static_cast<float>(std::cos(angle));
      work_.rotary.row(r)[pairs + i] = static_cast<float>(std::sin(angle));
    }
  }

  void project(std::size_t tile, const layer_weights& layer) const {
    const std::size_t row_blocks = blocks(n_rows_, tile_rows);
    const std::size_t query_tiles = weight_tiles(layer.query.rows) * row_blocks;
    const std::size_t key_tiles = weight_tiles(layer.key.rows) * row_blocks;
    if (tile < query_tiles) {
      multiply(tile, layer.query, work_.normed, work_.query);
    } else if (tile < query_tiles + key_tiles) {
      multiply(tile - query_tiles, layer.key, work_.normed, work_.key);
    } else {
      multiply(tile - query_tiles - key_tiles, layer.value, work_.normed, work_.value);
    }
  }

  void rotate(std::size_t r) const {
    const hyper_parameters& p = model_->shape;
    const std::size_t pairs = p.rotary_dim / 2;
    const std::span<const float> cosines = work_.rotary.row(r).first(pairs);
    const std::span<const float> sines = work_.rotary.row(r).subspan(pairs);
    for (std::size_t h = 0; h < p.n_heads; ++h) {
      simd::rotate<isa, float>(work_.query.row(r).subspan(h * p.head_dim, p.head_dim), cosines,
                               sines, p.rotary_layout);
    }
    for (std::size_t h = 0; h < p.n_kv_heads; ++h) {
      const std::span<float> key = work_.key.row(r).subspan(h * p.head_dim, p.head_dim);
      simd::rotate<isa, float>(key, cosines, sines, p.rotary_layout);
      cache_->write(rows_[r].sequence, rows_[r].at, layer_, h, key,
                    work_.value.row(r).subspan(h * p.head_dim, p.head_dim));
    }
  }

  void attend_heads(std::size_t tile) const {
    const hyper_parameters& p = model_->shape;
    const std::size_t r = tile / p.n_kv_heads;
    const std::size_t kv_head = tile % p.n_kv_heads;
    const std::size_t group = p.n_heads / p.n_kv_heads;
    for (std::size_t h = kv_head * group; h < (kv_head + 1) * group; ++h) {
      attend<isa>(*cache_, rows_[r].sequence, layer_, kv_head, rows_[r].at.value + std::size_t{1},
                  work_.query.row(r).subspan(h * p.head_dim, p.head_dim),
                  work_.attended.row(r).subspan(h * p.head_dim, p.head_dim));
    }
  }

  void mix(std::size_t r, const layer_weights& layer) const {
    simd::add<isa, float>(work_.delta.row(r), work_.residual.row(r));
    norm(work_.residual.row(r), layer.ffn_norm, work_.normed.row(r));
  }

  void widen(std::size_t tile, const layer_weights& layer) const {
    const bool has_gate = model_->shape.has_gate();
    multiply(tile, layer.up, work_.normed, work_.inner);
    if (has_gate) multiply(tile, layer.gate, work_.normed, work_.gate);
    const tile_bounds t = bounds_of(tile, layer.up.rows, n_rows_);
    for (std::size_t r = t.first_row; r < t.last_row; ++r) {
      const auto part = [&](auto m) { return m.row(r).subspan(t.first_weight, t.n_weights()); };
      const std::span<float> inner = part(work_.inner);
      if (has_gate) {
        simd::silu_gate<isa, float>(part(work_.gate), inner, inner);
      } else {
        simd::relu_squared<isa, float>(inner, inner);
      }
    }
  }

  template <residual_hook H>
  void finish(std::size_t r, const H& hook) const {
    simd::add<isa, float>(work_.delta.row(r), work_.residual.row(r));
    hook(row_index(r), layer_, work_.residual.row(r));
    if (!is_last_layer()) {
      norm(work_.residual.row(r), model_->layers[layer_.value + 1].attention_norm,
           work_.normed.row(r));
    } else if (rows_[r].logit_row != no_logits) {
      norm(work_.residual.row(r), model_->final_norm, work_.final.row(rows_[r].logit_row));
    }
  }

  void logits_tile(std::size_t tile) const {
    const tile_bounds t = bounds_of(tile, model_->head.rows, n_logit_rows_);
    simd::matmul<isa>(model_->head, work_.final.rows(t.first_row, t.n_rows()), t.first_weight,
                      t.last_weight, work_.logits.rows(t.first_row, t.n_rows()));
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

  void multiply(std::size_t tile, const simd::weight_matrix& w, matrix_view<const float> in,
                matrix_view<float> out) const {
    const tile_bounds t = bounds_of(tile, w.rows, n_rows_);
    simd::matmul<isa>(w, in.rows(t.first_row, t.n_rows()), t.first_weight, t.last_weight,
                      out.rows(t.first_row, t.n_rows()));
  }

  void norm(std::span<const float> in, std::span<const float> weight,
            std::span<float> out) const noexcept {
    simd::rms_norm<isa, float>(in, weight, model_->shape.norm_epsilon, out);
  }

  [[nodiscard]] bool is_last_layer() const noexcept {
    return layer_.value + 1 == model_->shape.n_layers;
  }

  expected<void> check(std::span<const batch_row> batch, const kv_cache& cache) const {
    const auto bad = [](errc code, std::size_t row, std::string found, std::string wanted,
                        const char* remedy) {
      return fail({code, "evaluate batch", "row " + std::to_string(row), std::move(found),
                   std::move(wanted), remedy});
    };
    if (batch.size() > limits_.max_rows) {
      return bad(errc::out_of_memory, batch.size() - 1, std::to_string(batch.size()) + " rows",
                 "at most " + std::to_string(limits_.max_rows), "cut the batch or raise max_rows");
    }
    std::size_t n_logit_rows = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i].token.value >= model_->shape.vocab_size) {
        return bad(errc::invalid_argument, i, "token " + std::to_string(batch[i].token.value),
                   "less than " + std::to_string(model_->shape.vocab_size),
                   "encode with this model's tokenizer");
      }
      if (!cache.is_open(batch[i].sequence)) {
        return bad(errc::invalid_argument, i,
                   "sequence " + std::to_string(batch[i].sequence.value) + ", which is not open",
                   {}, "open it in this cache first");
      }
      if (batch[i].wants_logits && ++n_logit_rows > limits_.max_logit_rows) {
        return bad(errc::out_of_memory, i, std::to_string(n_logit_rows) + " rows want logits",
                   "at most " + std::to_string(limits_.max_logit_rows), "raise max_logit_rows");
      }
    }
    return {};
  }

  const weights* model_ = nullptr;
  kv_cache* cache_ = nullptr;
  evaluation_limits limits_;
  std::size_t n_rows_ = 0;
  std::size_t n_logit_rows_ = 0;
  std::size_t next_tile_ = 0;
  layer_index layer_;
  stage stage_ = stage::done;
  std::span<row_state> rows_;  // (max_rows)
  workspace work_;
};

}  // namespace multitudes::model
