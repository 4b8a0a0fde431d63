// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/executor.hpp>
#include <multitudes/generate/language_model.hpp>
#include <multitudes/model/evaluation.hpp>
#include <multitudes/npc/detail/pace.hpp>
#include <multitudes/npc/detail/refusal.hpp>
#include <multitudes/npc/detail/requests.hpp>
#include <multitudes/npc/detail/schedule.hpp>
#include <multitudes/npc/event.hpp>
#include <multitudes/npc/mind.hpp>
#include <multitudes/npc/stage_options.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::npc {

class stage;

namespace detail {
scene& scene_of(stage& s) noexcept;
}

/// Many minds on one model, computed together in as little time as there is: each under a persona
/// of its own, all from the thread that calls `step`. What becomes of a mind depends on what it was
/// told and on its seed, never on the others, on threads, or on how time was cut.
///
/// It owns no thread, reads no clock and no file. After `make`, `step` allocates nothing and
/// throws nothing; neither do exchanging personas and moods.
///
/// Example: docs/embedding.md
class stage {
 public:
  /// The bytes of memory that `make` takes from an arena; nothing if they cannot be counted.
  static std::optional<std::size_t> required_bytes(const language_model& lm,
                                                   const stage_options& o) noexcept {
    const auto cache =
        model::kv_cache::required_bytes(lm.shape(), detail::cache_limits(lm.shape(), o));
    const auto work = model::evaluation::required_bytes(lm.shape(), detail::work_limits(o));
    if (!cache || !work) return std::nullopt;
    return (checked_size(*cache) + checked_size(*work)).get();
  }

  /// The memory must outlive the stage and stay where it is; all of it is written to. Lists of
  /// tokens and events (about 40 bytes for each token that minds can remember) come from the heap,
  /// here and never later.
  ///
  /// Errors:  out_of_memory if it is too small; invalid_argument if a size is 0, or the model has
  ///          no such layer to watch.
  static expected<stage> make(language_model lm, const stage_options& o,
                              std::span<std::byte> memory) {
    if (auto ok = detail::check(lm, o); !ok) return forward_error(ok);
    const auto wanted = required_bytes(lm, o);
    stage s;
    s.options_ = o;
    if (!s.scene_->build(std::move(lm), o, memory)) return detail::too_small(memory.size(), wanted);
    return s;
  }

  [[nodiscard]] const language_model& lm() const noexcept { return scene_->lm; }
  [[nodiscard]] const model::kv_cache& cache() const noexcept { return scene_->cache; }
  [[nodiscard]] const stage_options& options() const noexcept { return options_; }

  // What the game does.

  /// A text that minds may know when they enter: computed once, by the next steps, in no persona.
  ///
  /// Errors:  invalid_argument if it is empty; out_of_memory if there are n_lores of them or it is
  ///          longer than the context.
  expected<lore> tell(std::string_view text) {
    std::vector<token_id> tokens;
    if (!text.empty()) tokens = scene_->lm.tokenizer->encode(text, {.start_token = true});
    return tell(std::span<const token_id>(tokens));
  }
  expected<lore> tell(std::span<const token_id> tokens) {
    return detail::tell(*scene_, tokens, options_.n_lores);
  }

  /// A grammar (generate/grammar) under which minds may speak, in common.
  ///
  /// Errors:  those of token_masks::make.
  /// Cost:    the first goes through all pieces of the vocabulary; allocates. So does `say` under
  ///          rules, now and then.
  expected<rules> add_rules(grammar g, mask_options options = {}) {
    return detail::add_rules(*scene_, std::move(g), options);
  }
  /// A way of keeping minds in character, in common.
  ///
  /// Errors:  those of validate(keeping); space_mismatch for another model's axis; invalid_argument
  ///          if the axis is not at the layer that the stage watches.
  expected<keeper> add_keeper(keeping how) {
    return detail::add_keeper(*scene_, std::move(how), options_.watched);
  }

