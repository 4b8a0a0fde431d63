// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/executor.hpp>
#include <multitudes/core/scratch_pool.hpp>
#include <multitudes/model/detail/parallel.hpp>
#include <multitudes/model/detail/training_buffers.hpp>
#include <multitudes/model/document_rows.hpp>
#include <multitudes/model/layers/feed_forward.hpp>
#include <multitudes/model/layers/linear.hpp>
#include <multitudes/model/layers/norm.hpp>
#include <multitudes/model/layers/rows.hpp>
#include <multitudes/model/layers/self_attention.hpp>
#include <multitudes/model/parameters.hpp>
#include <multitudes/model/rotary_angle.hpp>
#include <multitudes/simd/rotary.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace multitudes::model {

/// Looks at the logits that follow a row: `(i, logits)`, i being the place among the rows asked
/// for; for different rows from different threads at the same time. Going backward, it replaces
/// the logits by the gradient of the loss with respect to them.
template <class T>
using logits_visitor = function_ref<void(std::size_t, std::span<T>)>;

/// Forward and backward through a whole model, for many rows at once. The forward pass is the
/// runner's, layer for layer, with what the way back needs kept; work is cut into chunks that no
/// thread or batch can change, so that the same rows give the same bits on any executor.
///
/// Cost:    after `make`, no allocation. Memory grows with max_rows: about
///          n_layers * (2 model_dim + 2 query_dim + 2 kv_dim + 2 ffn_dim) numbers for each row.
template <simd::product_precision P, simd::instruction_set I = simd::native>
class training_pass {
 public:
  using value = typename P::value;

  /// Errors:  out_of_memory; invalid_argument if a limit is 0.
  static expected<training_pass> make(const hyper_parameters& shape, training_limits limits) {
    if (auto ok = validate(shape); !ok) return forward_error(ok);
    training_pass pass;
    pass.shape_ = shape;
    auto buffers = buffers_type::make(shape, limits);
    if (!buffers) return forward_error(buffers);
    pass.buffers_ = std::move(*buffers);
    const std::size_t bytes =
        std::max(buffers_type::chunk_bytes(shape),
                 self_attention<I, value>::required_bytes(shape, limits.max_document_rows));
    auto scratch = scratch_pool::make(limits.n_threads, bytes);
    if (!scratch) return forward_error(scratch);
    pass.scratch_ = std::move(*scratch);
    return pass;
  }

  [[nodiscard]] const training_limits& limits() const noexcept { return buffers_.limits; }

  /// Runs the documents forward. The parameters are packed for products first, so that they may
  /// change between calls, but must stay as they are until `backward` is done.
  ///
  /// Errors:  shape_mismatch if the parameters have another shape; out_of_memory if there are more
  ///          rows, or a longer document, than the limits; invalid_argument for an unknown token.
  template <executor E>
  expected<void> forward(E& workers, const parameters<value>& model, const document_rows& rows) {
    if (auto ok = check(model, rows); !ok) return ok;
    rows_ = &rows;
    n_ = rows.size();
    model_ = &model;
    pack(workers);
    turn_angles();
    embed(workers);
    for (std::size_t l = 0; l < shape_.n_layers; ++l) forward_layer(workers, l);
    return {};
  }

  /// Shows the logits that follow each of the given rows, after `forward`.
  ///
  /// Shapes:  logits (vocab_size), valid for the length of the call.
  template <executor E>
  void visit_logits(E& workers, std::span<const std::size_t> rows, logits_visitor<value> visit) {
    for (std::size_t done = 0; done < rows.size(); done += buffers_.block_rows) {
      const auto block = rows.subspan(done, std::min(buffers_.block_rows, rows.size() - done));
      detail::over_rows(workers, block.size(),
                        [&](row_range c) { logits_of(block, done, c, visit); });
    }
  }

  /// Runs backward after `forward`, adding to `gradient` what the loss over the given rows
  /// contributes; rows must not repeat. Uses up what `forward` kept.
  ///
  /// Shapes:  gradient as the model.
  template <executor E>
  void backward(E& workers, std::span<const std::size_t> rows, logits_visitor<value> visit,
                parameters<value>& gradient) {
    detail::over_rows(workers, n_, [&](row_range c) {
      for (std::size_t r = c.first; r < c.first + c.count; ++r) {
        std::ranges::fill(buffers_.d_residual.row(r), value(0));
      }
    });
    for (std::size_t done = 0; done < rows.size(); done += buffers_.block_rows) {
      const auto block = rows.subspan(done, std::min(buffers_.block_rows, rows.size() - done));
      backward_head(workers, block, done, visit, gradient);
    }
    for (std::size_t l = shape_.n_layers; l-- > 0;) backward_layer(workers, l, gradient);
    backward_embedding(workers, gradient);
  }

