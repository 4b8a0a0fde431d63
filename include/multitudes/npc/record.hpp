// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/detail/deed.hpp>
#include <multitudes/npc/detail/sealed.hpp>
#include <multitudes/npc/stage.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace multitudes::npc {

/// Writes down what a game does to the minds of a stage, each deed with the token at which it took
/// effect, so that `replay` can do the same at any other frame rate. The game asks it instead of
/// the stage; steps and events stay with the stage. It begins with what the stage is then (its
/// snapshot), and ends where the game loads another.
///
/// The stage and the memory must outlive it. Nothing here allocates, but what the stage's own calls
/// do; a deed for which there is no room left is not done, and says out_of_memory.
class recorder {
 public:
  recorder(stage& on, std::span<std::byte> memory) noexcept : stage_(&on), memory_(memory) {}

  expected<lore> tell(std::string_view text) {
    const auto tokens = stage_->lm().tokenizer->encode(text, {.start_token = true});
    if (auto ok = reserve(tokens.size()); !ok) return forward_error(ok);
    auto told = stage_->tell(text);
    if (told) write({.what = detail::deed_kind::tell, .tokens = tokens});
    return told;
  }
  expected<mind> enter(role who) {
    if (auto ok = reserve(0); !ok) return forward_error(ok);
    detail::deed d{.what = detail::deed_kind::enter, .who = who};
    d.plan = who.persona.what.id();
    auto made = stage_->enter(std::move(who));
    if (!made) return made;
    d.mind = made->generation;
    write(d);
    return made;
  }
  expected<void> leave(mind m) {
    if (detail::scene_of(*stage_).find(m) == nullptr) return {};
    return record({.what = detail::deed_kind::leave}, m, [&]() -> expected<void> {
      stage_->leave(m);
      return {};
    });
  }
  expected<void> hear(mind m, std::string_view text) {
    const auto tokens = stage_->encode_for(m, text);
    return hear(m, tokens);
  }
  expected<void> hear(std::span<const mind> listeners, std::string_view text) {
    for (const mind m : listeners) {
      if (auto ok = hear(m, text); !ok) return ok;
    }
    return {};
  }
  expected<void> hear(mind m, std::span<const token_id> tokens) {
    return record({.what = detail::deed_kind::hear, .tokens = {tokens.begin(), tokens.end()}}, m,
                  [&] { return stage_->hear(m, tokens); });
  }
  expected<void> say(mind m, speech how = {}) {
    return record({.what = detail::deed_kind::say, .says = how}, m,
                  [&] { return stage_->say(m, how); });
  }
  expected<void> ask_action(mind m, std::span<const std::string_view> actions,
                            const action_choice& how = {}) {
    detail::deed d{.what = detail::deed_kind::ask, .how = how};
    for (const std::string_view a : actions) d.options.push_back(stage_->encode_action(a));
    return record(std::move(d), m, [&] { return stage_->ask_action(m, actions, how); });
  }
  expected<void> ask_action(mind m, std::initializer_list<std::string_view> actions,
                            const action_choice& how = {}) {
    return ask_action(m, std::span(actions.begin(), actions.size()), how);
  }
  expected<void> cancel(mind m) {
    return record({.what = detail::deed_kind::cancel}, m, [&] { return stage_->cancel(m); });
  }
  expected<void> swap_persona(mind m, steering::attachment how, memory earlier) {
    detail::deed d{.what = earlier == memory::replay ? detail::deed_kind::replace
                                                     : detail::deed_kind::swap};
    d.plan = how.what.id();
    d.who.persona = how;
    return record(std::move(d), m,
                  [&] { return stage_->swap_persona(m, std::move(how), earlier); });
  }
  expected<void> set_mood(mind m, std::size_t dial, float value) {
    return record({.what = detail::deed_kind::mood, .dial = dial, .value = value}, m,
                  [&] { return stage_->set_mood(m, dial, value); });
  }
  expected<void> forget(mind m, std::size_t kept) {
    return record({.what = detail::deed_kind::forget, .dial = kept}, m,
                  [&] { return stage_->forget(m, kept); });
  }

  expected<void> pin(mind m) {
    return record({.what = detail::deed_kind::pin}, m, [&] { return stage_->pin(m); });
  }

  /// What was written so far, with a checksum: for a file, and for `replay`.
  ///
  /// Errors:  out_of_memory if the memory was too small for anything.
  expected<std::span<const std::byte>> seal() noexcept {
    if (memory_.size() < size_) return full(detail::seal_bytes);
    detail::seal(memory_.first(size_), detail::record_kind, stage_->lm());
    return memory_.first(size_);
  }

 private:
  unexpected<error> full(std::size_t wanted) const {
    return detail::full(
        "record", std::to_string(memory_.size() - std::min(size_, memory_.size())) + " bytes left",
        std::to_string(wanted), "seal it, and begin another after a snapshot");
  }
  expected<void> reserve(std::size_t n_tokens) const {
    const std::size_t wanted = detail::most_bytes_of_a_deed + n_tokens * sizeof(token_id);
    if (memory_.size() >= size_ && memory_.size() - size_ >= wanted) return {};
    return full(wanted);
  }
  void write(detail::deed d) {
    detail::archive_writer out(memory_.subspan(size_));
    detail::put(out, d);
    size_ += out.size();
  }
  /// Where a mind is.
  void place(detail::deed& d, const detail::thought& t) const noexcept {
    const std::size_t settled = t.replays ? 0 : t.n_settled;
    d.mind = t.generation;
    d.moment = t.n_moments;
    d.token = t.ever(settled);
  }
  template <class Do>
  expected<void> record(detail::deed d, mind m, Do&& act) {
    std::size_t n_tokens = d.tokens.size();
    for (const auto& o : d.options) n_tokens += o.size() + 2;
    if (auto ok = reserve(n_tokens); !ok) return ok;
    const detail::thought* t = detail::scene_of(*stage_).find(m);
    if (t != nullptr) place(d, *t);
    const std::size_t settled = t != nullptr ? t->n_settled : 0;
    if (auto ok = act(); !ok) return ok;
    const bool asks = d.what == detail::deed_kind::say || d.what == detail::deed_kind::ask;
    write(d);
    if (asks && t->n_settled < settled) {
      // Its last token will be computed again, under what is in force now.
      detail::deed again{.what = detail::deed_kind::restate};
      place(again, *t);
      write(again);
    }
    return {};
  }
  stage* stage_;
  std::span<std::byte> memory_;
  std::size_t size_ = detail::seal_bytes;
};

}  // namespace multitudes::npc