  /// Errors:  out_of_memory if there are n_minds already; space_mismatch for a persona of another
  ///          model; invalid_argument for sampling or a dial out of range, a priority that is not
  ///          positive, lore that was not told, or a keeper whose dial the persona does not have.
  /// Cost:    constant: a fork of the lore's page table when it first thinks.
  expected<mind> enter(role who) {
    if (auto ok = detail::check(*scene_, who); !ok) return forward_error(ok);
    for (std::size_t i = 0; i < scene_->minds.size(); ++i) {
      detail::thought& t = scene_->minds[i];
      if (t.is_present || t.is_leaving) continue;
      detail::begin_role(*scene_, t, std::move(who));
      return mind{static_cast<std::uint32_t>(i), t.generation};
    }
    return detail::full("enter stage", std::to_string(scene_->minds.size()) + " minds", "fewer",
                        "let one leave, or make the stage with more n_minds");
  }

  /// It is gone at once, and its pages are free when the pass at hand is over.
  void leave(mind m) noexcept {
    detail::thought* t = scene_->find(m);
    if (t == nullptr) return;
    t->is_present = false;
    t->is_leaving = true;
    t->is_speaking = false;
    settle();
  }

  /// What it reads next. While it speaks, it hears after it has spoken. Bytes that are no UTF-8 are
  /// read as they are (see text::repaired).
  ///
  /// Errors:  invalid_argument for nobody; out_of_memory if its memory is full (see forget).
  /// Cost:    encodes the text; allocates.
  expected<void> hear(mind m, std::string_view text) { return hear(m, encode_for(m, text)); }
  /// The same line for many, read in common passes. It is an error if one of them cannot hear it;
  /// those before it then have.
  expected<void> hear(std::span<const mind> listeners, std::string_view text) {
    for (const mind m : listeners) {
      if (auto ok = hear(m, text); !ok) return ok;
    }
    return {};
  }
  expected<void> hear(mind m, std::span<const token_id> tokens) {
    auto t = detail::require(*scene_, m, "hear");
    if (!t) return forward_error(t);
    if (auto ok = detail::check(*scene_, tokens, "hear"); !ok) return ok;
    return detail::take_in(*scene_, **t, tokens);
  }
  /// The tokens of a text that a mind hears: the model's own first token before its first.
  [[nodiscard]] std::vector<token_id> encode_for(mind m, std::string_view text) const {
    const detail::thought* t = scene_->find(m);
    const bool begins = t != nullptr && t->tokens.empty() && t->heard.empty();
    return scene_->lm.tokenizer->encode(text, {.start_token = begins, .continues = !begins});
  }

  /// Lets it speak: events tell what it says.
  ///
  /// Errors:  invalid_argument for nobody, for who speaks or chooses already, for who has heard
  ///          nothing, or for no tokens; out_of_memory if its memory is full.
  expected<void> say(mind m, speech how = {}) {
    auto t = detail::require_free(*scene_, m, "say");
    if (!t) return forward_error(t);
    if (auto ok = detail::check(*scene_, **t, how); !ok) return ok;
    scene_->begin_speech(**t, how);
    return {};
  }

  /// Lets it choose what it does, each action being a text that might come next: an event tells
  /// which, and its memory goes on with it.
  ///
  /// Errors:  those of say; invalid_argument for no actions, one without tokens or more than
  ///          max_actions; out_of_memory if one does not fit into its memory.
  /// Cost:    every action's tokens, computed together after what the mind remembers.
  /// Example: `stage.ask_action(m, {" draws a sword", " flees"})`
  expected<void> ask_action(mind m, std::span<const std::string_view> actions,
                            const action_choice& how = {}) {
    std::vector<std::vector<token_id>> tokens;
    for (const std::string_view a : actions) tokens.push_back(encode_action(a));
    return ask_action(m, std::span<const std::vector<token_id>>(tokens), how);
  }
  expected<void> ask_action(mind m, std::initializer_list<std::string_view> actions,
                            const action_choice& how = {}) {
    return ask_action(m, std::span(actions.begin(), actions.size()), how);
  }
  expected<void> ask_action(mind m, std::span<const std::vector<token_id>> actions,
                            const action_choice& how = {}) {
    auto t = detail::require_free(*scene_, m, "ask action");
    if (!t) return forward_error(t);
    return detail::begin_weighing(*scene_, **t, actions, how, options_.max_actions);
  }
  [[nodiscard]] std::vector<token_id> encode_action(std::string_view text) const {
    return scene_->lm.tokenizer->encode(text, {.start_token = false, .continues = true});
  }

