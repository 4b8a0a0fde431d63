// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/lab/student.hpp>
#include <multitudes/persona/direction.hpp>
#include <multitudes/persona/persona.hpp>
#include <multitudes/simd/softmax.hpp>
#include <multitudes/simd/vector_ops.hpp>
#include <multitudes/steering/attachment.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// What a student expects under a steering plan; under none, what a scorer says (to rounding).
class steered_scorer {
 public:
  /// Errors:  those of batch::make.
  static expected<steered_scorer> make(thread_pool& workers, const student& who) {
    language_model lm;
    lm.weights = std::make_shared<const model::weights>(who.weights->as_weights());
    auto b = batch::make(std::move(lm), {.n_sequences = n_together, .context = longest});
    if (!b) return forward_error(b);
    return steered_scorer(workers, std::move(*b));
  }

  [[nodiscard]] activation_space space() const noexcept { return batch_.lm().space(); }
  /// All texts that are shown from now on are read under this.
  void steer(steering::attachment how) { how_ = std::move(how); }

  /// What comes next after the whole of each text: `visit(text, log_p)`.
  template <class Visit>
  expected<void> predict_next(std::span<const std::vector<token_id>> all, Visit&& visit) {
    return predict_next(all, {}, visit);
  }
  /// The same, each text under an attachment of its own where there are any.
  ///
  /// Shapes:  log_p (gazette_vocab_size); each: as many as texts, or none
  /// Errors:  those of batch.
  /// Cost:    a pass over every text; nothing is shared between them.
  template <class Visit>
  expected<void> predict_next(std::span<const std::vector<token_id>> all,
                              std::span<const steering::attachment> each, Visit&& visit) {
    for (std::size_t first = 0; first < all.size(); first += n_together) {
      const auto block = all.subspan(first, std::min(n_together, all.size() - first));
      std::vector<feed> feeds;
      expected<void> ok;
      for (std::size_t i = 0; i < block.size(); ++i) {
        auto s = batch_.open();
        if (!s) return forward_error(s);
        feeds.push_back({*s, block[i], 1});
        if (ok) ok = batch_.steer(*s, each.empty() ? how_ : each[first + i]);
      }
      if (ok) {
        ok = batch_.evaluate(*workers_, feeds, [&](feed_place at, std::span<float> logits) {
          log_p_.resize(logits.size());
          simd::log_softmax<simd::native, float>(logits, log_p_);
          visit(first + at.feed, std::span<const float>(log_p_));
        });
      }
      for (const feed& f : feeds) batch_.close(f.sequence);
      if (!ok) return ok;
    }
    return {};
  }

 private:
  static constexpr std::size_t n_together = 32, longest = 256;

  steered_scorer(thread_pool& workers, batch b) : workers_(&workers), batch_(std::move(b)) {}

  thread_pool* workers_;
  batch batch_;
  steering::attachment how_;
  std::vector<float> log_p_;  // (gazette_vocab_size)
};

/// A plan that adds `offset` to what leaves block `layer`.
///
/// Shapes:  offset (model_dim)
/// Errors:  those of direction::make and steering::compile.
inline expected<steering::plan> push_plan(const activation_space& space, layer_index layer,
                                          std::span<const float> offset) {
  std::vector<float> rows(std::size_t{space.n_layers} * space.model_dim);
  std::ranges::copy(offset,
                    rows.begin() + static_cast<std::ptrdiff_t>(layer.value * space.model_dim));
  auto d = direction::make(space, rows);
  if (!d) return forward_error(d);
  auto p = persona::make("offset", *std::move(d));
  if (!p) return forward_error(p);
  return steering::compile(*std::move(p), steering::in_raw_units(1.0f));
}

}  // namespace multitudes::lab
