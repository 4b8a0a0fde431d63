// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/generate/sampler.hpp>
#include <multitudes/text/stream_decoder.hpp>

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes {

/// How a session is set up.
struct session_options {
  std::size_t context = 0;  ///< positions; 0: what the model's file says
  sampling how = {};
  kv_format cache = kv_format::f32;  ///< see batch_options
};

/// A stretch of positions that were computed under one plan.
struct memory_span {
  position first;
  position last;  ///< one past the end
  fingerprint plan;
};

/// One conversation with a model: text in, tokens out, under a persona that can change between
/// any two tokens. Parallel work goes to the executor, which must outlive the session.
template <executor E = inline_executor>
class session {
 public:
  /// Errors:  out_of_memory if the context is too long; invalid_argument for sampling settings
  ///          out of range.
  static expected<session> make(language_model lm, session_options options, E& workers) {
    if (auto ok = validate(options.how); !ok) return forward_error(ok);
    auto b = batch::make(std::move(lm),
                         {.n_sequences = 1, .context = options.context, .cache = options.cache});
    if (!b) return forward_error(b);
    auto s = b->open();
    if (!s) return forward_error(s);
    return session(*std::move(b), *s, options.how, workers);
  }
  static expected<session> make(language_model lm, session_options options = {})
    requires std::is_same_v<E, inline_executor>
  {
    return make(std::move(lm), options, own_executor());
  }

  /// Reads text as it stands; the first text of a session starts with the model's own
  /// beginning-of-text token, if it has one.
  ///
  /// Errors:  out_of_memory if the context is full; nothing is read then.
  /// Cost:    one batched pass for each 64 tokens.
  template <residual_observer O = no_observer>
  expected<void> read(std::string_view text, const O& observer = {}) {
    const bool beginning = tokens_.empty();
    const auto tokens =
        batch_.lm().tokenizer->encode(text, {.start_token = beginning, .continues = !beginning});
    return read(tokens, observer);
  }
  template <residual_observer O = no_observer>
  expected<void> read(std::span<const token_id> tokens, const O& observer = {}) {
    const std::size_t before = tokens_.size();
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    sources_.resize(tokens_.size(), steering::token_source::read);
    auto ok = catch_up(observer);
    if (!ok) {
      tokens_.resize(before);
      sources_.resize(before);
    }
    return ok;
  }

  /// Chooses the next token. It is computed with the call after it, so that a plan exchanged in
  /// between is in force for it.
  ///
  /// Errors:  invalid_argument if nothing was read yet; out_of_memory if the context is full;
  ///          non_finite if the model gives no numbers.
  template <residual_observer O = no_observer>
  expected<token_id> next(const O& observer = {}) {
    return next_by(
        [&](position at) { return expected<token_id>(sampler_.choose(logits_, tokens_, at)); },
        observer);
  }
  /// The same among the tokens that a mask allows; see grammar/write_under.hpp for whole texts.
  ///
  /// Errors:  also not_found if no allowed token is possible.
  template <residual_observer O = no_observer>
  expected<token_id> next(const token_mask& allowed, const O& observer = {}) {
    return next_by([&](position at) { return sampler_.choose(logits_, allowed, tokens_, at); },
                   observer);
  }

  /// Writes up to `max_tokens` tokens or until the end-of-text token; `show` gets each piece of
  /// text as soon as its characters are complete.
  ///
  /// A character that the last token leaves unfinished comes out as U+FFFD: to write token by
  /// token, use `next` and a stream_decoder of your own.
  ///
  /// Errors:  those of `next`; what was written before stays in the session.
  template <residual_observer O = no_observer>
  expected<std::string> write(std::size_t max_tokens, function_ref<void(std::string_view)> show,
                              const O& observer = {}) {
    std::string text;
    const text::tokenizer& tokenizer = *batch_.lm().tokenizer;
    const bool goes_on = std::any_of(tokens_.begin(), tokens_.end(),
                                     [&](token_id t) { return !tokenizer.bytes_of(t).empty(); });
    text::stream_decoder decoder(tokenizer,
                                 goes_on ? text::decode_from::middle : text::decode_from::start);
    const auto emit = [&](std::string_view piece) {
      if (piece.empty()) return;
      text += piece;
      show(piece);
    };
    for (std::size_t i = 0; i < max_tokens; ++i) {
      auto token = next(observer);
      if (!token) return forward_error(token);
      if (tokenizer.eos() == *token) break;
      emit(decoder.append(*token));
    }
    emit(decoder.finish());
    return text;
  }
  expected<std::string> write(std::size_t max_tokens) {
    return write(max_tokens, [](std::string_view) {});
  }

  /// Exchanges the plan. `keep` goes on with memories computed under the old one; `replay`
  /// computes them again under the new one, so that the session is as if it had always had it.
  ///
  /// Errors:  space_mismatch if the plan is another model's; the old one then stays.
  /// Cost:    keep: constant; replay: a pass over the whole session.
  expected<void> steer(steering::attachment how, memory earlier) {
    if (auto ok = batch_.steer(sequence_, std::move(how)); !ok) return ok;
    // Exactly what was in memory: a token that was chosen since is computed with the next call.
    const std::size_t held = batch_.length(sequence_);
    if (earlier == memory::keep || held == 0) return {};
    batch_.truncate(sequence_, 0);
    has_logits_ = false;
    return catch_up(no_observer{}, held);
  }
  expected<void> steer(steering::plan plan, memory earlier) {
    return steer(steering::attachment{std::move(plan)}, earlier);
  }

  /// Reads every token that is evaluated from now on along a monitor's axes. See batch::watch.
  expected<void> watch(steering::monitor what) { return batch_.watch(std::move(what)); }
  /// What each axis of the monitor read at a position of the memory: (axes), else empty.
  [[nodiscard]] std::span<const float> readings(position p) const noexcept {
    return batch_.readings(sequence_, p);
  }
  /// The same for the last position that is in memory.
  [[nodiscard]] std::span<const float> readings() const noexcept {
    const std::size_t n = batch_.length(sequence_);
    return n > 0 ? readings(position(n - 1)) : std::span<const float>();
  }

  /// Under which plans the memory was computed, in order.
  [[nodiscard]] std::vector<memory_span> memories() const {
    std::vector<memory_span> spans;
    for (std::size_t i = 0; i < batch_.length(sequence_); ++i) {
      const fingerprint plan = batch_.cache().plan_at(sequence_, position(i));
      if (spans.empty() || spans.back().plan != plan) {
        spans.push_back({position(i), position(i), plan});
      }
      spans.back().last = position(i + 1);
    }
    return spans;
  }

  /// Everything read and written so far, beginning-of-text token included.
  [[nodiscard]] std::span<const token_id> tokens() const noexcept { return tokens_; }
  /// Which of them were read and which the model wrote.
  [[nodiscard]] std::span<const steering::token_source> sources() const noexcept {
    return sources_;
  }
  [[nodiscard]] const language_model& lm() const noexcept { return batch_.lm(); }
  /// What the model expects after everything that was evaluated; empty before the first read and
  /// between a choice and the next call.
  [[nodiscard]] std::span<const float> logits() const noexcept {
    return has_logits_ ? std::span<const float>(logits_) : std::span<const float>();
  }

 private:
  session(batch b, sequence_id s, sampling how, E& workers)
      : batch_(std::move(b)),
        sequence_(s),
        sampler_(how, batch_.lm().shape().vocab_size),
        workers_(&workers) {
    tokens_.reserve(batch_.cache().max_length() + 1);
    sources_.reserve(batch_.cache().max_length() + 1);
    logits_.resize(batch_.lm().shape().vocab_size);
  }

  static E& own_executor() noexcept {
    static E executor;  // stateless: inline_executor only
    return executor;
  }

  template <class Choose, residual_observer O>
  expected<token_id> next_by(Choose&& choose, const O& observer) {
    if (auto ok = catch_up(observer); !ok) return forward_error(ok);
    if (!has_logits_) {
      return fail({.code = errc::invalid_argument,
                   .operation = "generate",
                   .place = {},
                   .found = "a session that has read nothing",
                   .expected = "at least one token to continue",
                   .remedy = "read() a text first; an empty one is enough if the model has a "
                             "beginning-of-text token"});
    }
    // Minus infinity is a mask; anything else that is no number is a broken model.
    const bool broken = std::any_of(logits_.begin(), logits_.end(), [](float x) {
      return !(x < std::numeric_limits<float>::infinity());
    });
    if (broken) {
      return fail({.code = errc::non_finite,
                   .operation = "generate",
                   .place = "logits at position " + std::to_string(tokens_.size()),
                   .found = "NaN or infinity",
                   .expected = "numbers",
                   .remedy = "lower the steering strength; else the model file is damaged"});
    }
    auto token = choose(position(tokens_.size()));
    if (!token) return token;
    has_logits_ = false;
    tokens_.push_back(*token);
    sources_.push_back(steering::token_source::written);
    return token;
  }

  /// Evaluates what was read or chosen but is not in memory yet.
  template <residual_observer O>
  expected<void> catch_up(const O& observer) {
    return catch_up(observer, tokens_.size());
  }
  template <residual_observer O>
  expected<void> catch_up(const O& observer, std::size_t upto) {
    const std::size_t done = batch_.length(sequence_);
    if (done == upto) return {};
    const feed news{sequence_, tokens().subspan(done, upto - done), 1,
                    sources().subspan(done, upto - done)};
    auto ok = batch_.evaluate(
        *workers_, std::span(&news, 1),
        [&](feed_place, std::span<float> logits) {
          std::copy(logits.begin(), logits.end(), logits_.begin());
        },
        observer);
    if (ok) has_logits_ = upto == tokens_.size();
    return ok;
  }

  batch batch_;
  sequence_id sequence_;
  sampler sampler_;
  E* workers_;
  std::vector<token_id> tokens_;
  std::vector<steering::token_source> sources_;  // (tokens)
  std::vector<float> logits_;                    // (vocab_size)
  bool has_logits_ = false;
};

}  // namespace multitudes