  /// The residual stream that entered block `l`, for l = n_layers what left the last one, after
  /// `forward`: (rows, model_dim).
  [[nodiscard]] matrix_view<const value> residual(std::size_t l) const noexcept {
    return buffers_.residual(l).rows(0, n_);
  }

 private:
  using buffers_type = detail::training_buffers<P, I>;
  using norm_type = norm<I, value>;

  expected<void> check(const parameters<value>& model, const document_rows& rows) const {
    const auto bad = [](errc code, std::string place, std::string found, std::string wanted,
                        const char* remedy) {
      return fail({.code = code,
                   .operation = "training pass",
                   .place = std::move(place),
                   .found = std::move(found),
                   .expected = std::move(wanted),
                   .remedy = remedy});
    };
    if (model.shape() != shape_) {
      return bad(errc::shape_mismatch, "parameters", "another shape", "the shape of this pass",
                 "make a pass for this model");
    }
    const training_limits& most = buffers_.limits;
    if (rows.size() > most.max_rows) {
      return bad(errc::out_of_memory, {}, std::to_string(rows.size()) + " rows",
                 "at most " + std::to_string(most.max_rows), "cut the batch or raise max_rows");
    }
    if (rows.longest() > most.max_document_rows) {
      return bad(errc::out_of_memory, {},
                 "a document of " + std::to_string(rows.longest()) + " rows",
                 "at most " + std::to_string(most.max_document_rows),
                 "cut the document or raise max_document_rows");
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows.tokens()[i].value < shape_.vocab_size) continue;
      return bad(errc::invalid_argument, "row " + std::to_string(i),
                 "token " + std::to_string(rows.tokens()[i].value),
                 "less than " + std::to_string(shape_.vocab_size),
                 "encode with this model's tokenizer");
    }
    return {};
  }

  using dw = weight_gradient<P, I>;
  using dw_norm = norm_weight_gradient<I, value>;

  template <executor E>
  void pack(E& workers) const {
    struct job {
      const linear<P, I>* to;
      matrix_view<const value> from;
      [[nodiscard]] std::size_t n_tiles() const noexcept { return to->n_pack_chunks(); }
      void run(std::size_t tile) const noexcept { to->pack(from, tile); }
    };
    for (std::size_t l = 0; l < shape_.n_layers; ++l) {
      const auto& w = model_->layer(l);
      const auto& packed = buffers_.layers[l];
      detail::run_tiles(workers, job{&packed.query_key_value, w.query_key_value},
                        job{&packed.attention_out, w.attention_out},
                        job{&packed.ffn.gate_up, w.gate_up}, job{&packed.ffn.down, w.down});
    }
    detail::run_tiles(workers, job{&buffers_.head, model_->head()});
  }

  void turn_angles() noexcept {
    for (std::size_t at = 0; at < rows_->longest(); ++at) {
      for (std::size_t i = 0; i < shape_.rotary_dim / 2; ++i) {
        const double angle = rotary_angle(shape_, model_->rotary_divisors, at, i);
        buffers_.cosines.row(at)[i] = static_cast<value>(std::cos(angle));
        buffers_.sines.row(at)[i] = static_cast<value>(std::sin(angle));
        buffers_.negative_sines.row(at)[i] = -buffers_.sines.row(at)[i];
      }
    }
    std::size_t r = 0;
    for (const auto& d : rows_->documents()) {
      for (std::size_t i = 0; i < d.n_rows; ++i) buffers_.positions[r++] = i;
    }
  }

  /// Rotates the heads of queries and keys of some rows by their positions, or back.
  void rotate(matrix_view<value> heads, std::size_t first, bool back) const noexcept {
    const matrix_view<value> sines = back ? buffers_.negative_sines : buffers_.sines;
    for (std::size_t r = 0; r < heads.rows(); ++r) {
      const std::size_t at = buffers_.positions[first + r];
      simd::rotate_heads<I, value>(heads.row(r).first(heads.cols() - shape_.kv_dim()),
                                   shape_.head_dim, buffers_.cosines.row(at), sines.row(at),
                                   shape_.rotary_layout);
    }
  }

  template <executor E>
  void embed(E& workers) const {
    detail::over_rows(workers, n_, [&](row_range c) {
      for (std::size_t r = c.first; r < c.first + c.count; ++r) {
        std::ranges::copy(model_->embedding().row(rows_->tokens()[r].value),
                          buffers_.residual(0).row(r).begin());
      }
    });
  }

  [[nodiscard]] norm_type norm_of(std::span<const value> weight) const noexcept {
    return {weight, static_cast<value>(shape_.norm_epsilon)};
  }

  template <executor E>
  void forward_layer(E& workers, std::size_t l) {
    const auto& w = model_->layer(l);
    const auto& packed = buffers_.layers[l];
    detail::over_rows(workers, n_, [&](row_range c) {
      const auto kept = buffers_.kept(l, c);
      const auto memory = scratch_.borrow();
      const matrix_view<value> normed = buffers_.chunk(memory.memory(), c.count).normed;
      norm_of(w.attention_norm).forward(kept.in, normed);
      packed.query_key_value.forward(normed, kept.query_key_value);
      rotate(kept.query_key_value, c.first, false);
    });
    over_documents(workers, l,
                   [&](const auto& attention, const auto& rows, std::size_t,
                       std::span<std::byte> memory) { attention.forward(rows, memory); });
    detail::over_rows(workers, n_, [&](row_range c) {
      const auto kept = buffers_.kept(l, c);
      const auto memory = scratch_.borrow();
      const auto [normed, hidden] = buffers_.chunk(memory.memory(), c.count);
      packed.attention_out.forward(kept.attended, kept.middle);
      for (std::size_t r = 0; r < c.count; ++r) {
        simd::add<I, value>(kept.in.row(r), kept.middle.row(r));
      }
      norm_of(w.ffn_norm).forward(kept.middle, normed);
      packed.ffn.forward(normed, {kept.gate_up, hidden, {}}, kept.out);
      for (std::size_t r = 0; r < c.count; ++r) {
        simd::add<I, value>(kept.middle.row(r), kept.out.row(r));
      }
    });
  }

  /// Calls `f(attention, rows, first row, scratch)` for each document and key head.
  template <executor E, class F>
  void over_documents(E& workers, std::size_t l, const F& f) {
    const auto documents = rows_->documents();
    const auto one = [&](std::size_t i) {
      const auto& d = documents[i / shape_.n_kv_heads];
      const self_attention<I, value> attention(shape_, i % shape_.n_kv_heads);
      const auto memory = scratch_.borrow();
      f(attention, buffers_.attention(l, {d.first, d.n_rows}), d.first, memory.memory());
    };
    detail::share(workers, documents.size() * shape_.n_kv_heads, one);
  }

  /// Final norm and logits of part of a block of rows that lie anywhere.
  void logits_of(std::span<const std::size_t> block, std::size_t offset, row_range c,
                 logits_visitor<value> visit) const {
    const norm_type final_norm = norm_of(model_->final_norm());
    for (std::size_t i = c.first; i < c.first + c.count; ++i) {
      simd::rms_norm<I, value>(buffers_.residual(shape_.n_layers).row(block[i]), final_norm.weight,
                               final_norm.epsilon, buffers_.final.row(i));
    }
    const matrix_view<value> logits = buffers_.logits.rows(c.first, c.count);
    buffers_.head.forward(buffers_.final.rows(c.first, c.count), logits);
    for (std::size_t i = 0; i < c.count; ++i) visit(offset + c.first + i, logits.row(i));
  }

  template <executor E>
  void backward_head(E& workers, std::span<const std::size_t> block, std::size_t offset,
                     logits_visitor<value> visit, parameters<value>& gradient) {
    const norm_type final_norm = norm_of(model_->final_norm());
    const matrix_view<value> last = buffers_.residual(shape_.n_layers);
    detail::over_rows(workers, block.size(), [&](row_range c) {
      logits_of(block, offset, c, visit);
      buffers_.head.backward(buffers_.logits.rows(c.first, c.count),
                             buffers_.d_final.rows(c.first, c.count));
      for (std::size_t i = c.first; i < c.first + c.count; ++i) {
        const std::span<const value> x = last.row(block[i]);
        std::ranges::copy(x, buffers_.final_in.row(i).begin());
        buffers_.final_scales[i] = simd::rms_norm_backward<I, value>(
            x, final_norm.weight, final_norm.epsilon, buffers_.d_final.row(i),
            buffers_.d_residual.row(block[i]));
      }
    });
    const std::size_t n = block.size();
    detail::run_tiles(workers,
                      dw{buffers_.logits.rows(0, n), buffers_.final.rows(0, n), gradient.head()},
                      dw_norm{buffers_.final_in.rows(0, n), buffers_.d_final.rows(0, n),
                              buffers_.final_scales.first(n), gradient.final_norm()});
  }

  template <executor E>
  void backward_layer(E& workers, std::size_t l, parameters<value>& gradient) {
    const auto& w = model_->layer(l);
    const auto& packed = buffers_.layers[l];
    detail::over_rows(workers, n_, [&](row_range c) {
      const auto kept = buffers_.kept(l, c);
      const auto part = [&](matrix_view<value> m) { return m.rows(c.first, c.count); };
      const auto memory = scratch_.borrow();
      const matrix_view<value> d_hidden = buffers_.chunk(memory.memory(), c.count).wide;
      const matrix_view<value> d_out = part(buffers_.d_residual);
      const matrix_view<value> d_middle = part(buffers_.d_middle);
      const norm_type norm = norm_of(w.ffn_norm);
      norm.forward(kept.middle, part(buffers_.ffn_normed));
      packed.ffn.backward(d_out, {kept.gate_up, part(buffers_.hidden), d_hidden},
                          part(buffers_.d_ffn_normed));
      copy(d_out, d_middle);
      norm.backward(kept.middle, part(buffers_.d_ffn_normed), d_middle,
                    buffers_.ffn_scales.subspan(c.first, c.count));
      packed.attention_out.backward(d_middle, part(buffers_.d_attended));
    });
    over_documents(workers, l,
                   [&](const auto& attention, const auto& rows, std::size_t first,
                       std::span<std::byte> memory) {
                     const std::size_t n = rows.query.rows();
                     const auto d = buffers_.heads(buffers_.d_query_key_value.rows(first, n));
                     attention.backward(
                         rows, {buffers_.d_attended.rows(first, n), d.query, d.key, d.value_},
                         memory);
                   });
    // The gradient of what leaves the block is read by the weights until the end.
    const matrix_view<value> d_in = buffers_.d_in;
    detail::over_rows(workers, n_, [&](row_range c) {
      const auto kept = buffers_.kept(l, c);
      const auto part = [&](matrix_view<value> m) { return m.rows(c.first, c.count); };
      const matrix_view<value> d_heads = part(buffers_.d_query_key_value);
      const matrix_view<value> d_normed = part(buffers_.d_attention_normed);
      const norm_type norm = norm_of(w.attention_norm);
      rotate(d_heads, c.first, true);
      norm.forward(kept.in, part(buffers_.attention_normed));
      packed.query_key_value.backward(d_heads, d_normed);
      copy(part(buffers_.d_middle), part(d_in));
      norm.backward(kept.in, d_normed, part(d_in),
                    buffers_.attention_scales.subspan(c.first, c.count));
    });
    const auto& g = gradient.layer(l);
    const auto all = buffers_.kept(l, {0, n_});
    const auto rows = [&](matrix_view<value> m) { return m.rows(0, n_); };
    detail::run_tiles(
        workers, dw{all.gate_up, rows(buffers_.ffn_normed), g.gate_up},
        dw{rows(buffers_.d_residual), rows(buffers_.hidden), g.down},
        dw{rows(buffers_.d_query_key_value), rows(buffers_.attention_normed), g.query_key_value},
        dw{rows(buffers_.d_middle), all.attended, g.attention_out},
        dw_norm{all.middle, rows(buffers_.d_ffn_normed), buffers_.ffn_scales.first(n_), g.ffn_norm},
        dw_norm{all.in, rows(buffers_.d_attention_normed), buffers_.attention_scales.first(n_),
                g.attention_norm});
    std::swap(buffers_.d_residual, buffers_.d_in);
  }

  static void copy(matrix_view<const value> from, matrix_view<value> to) noexcept {
    for (std::size_t r = 0; r < from.rows(); ++r) {
      std::ranges::copy(from.row(r), to.row(r).begin());
    }
  }

  /// Cut by columns: every embedding sums over its rows in order.
  template <executor E>
  void backward_embedding(E& workers, parameters<value>& gradient) const {
    constexpr std::size_t tile = 32;
    const matrix_view<value> to = gradient.embedding();
    const auto one = [&](std::size_t t) {
      const std::size_t first = t * tile;
      const std::size_t count = std::min<std::size_t>(tile, shape_.model_dim - first);
      for (std::size_t r = 0; r < n_; ++r) {
        simd::add<I, value>(buffers_.d_residual.row(r).subspan(first, count),
                            to.row(rows_->tokens()[r].value).subspan(first, count));
      }
    };
    detail::share(workers, (shape_.model_dim + tile - 1) / tile, one);
  }

  hyper_parameters shape_;
  buffers_type buffers_;
  scratch_pool scratch_;
  const parameters<value>* model_ = nullptr;
  const document_rows* rows_ = nullptr;
  std::size_t n_ = 0;
};

}  // namespace multitudes::model