  /// Breaks off what it says or weighs, if anything; what was said stays in its memory.
  ///
  /// Errors:  invalid_argument for nobody; out_of_memory if the queue has no room for the events
  ///          that end an utterance: take some first.
  expected<void> cancel(mind m) {
    auto t = detail::require(*scene_, m, "cancel");
    if (!t) return forward_error(t);
    if (auto ok = detail::break_off(*scene_, **t, m.index); !ok) return ok;
    settle();
    return {};
  }

  /// Exchanges its persona, from the next token that is computed. `keep`: what it remembers stays
  /// as the old one thought it; `replay`: it is computed again, by the next steps, as if it had
  /// always been the new one.
  ///
  /// Errors:  invalid_argument for nobody, a dial out of range, or a plan without the dial that its
  ///          keeper turns; space_mismatch; out_of_memory if its memory already holds thoughts of
  ///          16 personas: use replay.
  /// Cost:    a look at each token of its memory; allocates nothing.
  expected<void> swap_persona(mind m, steering::attachment how, memory earlier) {
    auto t = detail::require(*scene_, m, "swap persona");
    if (!t) return forward_error(t);
    if (auto ok = detail::check(*scene_, **t, how); !ok) return ok;
    if (earlier == memory::replay) (*t)->replays = true;
    settle();
    if (!(*t)->put_on(std::move(how))) {
      return detail::full("swap persona", "16 personas in one memory", "fewer",
                          "swap with memory::replay when no step is in progress");
    }
    return {};
  }
  /// Turns a dial of its plan (see steering::dial), from the next token that is computed. Cheap
  /// enough for every frame.
  ///
  /// Errors:  invalid_argument for nobody, a dial that there is not or that its keeper turns, or a
  ///          value outside 0 to 1.
  expected<void> set_mood(mind m, std::size_t dial, float value) {
    auto t = detail::require(*scene_, m, "set mood");
    if (!t) return forward_error(t);
    return detail::turn_dial(**t, dial, value);
  }
  /// Until that time on the game's clock it is computed before others, of several the one whose
  /// time comes first; then its priority counts again. What it says stays the same. Nobody: nothing
  /// happens.
  void hurry(mind m, std::chrono::nanoseconds until) noexcept {
    if (detail::thought* t = scene_->find(m)) t->hurries_until = until;
  }
  /// Lets go of what is in the cache for it, as soon as it has nothing to do. It wakes by itself,
  /// and then computes everything again.
  ///
  /// Errors:  as forget.
  expected<void> rest(mind m) {
    auto t = detail::require_free(*scene_, m, "rest");
    if (!t) return forward_error(t);
    (*t)->rests = true;
    settle();
    return {};
  }
  /// What it remembers by now it will not forget: who it is, say.
  ///
  /// Errors:  as forget.
  expected<void> pin(mind m) {
    auto t = detail::require_free(*scene_, m, "pin");
    if (!t) return forward_error(t);
    (*t)->n_pinned = (*t)->tokens.size() - (*t)->drops;
    return {};
  }
  /// Drops the oldest of its own tokens but for the last `kept`; the others are computed again. Its
  /// lore stays, and what is pinned.
  ///
  /// Errors:  invalid_argument for nobody, for who speaks or chooses, or has heard nothing.
  expected<void> forget(mind m, std::size_t kept) {
    auto t = detail::require_free(*scene_, m, "forget");
    if (!t) return forward_error(t);
    const std::size_t n = (*t)->tokens.size(), last = n - std::min(kept, n);
    if (last <= (*t)->n_pinned) return {};
    (*t)->drops_from = (*t)->n_pinned;
    (*t)->drops = last - (*t)->n_pinned;
    settle();
    return {};
  }

  // What the game sees.

