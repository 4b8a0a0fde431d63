// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/executor.hpp>
#include <multitudes/generate/feed.hpp>
#include <multitudes/generate/language_model.hpp>
#include <multitudes/model/evaluation.hpp>
#include <multitudes/steering/attachment.hpp>
#include <multitudes/steering/monitor.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

using simd::kv_format;

/// What to do with positions that were computed under another plan.
enum class memory {
  keep,    ///< go on with them as they are: the new persona remembers what the old one thought
  replay,  ///< compute them again under the new plan
};

/// How much a batch holds.
struct batch_options {
  std::size_t n_sequences = 1;
  std::size_t context = 0;     ///< positions of a sequence; 0: what the model's file says
  std::size_t max_rows = 256;  ///< tokens evaluated together; longer feeds are cut
  std::size_t n_pages = 0;     ///< cache pages in all; 0: enough for every sequence at full length
  /// How keys and values are kept. F16 and Q8_0 take less memory, and where much of the past is
  /// read less time, for numbers that are a little off.
  kv_format cache = kv_format::f32;
};

/// Many sequences of one model, evaluated together, each under its own plan. The bits of a
/// sequence do not depend on the others, on how its tokens were cut into feeds, or on threads.
/// After `make`, evaluating allocates nothing.
class batch {
 public:
  static std::optional<std::size_t> required_bytes(const language_model& lm,
                                                   batch_options options) noexcept {
    const auto cache = model::kv_cache::required_bytes(lm.shape(), cache_limits(lm, options));
    const auto work = model::evaluation::required_bytes(lm.shape(), work_limits(lm, options));
    if (!cache || !work) return std::nullopt;
    return (checked_size(*cache) + checked_size(*work)).get();
  }

  /// Errors:  out_of_memory if the sizes are too large; invalid_argument if one is 0.
  static expected<batch> make(language_model lm, batch_options options) {
    constexpr std::size_t most = std::size_t{1} << 24;  // far above use, far below overflow
    if (options.n_sequences > most || options.max_rows > most) {
      return fail({.code = errc::out_of_memory,
                   .operation = "make batch",
                   .place = options.n_sequences > most ? "n_sequences" : "max_rows",
                   .found = std::to_string(std::max(options.n_sequences, options.max_rows)),
                   .expected = "at most " + std::to_string(most),
                   .remedy = {}});
    }
    if (options.n_sequences == 0 || options.max_rows == 0) {
      return fail({.code = errc::invalid_argument,
                   .operation = "make batch",
                   .place = options.n_sequences == 0 ? "n_sequences" : "max_rows",
                   .found = "0",
                   .expected = "at least 1",
                   .remedy = {}});
    }
    const auto bytes = required_bytes(lm, options);
    batch b;
    if (bytes) b.memory_ = heap_block(*bytes);
    if (!bytes || b.memory_.bytes().empty()) {
      return fail({.code = errc::out_of_memory,
                   .operation = "make batch",
                   .place = {},
                   .found = std::to_string(options.n_sequences) + " sequences of " +
                            std::to_string(cache_limits(lm, options).max_length) + " positions",
                   .expected = "a size that this machine can give",
                   .remedy = "ask for a shorter context or fewer sequences"});
    }
    arena memory(b.memory_.bytes());
    b.lm_ = std::move(lm);
    auto work = model::evaluation::make(*b.lm_.weights, work_limits(b.lm_, options), memory);
    if (!work) return forward_error(work);
    auto cache = model::kv_cache::make(b.lm_.shape(), cache_limits(b.lm_, options), memory);
    if (!cache) return forward_error(cache);
    b.work_ = *work;
    b.cache_ = *cache;
    b.attachments_.resize(options.n_sequences);
    b.began_.resize(options.n_sequences);
    b.lengths_.resize(options.n_sequences);
    b.rows_.resize(options.max_rows);
    b.places_.resize(options.max_rows);
    b.active_.resize(options.max_rows);
    b.states_.resize(options.max_rows);
    return b;
  }

