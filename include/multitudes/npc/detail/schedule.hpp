// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/detail/scene.hpp>
#include <multitudes/npc/detail/wake.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace multitudes::npc::detail {

/// It knows what the first tokens of actions are worth, and weighs the others.
inline bool weighs_others(const thought& t) noexcept {
  return t.weighs.is_on && t.weighs.knows_first;
}
/// How many of a mind's own tokens must be in the cache: of what was only heard, the last waits
/// until a word is asked for.
inline std::size_t target(const thought& t) noexcept {
  const std::size_t n = t.tokens.size();
  return t.is_busy() || n == 0 ? n : n - 1;
}

/// How many rows a mind needs now.
inline std::size_t n_wanted(const scene& s, const thought& t) noexcept {
  const std::size_t wanted = target(t), done = s.n_computed(t);
  if (t.wants_word()) return wanted > done ? wanted - done : 1;
  if (weighs_others(t)) {
    std::size_t n = wanted - done;
    for (const auto& o : t.weighs.options) n += o.n_left();
    return n;
  }
  if (t.is_asleep) return 0;
  return wanted > done ? wanted - done : 0;
}

/// Decides which rows the next pass has: whose word is next, who may read on, and for whom the
/// cache has pages.
class schedule {
 public:
  schedule(scene& s, std::chrono::nanoseconds now) noexcept : scene_(s), now_(now) {}

  /// Fills the rows of the next pass and begins it: in_progress, unless there is nothing to compute
  /// or something is missing for it.
  stage_status begin() noexcept {
    scene_.settle_changes();
    if (scene_.directed_by != nullptr) {
      if (!scene_.directed_by->before_pass()) return stage_status::unread_events;
      scene_.settle_changes();
    }
    scene_.rows.clear();
    scene_.next_row = 0;
    for (std::size_t i = 0; i < scene_.lores.size(); ++i) add_lore(scene_.lores[i]);
    scene_.order.clear();
    for (std::uint32_t i = 0; i < scene_.minds.size(); ++i) {
      if (scene_.minds[i].is_present && n_wanted(scene_, scene_.minds[i]) > 0)
        scene_.order.push_back(i);
    }
    // Who is in a hurry comes first, the earliest before the others; then who was served least for
    // its priority; equals by their place.
    std::sort(scene_.order.begin(), scene_.order.end(), [&](std::uint32_t a, std::uint32_t b) {
      const thought &one = scene_.minds[a], &other = scene_.minds[b];
      const bool one_hurries = one.hurries_until > now_, other_hurries = other.hurries_until > now_;
      if (one_hurries != other_hurries) return one_hurries;
      if (one_hurries && one.hurries_until != other.hurries_until) {
        return one.hurries_until < other.hurries_until;
      }
      return one.served != other.served ? one.served < other.served : a < b;
    });
    // First all who need one row for a word, then those who read. However many speak, a quarter of
    // the rows (of very few, a row now and then) is left for reading: nobody waits for ever.
    const bool some_read =
        std::any_of(scene_.order.begin(), scene_.order.end(),
                    [&](std::uint32_t i) { return !needs_word(scene_.minds[i]); });
    const std::size_t all = scene_.rows.room();
    const std::size_t share = all >= 4 ? all / 4 : scene_.totals.passes % 2;
    const std::size_t kept = some_read ? share : 0;
    for (const bool is_word : {true, false}) {
      for (const std::uint32_t i : scene_.order) {
        thought& t = scene_.minds[i];
        if (needs_word(t) != is_word || (is_word && scene_.rows.room() <= kept)) continue;
        if (weighs_others(t) && scene_.n_computed(t) == t.tokens.size()) {
          add_actions(t, i);
        } else {
          add_own(t, i);
        }
      }
    }
    if (scene_.rows.size() == 0) {
      return is_starved_ ? stage_status::starved : stage_status::idle;
    }
    // The pages were counted, the tokens are the vocabulary's: it begins.
    if (!scene_.work.begin(scene_.rows.rows(), scene_.cache)) {
      scene_.rows.clear();
      return stage_status::starved;
    }
    ++scene_.totals.passes;
    scene_.totals.rows += scene_.rows.size();
    return stage_status::in_progress;
  }

