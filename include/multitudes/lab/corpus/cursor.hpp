// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/corpus/choice.hpp>
#include <multitudes/lab/corpus/detail/fixed_texts.hpp>
#include <multitudes/lab/corpus/detail/football_play.hpp>
#include <multitudes/lab/corpus/detail/grid_walk.hpp>
#include <multitudes/lab/corpus/detail/phrase_task.hpp>
#include <multitudes/lab/corpus/detail/step.hpp>
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/corpus/vocabulary.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace multitudes::lab {

/// A place in a document: what may come next, and how probable it is to each kind of writer. It
/// depends on the tokens before and on nothing that is hidden, so that writing and exact reading
/// are the same walk.
///
/// The gazette must stay where it is. A copy goes on by itself.
class cursor {
 public:
  explicit cursor(const gazette& g) : gazette_(&g) { next_.push(detail::say(word("<doc>"))); }

  /// The document is complete.
  [[nodiscard]] bool is_done() const noexcept { return next_.empty(); }
  /// Kind and number of the item that is being told, or was told last in this section.
  [[nodiscard]] item_kind kind() const noexcept { return kind_; }
  [[nodiscard]] std::size_t n_items() const noexcept { return n_items_; }
  [[nodiscard]] std::size_t section() const noexcept { return n_begun_ == 0 ? 0 : n_begun_ - 1; }
  /// The board of the walk that is being told.
  [[nodiscard]] const grid_world& board() const noexcept { return walk_.world(); }

  /// The next token is the writer's: neither the frame of an item, nor a world's answer that the
  /// program injects where a model writes. (After the first step of a walk the world may say
  /// "moved" before the writer acts.)
  [[nodiscard]] bool is_writers_turn() const noexcept {
    if (next_.empty()) return false;
    switch (next_.top().what) {
      case op::slot:
      case op::line_end:
      case op::opener:
      case op::answer:
      case op::closer:
      case op::output:
      case op::scan:
      case op::act:
      case op::kick:
      case op::aim:
      case op::response:
      case op::brought: return true;
      default: return false;
    }
  }

  /// What the last token did.
  [[nodiscard]] bool began_section() const noexcept { return began_section_; }
  [[nodiscard]] bool began_item() const noexcept { return began_item_; }
  [[nodiscard]] bool began_game() const noexcept {
    return began_item_ && (kind_ == item_kind::grid || kind_ == item_kind::football);
  }
  [[nodiscard]] bool ended_item() const noexcept { return ended_item_; }

  /// What may come next; it must not be done. The result may point into `to` and is good until
  /// that is used again.
  ///
  /// Cost:    no allocation; for steps of a walk, n_goals * n_grid_actions exponentials.
  [[nodiscard]] choice next(choice_scratch& to) const {
    const gazette_config& c = gazette_->config();
    const gazette_tables& t = gazette_->tables();
    const step s = next_.top();
    const auto from_table = [](choice_key key, std::span<const token_id> tokens,
                               const probability_table& table) {
      return choice{key, tokens, table.all(), table.n_options()};
    };
    to.clear(choice_key::nothing);
    switch (s.what) {
      case op::say: to.add(token_id(std::size_t{s.b}), 1); break;
      case op::weekday: add_evenly(to, word("monday"), words::weekdays.size()); break;
      case op::labels: add_labels(to, s.a); break;
      case op::name_label:
        return from_table(choice_key::name, tokens(detail::names_said, t.name), t.name);
      case op::domain_label:
        return from_table(choice_key::domain, tokens(detail::domains_said, t.domain), t.domain);
      case op::goal_label:
        return from_table(choice_key::goal, tokens(detail::goals_said, t.goal), t.goal);
      case op::item: add_next_item(to); break;
      case op::mention: add_evenly(to, word("arden"), c.personas.n_styles); break;
      case op::slot:
        return from_table(choice_key::lexis, std::span(detail::slots_said).subspan(2u * s.a, 2),
                          t.slots[s.a]);
      case op::line_end:
        return from_table(choice_key::form, std::span(detail::line_ends_said).subspan(2u * s.a, 2),
                          t.form);
      case op::subject:
        return from_table(choice_key::domain, std::span(t.subject_tokens), t.subjects);
      case op::opener:
        return from_table(choice_key::opener, tokens(detail::openers_said, t.marker), t.marker);
      case op::closer:
        return from_table(choice_key::closer, tokens(detail::closers_said, t.marker), t.marker);
      case op::answer:
        return from_table(choice_key::knowledge,
                          std::span(detail::replies_said).subspan(3u * s.b, 3),
                          t.answers[s.b / max_facts_per_domain]);
      case op::phrase_word:
      case op::cue:
      case op::cue_end:
      case op::output: return phrase_.offer(s, c.skills, c.clarity.task, to);
      case op::place_row:
      case op::place_column:
      case op::map_mode:
      case op::scan:
      case op::act:
      case op::moved_object: return walk_.offer(s, c.games, t, to);
      case op::side:
      case op::kick:
      case op::aim: return play_.offer(s, c.games, c.personas.n_goals, to);
      case op::errand: add_evenly(to, word("lamp"), words::errands.size()); break;
      case op::response:
        return from_table(choice_key::compliance, detail::responses_said, t.responses);
      case op::brought: add_brought(to); break;
    }
    return to.finish();
  }

  /// Goes on by a token that `next` offers.
  void take(token_id t) {
    const step s = next_.top();
    next_.pop();
    began_section_ = began_item_ = false;
    follow(s, t);
    ended_item_ = !next_.empty() && next_.top().what == op::item;
  }

 private:
  using op = detail::op;
  using step = detail::step;

  /// As many as the table has options.
  static std::span<const token_id> tokens(std::span<const token_id> all,
                                          const probability_table& table) {
    return all.first(table.n_options());
  }
  static void add_evenly(choice_scratch& to, token_id first, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      to.add(token_id(first.value + i), 1.0 / static_cast<double>(n));
    }
  }
  static void add_possible(choice_scratch& to, token_id t, double p) {
    if (p > 0) to.add(t, p);
  }

  void add_labels(choice_scratch& to, std::size_t part) const {
    const label_config& l = gazette_->config().labels;
    double rest = 1;
    if (part == 0) {
      for (std::size_t t = 0; t < l.n_templates; ++t) {
        add_possible(to, detail::template_starts[t], l.header / static_cast<double>(l.n_templates));
      }
      rest *= 1 - l.header;
    }
    if (part <= 1) {
      add_possible(to, word("on"), rest * l.domain);
      rest *= 1 - l.domain;
    }
    if (part <= 2) {
      add_possible(to, word("for"), rest * l.goal);
      rest *= 1 - l.goal;
    }
    add_items(to, rest);
  }
  void add_items(choice_scratch& to, double share) const {
    const auto& weights = gazette_->tables().item_shares;
    for (const token_id t : detail::frame_starts) {
      add_possible(to, t, share * weights[0] / static_cast<double>(detail::n_frames));
    }
    for (std::size_t k = 1; k < n_item_kinds; ++k) {
      add_possible(to, detail::item_starts[k], share * weights[k]);
    }
  }
  [[nodiscard]] token_id section_end() const noexcept {
    return n_begun_ < gazette_->config().items.n_sections ? word("<doc>") : word("<end>");
  }
  void add_next_item(choice_scratch& to) const {
    const item_config& c = gazette_->config().items;
    const double left = n_items_ < c.min_count || n_items_ > c.max_count
                            ? 0
                            : static_cast<double>(c.max_count - n_items_ + 1);
    const double stops = n_items_ < c.min_count ? 0 : left > 0 ? 1 / left : 1;
    const double signs = gazette_->config().labels.signature;
    add_possible(to, word("by"), stops * signs);
    add_possible(to, section_end(), stops * (1 - signs));
    add_items(to, 1 - stops);
  }
  void add_brought(choice_scratch& to) const {
    to.clear(choice_key::compliance);
    for (std::size_t e = 0; e < words::errands.size(); ++e) {
      to.add(token_id(word("lamp").value + e), 0);
      for (std::size_t l = 0; l < 3; ++l) {
        const double right = gazette_->tables().errands_right[l];
        const double wrong = (1 - right) / static_cast<double>(words::errands.size() - 1);
        to.last(l) = e == errand_ ? right : wrong;
      }
    }
  }

  void follow(step s, token_id t) {
    const gazette_config& c = gazette_->config();
    switch (s.what) {
      case op::labels: follow_labels(t); break;
      case op::item:
        if (t == word("by")) {
          next_.plan({{op::name_label}, detail::say(section_end())});
        } else if (t == word("<doc>")) {
          begin_section();
        } else if (t != word("<end>")) {
          begin_item(t);
        }
        break;
      case op::say:
        if (t == word("<doc>")) begin_section();
        break;
      case op::subject: {
        const auto fact = static_cast<std::uint16_t>(t.value - word("tide").value);
        next_.plan({detail::say(word("?")),
                    {op::opener},
                    {op::answer, 0, fact},
                    {op::closer},
                    detail::say(word("."))});
        break;
      }
      case op::phrase_word:
      case op::cue:
      case op::cue_end:
      case op::output: phrase_.follow(s, t, c.skills, next_); break;
      case op::place_row:
      case op::place_column:
      case op::map_mode:
      case op::scan:
      case op::act:
      case op::moved_object: walk_.follow(s, t, c.games, next_); break;
      case op::side:
      case op::kick:
      case op::aim: play_.follow(s, t, next_); break;
      case op::errand: errand_ = t.value - word("lamp").value; break;
      case op::response:
        if (t == word("brings")) next_.push({op::brought});
        break;
      default: break;  // words that decide nothing about what follows
    }
  }
  void begin_section() {
    began_section_ = true;
    ++n_begun_;
    n_items_ = 0;
    next_.push({op::labels, 0});
    if (gazette_->config().labels.weekday) next_.push({op::weekday});
  }
  void follow_labels(token_id t) {
    for (std::size_t i = 0; i < detail::max_templates; ++i) {
      if (t != detail::template_starts[i]) continue;
      next_.plan({detail::say(word(":")), {op::labels, 1}});
      detail::plan_template(i, next_);
      return;
    }
    if (t == word("on")) {
      next_.plan({{op::domain_label}, detail::say(word(":")), {op::labels, 2}});
    } else if (t == word("for")) {
      next_.plan({{op::goal_label}, detail::say(word(":")), {op::labels, 3}});
    } else {
      begin_item(t);
    }
  }
  void begin_item(token_id t) {
    const gazette_config& c = gazette_->config();
    began_item_ = true;
    ++n_items_;
    next_.push({op::item});
    kind_ = item_kind::filler;
    for (std::size_t k = 1; k < n_item_kinds; ++k) {
      if (t == detail::item_starts[k]) kind_ = static_cast<item_kind>(k);
    }
    switch (kind_) {
      case item_kind::filler:
        for (std::size_t f = 0; f < detail::n_frames; ++f) {
          if (t == detail::frame_starts[f]) detail::plan_frame(f, next_);
        }
        break;
      case item_kind::question: next_.push({op::subject}); break;
      case item_kind::skill:
        next_.plan({{op::cue}, detail::say(word("."))});
        for (std::size_t i = c.skills.phrase_length; i > 0; --i) {
          next_.push({op::phrase_word, static_cast<std::uint8_t>(i - 1)});
        }
        break;
      case item_kind::grid: walk_.begin(c.games, c.personas.n_goals, next_); break;
      case item_kind::football:
        play_ = {};
        detail::football_play::begin(next_);
        break;
      case item_kind::dialogue:
        next_.plan({{op::errand}, detail::say(word("!")), {op::response}, detail::say(word("."))});
        break;
      case item_kind::mention:
        next_.plan({detail::say(word("talk")),
                    detail::say(word("of")),
                    {op::mention},
                    detail::say(word("."))});
        break;
    }
  }

  const gazette* gazette_;
  detail::step_stack next_{};
  detail::phrase_task phrase_{};
  detail::grid_walk walk_{};
  detail::football_play play_{};
  std::size_t errand_ = 0;
  std::size_t n_begun_ = 0;
  std::size_t n_items_ = 0;
  item_kind kind_ = item_kind::filler;
  bool began_section_ = false;
  bool began_item_ = false;
  bool ended_item_ = false;
};

}  // namespace multitudes::lab