  [[nodiscard]] activity doing(mind m) const noexcept {
    const detail::thought* t = scene_->find(m);
    if (t == nullptr) return activity::gone;
    if (t->is_speaking) return activity::speaking;
    if (t->weighs.is_on) return activity::choosing;
    if (detail::n_wanted(*scene_, *t) == 0) return t->at ? activity::ready : activity::dormant;
    return activity::reading;
  }
  /// Everything of its own that it has heard and said, its lore's last token included.
  [[nodiscard]] std::span<const token_id> tokens(mind m) const noexcept {
    const detail::thought* t = scene_->find(m);
    return t == nullptr ? std::span<const token_id>() : std::span<const token_id>(t->tokens);
  }
  /// How many tokens it can still hear or say before it must `forget`.
  [[nodiscard]] std::size_t room(mind m) const noexcept {
    const detail::thought* t = scene_->find(m);
    return t == nullptr ? 0 : scene_->room_of(*t);
  }
  /// The mean state of the model over its recent words, after block `options().watched` as it was
  /// steered: (model_dim); nothing before it came to a word by words of its own. What was said last
  /// counts from the next word on. See npc/insight.hpp.
  [[nodiscard]] std::span<const float> recent_state(mind m) const noexcept {
    const detail::thought* t = scene_->find(m);
    return t == nullptr ? std::span<const float>() : t->words.mean();
  }
  /// Where a dial of its plan stands: one that a keeper turns, say.
  [[nodiscard]] float dial(mind m, std::size_t i) const noexcept {
    const detail::thought* t = scene_->find(m);
    return t == nullptr || i >= steering::max_dials ? 0 : t->dials[i];
  }
  [[nodiscard]] const stage_totals& totals() const noexcept { return scene_->totals; }
  /// The oldest event that was not taken yet.
  std::optional<event> take_event() noexcept { return scene_->events.take(); }

  /// Does what fits until `until` on the game's clock, and at least a little. It may go over by
  /// what one piece of work takes for which the time seemed enough: tens of microseconds on a model
  /// of a size for games.
  ///
  /// Shapes:  now() gives nanoseconds of any clock that does not run backwards.
  template <class Clock, executor E>
  stage_status step(Clock&& now, std::chrono::nanoseconds until, E& workers) noexcept {
    bool has_begun = false;
    std::chrono::nanoseconds at = now();
    const auto do_some = [&](std::size_t kind, std::size_t most, std::size_t width, auto&& work) {
      std::size_t rounds = pace_.rounds_within(kind, until - at);
      if (rounds == 0 && has_begun) return false;
      rounds = std::max<std::size_t>(rounds, 1);
      const std::size_t n = std::min(most, std::min(rounds, most) * width);
      work(n);
      const std::chrono::nanoseconds then = now();
      pace_.took(kind, (n + width - 1) / width, then - at);
      at = then;
      has_begun = true;
      return true;
    };
    const auto hook = [this](row_index r, layer_index layer, std::span<float> h) {
      scene_->rows.steer(r, layer, h);
    };
    while (true) {
      if (scene_->work.tiles_left() > 0) {
        const bool fits =
            do_some(scene_->work.kind(), scene_->work.tiles_left(), workers.concurrency(),
                    [&](std::size_t n) { scene_->work.resume(workers, hook, n); });
        if (!fits) return stage_status::in_progress;
      } else if (scene_->is_computing()) {
        if (scene_->events.room() < event_queue::most_of_a_word) return stage_status::unread_events;
        const auto choose = [&](std::size_t) {
          if (scene_->prepare_row()) scene_->use_row(scene_->next_row++);
        };
        if (!do_some(choosing, 1, 1, choose)) return stage_status::in_progress;
      } else {
        if (at >= until && has_begun) return stage_status::in_progress;
        if (scene_->events.room() < event_queue::most_of_a_word) return stage_status::unread_events;
        const stage_status begun = detail::schedule(*scene_, at).begin();
        if (begun != stage_status::in_progress) return begun;
      }
    }
  }
  /// Does everything that there is to do.
  template <executor E>
  stage_status finish(E& workers) noexcept {
    const auto still = [] { return std::chrono::nanoseconds(0); };
    return step(still, std::chrono::nanoseconds::max(), workers);
  }

 private:
  static constexpr std::size_t choosing = model::evaluation::n_kinds;  // a kind of work

  stage() = default;

  friend detail::scene& detail::scene_of(stage& s) noexcept;

  void settle() noexcept {
    if (!scene_->is_computing()) scene_->settle_changes();
  }

  // On the heap, so that a stage can be moved while a pass is in progress.
  std::unique_ptr<detail::scene> scene_ = std::make_unique<detail::scene>();
  detail::pace pace_;
  stage_options options_;
};

namespace detail {
/// For headers that save, load and replay.
inline scene& scene_of(stage& s) noexcept { return *s.scene_; }
}  // namespace detail

}  // namespace multitudes::npc