 private:
  /// It waits for one row, whose logits give a word.
  [[nodiscard]] bool needs_word(const thought& t) const noexcept {
    return t.wants_word() && n_wanted(scene_, t) == 1;
  }
  void add_lore(told_lore& l) noexcept {
    const std::size_t done = scene_.cache.length(l.at), wanted = l.tokens.size() - 1;
    const std::size_t n = fitting(l.at, wanted - done);
    for (std::size_t i = done; i < done + n; ++i) {
      scene_.rows.add({l.at, l.tokens[i], false, {}}, {}, nullptr, {});
    }
  }
  /// The next rows of a mind's own memory.
  void add_own(thought& t, std::uint32_t index) noexcept {
    if (!wake(scene_, t)) return;
    std::size_t done = scene_.n_computed(t);
    if (done > t.n_settled) {
      // What came of its last token was used for something else.
      done = t.n_settled;
      scene_.cache.truncate(*t.at, t.first + done);
    }
    const std::size_t n = fitting(*t.at, target(t) - done);
    for (std::size_t i = done; i < done + n; ++i) {
      const bool is_first_time = i >= t.n_settled;
      if (is_first_time && scene_.directed_by != nullptr) {
        scene_.directed_by->before_token(t, i);
      }
      const auto how = t.decide(i);
      const bool is_last = t.wants_word() && i + 1 == t.tokens.size();
      // Where a stage is loaded, it is computed again under what was in force then.
      if (is_last && is_first_time && t.weighs.is_on) t.hold_still();
      scene_.rows.add({*t.at, t.tokens[i], is_last, how.id},
                      {index, row_owner::none, static_cast<std::uint32_t>(i)}, how.plan, how.state);
    }
    note_service(t, n);
  }
  void note_service(thought& t, std::size_t n) noexcept {
    t.served += static_cast<double>(n) / static_cast<double>(t.priority);
    if (n > 0) t.last_pass = scene_.totals.passes;
  }
  /// The next rows of the actions that a mind weighs, each in a fork.
  void add_actions(thought& t, std::uint32_t index) noexcept {
    weighing& w = t.weighs;
    // All forks or none, so that two who have some each do not wait for each other. Where there are
    // too few, others weigh, and theirs are closed soon.
    const auto needs_fork = [](const weighing::option& o) { return o.n_left() > 0 && !o.fork; };
    const auto n_forks = std::count_if(w.options.begin(), w.options.end(), needs_fork);
    if (static_cast<std::size_t>(n_forks) > scene_.cache.free_sequences()) return;
    for (std::uint32_t o = 0; o < w.options.size(); ++o) {
      auto& option = w.options[o];
      if (needs_fork(option)) option.fork = *scene_.cache.fork(*t.at);
      if (option.n_left() == 0) continue;
      const std::size_t done = option.n_computed;
      const std::size_t n = fitting(*option.fork, option.n_left());
      for (std::size_t i = done; i < done + n; ++i) {
        const auto how = t.try_out(i);
        scene_.rows.add({*option.fork, option.tokens[i], true, how.id},
                        {index, o, static_cast<std::uint32_t>(i)}, how.plan, how.state);
      }
      option.n_computed += n;
      note_service(t, n);
    }
  }
  /// How many of so many rows the pass and the cache have room for; takes their pages.
  std::size_t fitting(sequence_id s, std::size_t n) noexcept {
    n = std::min(n, scene_.rows.room());
    const bool wanted = n > 0;
    while (n > 0 && scene_.cache.pages_to_append(s, n) + taken_pages_ > scene_.cache.free_pages()) {
      if (!let_idle_sleep()) n /= 2;
    }
    if (wanted && n == 0) is_starved_ = true;
    if (n > 0) taken_pages_ += scene_.cache.pages_to_append(s, n);
    return n;
  }
  /// Frees the pages of the mind that has had nothing to do for longest; false if there is none.
  bool let_idle_sleep() noexcept {
    thought* idle = nullptr;
    for (thought& t : scene_.minds) {
      if (!t.is_present || !t.at || n_wanted(scene_, t) > 0 || t.is_busy()) continue;
      if (idle == nullptr || t.last_pass < idle->last_pass) idle = &t;
    }
    if (idle == nullptr) return false;
    scene_.sleep(*idle);
    return true;
  }
  scene& scene_;
  std::chrono::nanoseconds now_;
  std::size_t taken_pages_ = 0;  // by the rows of this pass
  bool is_starved_ = false;
};

}  // namespace multitudes::npc::detail
