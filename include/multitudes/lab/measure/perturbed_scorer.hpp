// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/lab/measure/scorer.hpp>
#include <multitudes/lab/student.hpp>
#include <multitudes/model/evaluation.hpp>
#include <multitudes/model/kv_cache.hpp>

#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// A direction of unit length, every one as likely.
inline std::vector<float> random_direction(std::size_t width, philox& random) {
  std::vector<float> u(width);
  double squares = 0;
  for (float& x : u) {
    x = random.normal();
    squares += static_cast<double>(x) * static_cast<double>(x);
  }
  for (float& x : u) x = static_cast<float>(static_cast<double>(x) / std::sqrt(squares));
  return u;
}

/// A push of the residual stream that leaves a block: h + size * |h| * u for every token.
struct push {
  layer_index layer{};
  double size = 0;
  std::vector<float> direction{};  // (model_dim), of unit length
};

/// What a student expects that is pushed while it reads; it answers as `scorer` does.
class perturbed_scorer {
 public:
  /// Errors:  out_of_memory; those of evaluation::make.
  static expected<perturbed_scorer> make(thread_pool& workers, const student& who) {
    perturbed_scorer s(workers);
    s.weights_ = std::make_shared<const model::weights>(who.weights->as_weights());
    const model::evaluation_limits limits{max_rows, max_texts};
    const model::kv_cache_limits kept{max_texts, longest};
    const auto work = model::evaluation::required_bytes(who.shape(), limits);
    const auto cache = model::kv_cache::required_bytes(who.shape(), kept);
    const auto bytes = work && cache ? (checked_size(*work) + checked_size(*cache)).get() : work;
    if (work && cache && bytes) s.memory_ = heap_block(*bytes);
    if (s.memory_.bytes().empty()) {
      return fail({.code = errc::out_of_memory,
                   .operation = "make perturbed scorer",
                   .place = {},
                   .found = "no room",
                   .expected = "memory for " + std::to_string(max_rows) + " rows",
                   .remedy = {}});
    }
    arena memory(s.memory_.bytes());
    auto evaluation = model::evaluation::make(*s.weights_, limits, memory);
    if (!evaluation) return forward_error(evaluation);
    auto pages = model::kv_cache::make(who.shape(), kept, memory);
    if (!pages) return forward_error(pages);
    s.work_ = *evaluation;
    s.cache_ = *pages;
    return s;
  }

  /// What happens to the texts that are asked about from now on.
  void set(push how) { push_ = std::move(how); }

  /// As scorer::predict_next.
  ///
  /// Errors:  invalid_argument for an empty text; out_of_memory for one of more than 256 tokens.
  template <class Visit>
  expected<void> predict_next(std::span<const std::vector<token_id>> all, Visit&& visit) {
    for (std::size_t first = 0; first < all.size();) {
      std::vector<model::batch_row> rows;
      std::vector<sequence_id> sequences;
      std::vector<row_index> last_rows;
      std::size_t last = first;
      for (; last < all.size() && sequences.size() < max_texts; ++last) {
        if (all[last].empty() || all[last].size() > longest) {
          return fail({.code = all[last].empty() ? errc::invalid_argument : errc::out_of_memory,
                       .operation = "score texts",
                       .place = "text " + std::to_string(last),
                       .found = std::to_string(all[last].size()) + " tokens",
                       .expected = "1 to " + std::to_string(longest),
                       .remedy = {}});
        }
        if (rows.size() + all[last].size() > max_rows) break;
        auto s = cache_.open();
        if (!s) return forward_error(s);
        sequences.push_back(*s);
        for (const token_id t : all[last]) rows.push_back({*s, t});
        rows.back().wants_logits = true;
        last_rows.push_back(row_index(rows.size() - 1));
      }
      auto ok = work_.begin(rows, cache_);
      if (ok) {
        work_.resume(*workers_, [&](row_index, layer_index layer, std::span<float> h) {
          if (layer == push_.layer && push_.size != 0) shift(h);
        });
        for (std::size_t i = 0; i < last_rows.size(); ++i) {
          const std::span<float> logits = work_.logits(last_rows[i]);
          std::vector<float> log_p(logits.size());
          simd::log_softmax<simd::native, float>(logits, log_p);
          visit(first + i, std::span<const float>(log_p));
        }
      }
      for (const sequence_id s : sequences) cache_.close(s);
      if (!ok) return ok;
      first = last;
    }
    return {};
  }

 private:
  static constexpr std::size_t max_rows = 2048, max_texts = 64, longest = 256;

  explicit perturbed_scorer(thread_pool& workers) : workers_(&workers) {}

  void shift(std::span<float> h) const noexcept {
    double squares = 0;
    for (const float x : h) squares += static_cast<double>(x) * static_cast<double>(x);
    const auto scale = static_cast<float>(push_.size * std::sqrt(squares));
    for (std::size_t e = 0; e < h.size(); ++e) h[e] += scale * push_.direction[e];
  }

  thread_pool* workers_;
  std::shared_ptr<const model::weights> weights_;
  heap_block memory_;
  model::evaluation work_;
  model::kv_cache cache_;
  push push_;
};

}  // namespace multitudes::lab