  [[nodiscard]] const language_model& lm() const noexcept { return lm_; }
  [[nodiscard]] const model::kv_cache& cache() const noexcept { return cache_; }
  [[nodiscard]] std::size_t length(sequence_id s) const noexcept { return cache_.length(s); }

  /// A new empty, neutral sequence. Errors: out_of_memory.
  expected<sequence_id> open() {
    auto s = cache_.open();
    if (s) attach(*s, {});
    return s;
  }
  /// A second sequence with the same memory and plan; memory is shared until either writes.
  expected<sequence_id> fork(sequence_id from) {
    if (!cache_.is_open(from)) return not_open("fork sequence", from);
    auto s = cache_.fork(from);
    if (s) {
      attachments_[s->value] = attachments_[from.value];
      began_[s->value] = began_[from.value];
      for (std::size_t p = 0; p < cache_.length(from); ++p) {
        const auto readings = readings_at(from, position(p));
        std::copy(readings.begin(), readings.end(), readings_at(*s, position(p)).begin());
      }
    }
    return s;
  }
  void close(sequence_id s) noexcept {
    cache_.close(s);
    attach(s, {});
  }
  /// Forgets positions from `length` on.
  void truncate(sequence_id s, std::size_t length) noexcept {
    if (!cache_.is_open(s)) return;
    cache_.truncate(s, length);
    auto& began = began_[s.value];
    if (began && began->value >= length) began.reset();
  }

  /// Puts a plan on a sequence: what is evaluated from now on, within the span, is computed under
  /// it. What is already in memory stays as it is (session::steer offers to replay it).
  ///
  /// Errors:  space_mismatch if the plan is another model's; invalid_argument if the sequence is
  ///          not open, or for a dial outside of 0 to 1.
  /// Cost:    constant.
  expected<void> steer(sequence_id s, steering::attachment how) {
    if (!cache_.is_open(s)) return not_open("steer sequence", s);
    if (auto ok = how.check(); !ok) return ok;
    if (const auto space = how.what.space(); space && *space != lm_.space()) {
      return fail({.code = errc::space_mismatch,
                   .operation = "steer sequence",
                   .place = "plan " + std::string(how.what.label()),
                   .found = to_string(*space),
                   .expected = to_string(lm_.space()),
                   .remedy = "learn the persona on this model, or rebase() it"});
    }
    attach(s, std::move(how));
    return {};
  }
  [[nodiscard]] const steering::attachment& attached(sequence_id s) const noexcept {
    return attachments_[s.value];
  }

  /// Reads every token that is evaluated from now on along the monitor's axes, after steering, and
  /// keeps the readings for as long as the token is in memory. A default-made monitor ends it.
  ///
  /// Errors:  space_mismatch if the axes are another model's; out_of_memory.
  /// Cost:    allocates 4 bytes for each axis and position that the batch can hold; evaluating
  ///          allocates nothing.
  expected<void> watch(steering::monitor what) {
    const auto axes = what.axes();
    if (!axes.empty() && axes[0].space != lm_.space()) {
      return fail({.code = errc::space_mismatch,
                   .operation = "watch batch",
                   .place = "axis " + axes[0].label,
                   .found = to_string(axes[0].space),
                   .expected = to_string(lm_.space()),
                   .remedy = "learn the axes on this model"});
    }
    const auto n = (checked_size(attachments_.size()) * cache_.max_length() * axes.size()).get();
    heap_block memory;
    if (!axes.empty()) {
      const auto bytes = n ? (checked_size(*n) * sizeof(float)).get() : n;
      if (bytes) memory = heap_block(*bytes);
      if (memory.bytes().empty()) {
        return fail({.code = errc::out_of_memory,
                     .operation = "watch batch",
                     .place = {},
                     .found = std::to_string(axes.size()) + " axes for each position",
                     .expected = "a size that this machine can give",
                     .remedy = "make the batch with a shorter context or fewer sequences"});
      }
      std::uninitialized_fill_n(reinterpret_cast<float*>(memory.bytes().data()), *n,
                                std::numeric_limits<float>::quiet_NaN());
    }
    readings_ = std::move(memory);
    monitor_ = std::move(what);
    return {};
  }
  [[nodiscard]] const steering::monitor& watching() const noexcept { return monitor_; }
  /// What each axis read at a position: (axes); not a number where it was evaluated before
  /// `watch`, empty where nothing is in memory.
  [[nodiscard]] std::span<const float> readings(sequence_id s, position p) const noexcept {
    if (p.value >= cache_.length(s)) return {};
    return readings_at(s, p);
  }

