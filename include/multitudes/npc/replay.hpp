// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/detail/deed.hpp>
#include <multitudes/npc/detail/director.hpp>
#include <multitudes/npc/detail/sealed.hpp>
#include <multitudes/npc/stage.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::npc {

/// Does again what a recorder wrote down: every mind hears, says and chooses the same, at any frame
/// rate and with any number of workers. The stage must be what the recorded one was at the
/// beginning of the record. While it lives, the game must do nothing to the stage itself.
class replayer final : private detail::director {
 public:
  /// Errors:  malformed for bytes that are no record, or a damaged one; space_mismatch for another
  ///          model's; not_found for a plan that `find` does not have.
  static expected<replayer> make(std::span<const std::byte> record, const language_model& lm,
                                 plan_lookup find) {
    constexpr const char* operation = "replay";
    auto body = detail::unseal(record, detail::record_kind, lm, operation);
    if (!body) return forward_error(body);
    replayer r;
    detail::archive_reader in(*body);
    while (in.left() > 0) {
      detail::deed d;
      detail::put(in, d);
      if (!in.good()) return detail::damaged(operation, "bytes that contradict themselves");
      auto plan = detail::find_plan(find, d.plan, lm, operation);
      if (!plan) return forward_error(plan);
      d.who.persona.what = std::move(*plan);
      r.add(std::move(d));
    }
    r.find_turns();
    return r;
  }

  /// As stage::step, with the deeds of the record where they belong. What the stage refuses of a
  /// record that does not fit ends the replay: see `outcome`.
  template <class Clock, executor E>
  stage_status step(stage& on, Clock&& now, std::chrono::nanoseconds until, E& workers) noexcept {
    stage_ = &on;
    detail::scene_of(on).directed_by = this;
    const stage_status status = on.step(now, until, workers);
    detail::scene_of(on).directed_by = nullptr;
    return status;
  }
  /// Everything was done.
  [[nodiscard]] bool is_over() const noexcept {
    return !outcome_ || (next_entry_ == entries_.size() &&
                         std::all_of(parts_.begin(), parts_.end(),
                                     [](const part& p) { return p.next == p.deeds.size(); }));
  }
  /// The first thing that the stage refused.
  [[nodiscard]] const expected<void>& outcome() const noexcept { return outcome_; }

 private:
  /// What is done to one mind.
  struct part {
    std::uint32_t generation = 0;
    std::optional<mind> who{};
    std::vector<detail::deed> deeds{};
    std::size_t next = 0;
    /// For each stretch between replacements of its persona: what is computed under what.
    std::vector<std::vector<detail::deed>> by_row = std::vector<std::vector<detail::deed>>(1);
    std::size_t stretch = 0, next_row = 0;
  };

  replayer() = default;

  part& part_of(std::uint32_t generation) {
    for (part& p : parts_) {
      if (p.generation == generation) return p;
    }
    parts_.emplace_back().generation = generation;
    return parts_.back();
  }
  void add(detail::deed d) {
    if (d.what == detail::deed_kind::tell || d.what == detail::deed_kind::enter) {
      if (d.what == detail::deed_kind::enter) static_cast<void>(part_of(d.mind));
      entries_.push_back(std::move(d));
      return;
    }
    part& p = part_of(d.mind);
    if (d.is_by_row()) {
      p.by_row.back().push_back(std::move(d));
      return;
    }
    if (d.what == detail::deed_kind::replace) p.by_row.emplace_back();
    p.deeds.push_back(std::move(d));
  }
  /// At the same moment, a deed that came before one for an earlier token was in force for that as
  /// well.
  void find_turns() noexcept {
    for (part& p : parts_) {
      for (auto& stretch : p.by_row) {
        for (std::size_t i = stretch.size(); i-- > 1;) {
          if (stretch[i - 1].moment != stretch[i].moment) continue;
          stretch[i - 1].token = std::min(stretch[i - 1].token, stretch[i].token);
        }
      }
    }
  }

  bool before_pass() noexcept override {
    // Who leaves makes room for who comes.
    for (bool is_first = true; outcome_ && (admit() || is_first); is_first = false) {
      for (part& p : parts_) {
        if (!act_on(p)) return false;
      }
    }
    return true;
  }
  /// Lore, and who enters, as far as there are places; whether anybody came.
  bool admit() {
    bool came = false;
    for (; next_entry_ < entries_.size(); ++next_entry_) {
      const detail::deed& d = entries_[next_entry_];
      if (d.what == detail::deed_kind::tell) {
        if (auto told = stage_->tell(d.tokens); !told) return refused(forward_error(told));
        continue;
      }
      auto made = stage_->enter(d.who);
      if (!made && made.error().code == errc::out_of_memory) break;
      if (!made) return refused(forward_error(made));
      if (made->generation != d.mind) {
        return refused(fail({.code = errc::invalid_argument,
                             .operation = "replay",
                             .place = "mind " + std::to_string(d.mind),
                             .found = "a stage that was another at its beginning",
                             .expected = {},
                             .remedy = "load the snapshot from before the record"}));
      }
      part_of(d.mind).who = *made;
      came = true;
    }
    return came;
  }
  /// Everything that is due for a mind; false if events must be taken first.
  bool act_on(part& p) {
    const detail::scene& all = detail::scene_of(*stage_);
    if (!p.who) p.who = all.mind_of(p.generation);
    while (outcome_ && p.who && p.next < p.deeds.size()) {
      const detail::thought* t = all.find(*p.who);
      const detail::deed& d = p.deeds[p.next];
      if (t == nullptr || t->n_moments < d.moment) break;
      if (all.events.room() < event_queue::most_of_a_word) return false;
      ++p.next;
      if (auto ok = act(p, d); !ok) refused(std::move(ok));
    }
    return true;
  }
  void before_token(detail::thought& t, std::size_t i) noexcept override {
    for (part& p : parts_) {
      if (p.generation != t.generation) continue;
      auto& rows = p.by_row[p.stretch];
      for (; p.next_row < rows.size(); ++p.next_row) {
        const detail::deed& d = rows[p.next_row];
        const bool is_past = d.moment < t.n_moments;
        if (!is_past && (d.moment > t.n_moments || d.token > t.ever(i))) break;
        if (d.what == detail::deed_kind::mood) t.dials[d.dial] = d.value;
        if (d.what == detail::deed_kind::swap) static_cast<void>(t.put_on(d.who.persona));
      }
    }
  }
  expected<void> act(part& p, const detail::deed& d) {
    const mind m = *p.who;
    switch (d.what) {
      case detail::deed_kind::leave: stage_->leave(m); break;
      case detail::deed_kind::hear: return stage_->hear(m, d.tokens);
      case detail::deed_kind::say: return stage_->say(m, d.says);
      case detail::deed_kind::ask: return stage_->ask_action(m, d.options, d.how);
      case detail::deed_kind::cancel: return stage_->cancel(m);
      case detail::deed_kind::forget: return stage_->forget(m, d.dial);
      case detail::deed_kind::pin: return stage_->pin(m);
      case detail::deed_kind::replace:
        ++p.stretch;
        p.next_row = 0;
        return stage_->swap_persona(m, d.who.persona, memory::replay);
      default: break;
    }
    return {};
  }
  bool refused(expected<void> why) noexcept {
    outcome_ = std::move(why);
    return false;
  }

  stage* stage_ = nullptr;
  std::vector<detail::deed> entries_;  // who enters, and what lore is told
  std::size_t next_entry_ = 0;
  std::vector<part> parts_;
  expected<void> outcome_;
};

}  // namespace multitudes::npc
