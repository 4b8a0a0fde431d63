// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/core/residual_hook.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/model/detail/forward_pass.hpp>
#include <multitudes/model/kv_cache.hpp>
#include <multitudes/model/weights.hpp>
#include <multitudes/model/workspace.hpp>
#include <multitudes/simd/kernel_set.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>

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
            checked_size(limits.max_rows) * checked_size(sizeof(pass::row_state)) +
            checked_size(limits.max_rows) * checked_size(sizeof(pass::row_run)) +
            checked_size(2 * arena_alignment))
        .get();
  }

  /// The model must stay where it is.
  ///
  /// Errors:  out_of_memory if the arena is too small.
  static expected<evaluation> make(const weights& model, evaluation_limits limits, arena& memory,
                                   const simd::kernel_set& kernels = simd::active_kernels()) {
    auto buffers = workspace::make(model.shape, limits, memory);
    if (!buffers) return forward_error(buffers);
    auto rows = memory.take<pass::row_state>(limits.max_rows);
    if (!rows) return forward_error(rows);
    auto runs = memory.take<pass::row_run>(limits.max_rows);
    if (!runs) return forward_error(runs);
    evaluation e;
    e.limits_ = limits;
    e.pass_ = pass(model, kernels, *buffers, *rows, *runs);
    return e;
  }

  /// Starts a pass: makes room in the cache for every row. An unfinished pass is given up; its
  /// positions stay in the cache, so truncate them.
  ///
  /// Errors:  invalid_argument for a token outside the vocabulary or a closed sequence,
  ///          out_of_memory if the batch or the cache is too small; nothing is changed then.
  expected<void> begin(std::span<const batch_row> batch, kv_cache& cache) {
    if (auto ok = check(batch, cache); !ok) return ok;
    const std::span<pass::row_state> rows = pass_.rows();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const std::size_t length = cache.length(batch[i].sequence);
      if (auto ok = cache.append(batch[i].sequence, 1, batch[i].plan); !ok) {
        for (std::size_t k = i; k-- > 0;) {
          cache.truncate(batch[k].sequence, rows[k].at.value);
        }
        n_rows_ = 0;
        stage_ = stage::done;
        return ok;
      }
      rows[i] = {batch[i].sequence, position(length), batch[i].token, pass::no_logits};
    }
    n_logit_rows_ = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i].wants_logits) {
        rows[i].logit_row = static_cast<std::uint32_t>(n_logit_rows_++);
      }
    }
    n_rows_ = batch.size();
    pass_.begin(n_rows_, n_logit_rows_, cache);
    layer_ = layer_index(0);
    next_tile_ = 0;
    stage_ = n_rows_ == 0 ? stage::done : stage::embed;
    return {};
  }

  /// Gives up an unfinished pass.
  void give_up() noexcept {
    n_rows_ = 0;
    stage_ = stage::done;
  }

  /// Runs up to `max_tiles` tiles, and calls the hook where a block has finished with a row.
  template <executor E, residual_hook H = no_hook>
  evaluation_status resume(E& workers, const H& hook = {},
                           std::size_t max_tiles = std::numeric_limits<std::size_t>::max()) {
    while (stage_ != stage::done && max_tiles > 0) {
      const std::size_t n_tiles = pass_.tiles_in(stage_);
      const std::size_t count = std::min(max_tiles, n_tiles - next_tile_);
      const std::size_t first = next_tile_;
      const auto one = [&, first](std::size_t i) {
        pass_.run_tile(stage_, layer_, first + i, hook);
      };
      workers.run(count, one);
      max_tiles -= count;
      next_tile_ += count;
      if (next_tile_ == n_tiles) advance();
    }
    return stage_ == stage::done ? evaluation_status::done : evaluation_status::in_progress;
  }

  /// Of what kind the next tiles are (below n_kinds), and how many of them wait, which may run at
  /// the same time: for who wants to know how long `resume` will take. None once it is done.
  static constexpr std::size_t n_kinds = static_cast<std::size_t>(detail::stage::done);
  [[nodiscard]] std::size_t kind() const noexcept { return static_cast<std::size_t>(stage_); }
  [[nodiscard]] std::size_t tiles_left() const noexcept {
    return stage_ == stage::done ? 0 : pass_.tiles_in(stage_) - next_tile_;
  }

  /// What follows row `r`, which must have asked for it, once the pass is done: (vocab_size).
  [[nodiscard]] std::span<float> logits(row_index r) const noexcept {
    return pass_.work().logits.row(pass_.rows()[r.value].logit_row);
  }
  [[nodiscard]] position position_of(row_index r) const noexcept {
    return pass_.rows()[r.value].at;
  }
  [[nodiscard]] std::size_t n_rows() const noexcept { return n_rows_; }
  [[nodiscard]] evaluation_limits limits() const noexcept { return limits_; }

 private:
  using pass = detail::forward_pass;
  using stage = detail::stage;

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

  [[nodiscard]] bool is_last_layer() const noexcept {
    return layer_.value + 1 == pass_.model().shape.n_layers;
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
      if (batch[i].token.value >= pass_.model().shape.vocab_size) {
        return bad(errc::invalid_argument, i, "token " + std::to_string(batch[i].token.value),
                   "less than " + std::to_string(pass_.model().shape.vocab_size),
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

  evaluation_limits limits_;
  std::size_t n_rows_ = 0;
  std::size_t n_logit_rows_ = 0;
  std::size_t next_tile_ = 0;
  layer_index layer_;
  stage stage_ = stage::done;
  pass pass_;
};

}  // namespace multitudes::model