  /// Appends every feed's tokens to its sequence, together, and hands out the logits asked for.
  ///
  /// Errors:  invalid_argument for an unknown token or a sequence that is not open or stands in
  ///          two feeds; shape_mismatch for sources of another number; out_of_memory if a sequence
  ///          grows too long. Nothing is appended then.
  /// Cost:    each weight is read once for each max_rows tokens; no allocation.
  template <executor E, residual_observer O = no_observer>
  expected<void> evaluate(E& workers, std::span<const feed> feeds, logits_receiver receive,
                          const O& observer = {}) {
    if (auto ok = check(feeds); !ok) return ok;
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      lengths_[i] = cache_.length(feeds[i].sequence);
    }
    feed_place next;
    while (next.feed < feeds.size()) {
      const std::size_t n_rows = fill_rows(feeds, next);
      if (n_rows == 0) break;
      if (auto ok = work_.begin(std::span(rows_).first(n_rows), cache_); !ok) {
        for (std::size_t i = 0; i < feeds.size(); ++i) {
          truncate(feeds[i].sequence, lengths_[i]);
        }
        return ok;
      }
      const auto hook = [&](row_index r, layer_index layer, std::span<float> h) {
        if (active_[r.value] != nullptr) active_[r.value]->apply(layer, h, states_[r.value]);
        if (!monitor_.axes().empty()) {
          monitor_.read(layer, h, readings_at(rows_[r.value].sequence, work_.position_of(r)));
        }
        observer(places_[r.value], layer, std::span<const float>(h));
      };
      work_.resume(workers, hook);
      for (std::size_t r = 0; r < n_rows; ++r) {
        if (rows_[r].wants_logits) receive(places_[r], work_.logits(row_index(r)));
      }
    }
    return {};
  }
  template <executor E, residual_observer O = no_observer>
  expected<void> evaluate(E& workers, std::span<const feed> feeds, const O& observer = {}) {
    return evaluate(
        workers, feeds, [](feed_place, std::span<float>) {}, observer);
  }

 private:
  static model::kv_cache_limits cache_limits(const language_model& lm,
                                             const batch_options& options) noexcept {
    return {options.n_sequences, options.context != 0 ? options.context : lm.shape().context_length,
            options.n_pages, options.cache};
  }
  /// Logits are wide: of a long feed, few of them are kept at a time; of every sequence, one.
  static model::evaluation_limits work_limits(const language_model& lm,
                                              const batch_options& options) noexcept {
    constexpr std::size_t bytes_for_more = std::size_t{8} << 20, most = 64;
    const std::size_t row_bytes = lm.shape().vocab_size * sizeof(float);
    const std::size_t some = std::min(most, bytes_for_more / row_bytes);
    return {options.max_rows, std::min(options.max_rows, std::max(options.n_sequences, some))};
  }

  static unexpected<error> not_open(const char* operation, sequence_id s) {
    return fail({.code = errc::invalid_argument,
                 .operation = operation,
                 .place = "sequence " + std::to_string(s.value),
                 .found = "a sequence that is not open",
                 .expected = {},
                 .remedy = "open() it in this batch"});
  }

  expected<void> check(std::span<const feed> feeds) const {
    const auto bad = [](std::size_t i, errc code, std::string found, std::string wanted,
                        const char* remedy) {
      return fail({.code = code,
                   .operation = "evaluate batch",
                   .place = "feed " + std::to_string(i),
                   .found = std::move(found),
                   .expected = std::move(wanted),
                   .remedy = remedy});
    };
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      const sequence_id s = feeds[i].sequence;
      if (!cache_.is_open(s)) {
        return bad(i, errc::invalid_argument,
                   "sequence " + std::to_string(s.value) + ", which is not open", {},
                   "open() it in this batch");
      }
      for (std::size_t k = 0; k < i; ++k) {
        if (feeds[k].sequence == s) {
          return bad(i, errc::invalid_argument,
                     "sequence " + std::to_string(s.value) + " a second time", {},
                     "join the tokens of one sequence in one feed");
        }
      }
      if (feeds[i].tokens.size() > cache_.max_length() - cache_.length(s)) {
        return bad(i, errc::out_of_memory,
                   std::to_string(cache_.length(s) + feeds[i].tokens.size()) + " positions",
                   "at most " + std::to_string(cache_.max_length()),
                   "truncate the sequence or make the batch with a longer context");
      }
      if (!feeds[i].sources.empty() && feeds[i].sources.size() != feeds[i].tokens.size()) {
        return bad(i, errc::shape_mismatch, std::to_string(feeds[i].sources.size()) + " sources",
                   std::to_string(feeds[i].tokens.size()), "say of each token how it came in");
      }
      for (const token_id token : feeds[i].tokens) {
        if (token.value >= lm_.shape().vocab_size) {
          return bad(i, errc::invalid_argument, "token " + std::to_string(token.value),
                     "less than " + std::to_string(lm_.shape().vocab_size),
                     "encode with this model's tokenizer");
        }
      }
    }
    return {};
  }

  /// Fills as many rows as a pass takes from the feeds, starting at `next`, which moves on.
  std::size_t fill_rows(std::span<const feed> feeds, feed_place& next) noexcept {
    std::size_t n = 0;
    std::size_t n_logit_rows = 0;
    std::size_t first_token = next.token;  // of this feed in this chunk
    while (n < rows_.size() && next.feed < feeds.size()) {
      const feed& f = feeds[next.feed];
      if (next.token == f.tokens.size()) {
        next = {next.feed + 1, 0};
        first_token = 0;
        continue;
      }
      const bool wants_logits = f.tokens.size() - next.token <= f.n_logits;
      if (wants_logits && n_logit_rows++ == work_.limits().max_logit_rows) break;
      // The cache grows when the pass begins; until then this chunk's own rows come on top.
      const position at(cache_.length(f.sequence) + (next.token - first_token));
      const auto how = f.sources.empty() ? steering::token_source::read : f.sources[next.token];
      places_[n] = next;
      rows_[n] = {f.sequence, f.tokens[next.token], wants_logits, put_on(n, f.sequence, at, how)};
      ++n;
      ++next.token;
    }
    return n;
  }

  void attach(sequence_id s, steering::attachment how) noexcept {
    began_[s.value].reset();
    attachments_[s.value] = std::move(how);
  }

  /// Gets row `n` ready for the plan that is in force at a position; returns what to remember.
  fingerprint put_on(std::size_t n, sequence_id s, position at,
                     steering::token_source how) noexcept {
    const steering::attachment& attached = attachments_[s.value];
    active_[n] = attached.at(at, how);
    if (active_[n] == nullptr) return {};
    auto& began = began_[s.value];
    if (!began) began = attached.origin.value_or(at);
    states_[n] = attached.begin(at, *began);
    return attached.id(*began);
  }

  [[nodiscard]] std::span<float> readings_at(sequence_id s, position p) const noexcept {
    const std::size_t n = monitor_.axes().size();
    const std::size_t first = (s.value * cache_.max_length() + p.value) * n;
    return {reinterpret_cast<float*>(readings_.bytes().data()) + first, n};
  }

  language_model lm_;
  heap_block memory_;
  model::evaluation work_;
  model::kv_cache cache_;
  std::vector<steering::attachment> attachments_;  // (n_sequences)
  std::vector<std::optional<position>> began_;     // (n_sequences), the plan's first position
  std::vector<std::size_t> lengths_;               // (n_sequences), before a call
  std::vector<model::batch_row> rows_;             // (max_rows)
  std::vector<feed_place> places_;                 // (max_rows)
  std::vector<const steering::plan*> active_;      // (max_rows)
  std::vector<steering::token_state> states_;      // (max_rows)
  steering::monitor monitor_;
  heap_block readings_;  // (n_sequences, positions, axes)
};

}  // namespace multitudes
