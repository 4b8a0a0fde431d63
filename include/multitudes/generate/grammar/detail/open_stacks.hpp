// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/grammar/detail/rule_graph.hpp>
#include <multitudes/generate/grammar/detail/state_view.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::detail {

/// Goes from one state of a grammar to the next, in room that is set aside once.
///
/// A call makes one frame for its rule and step, however many callers there are: that merges
/// stacks that differ below only. Nothing has to be added to a frame that was left already, because
/// a rule that matches the empty text is stepped over when it is called. A call that ends its own
/// rule returns straight to that rule's frame, so that recursion to the right does not pile up.
class open_stacks {
 public:
  open_stacks(std::size_t most_words, std::size_t most_visits, std::size_t n_rules)
      : most_words_(most_words),
        most_visits_(most_visits),
        seen_(std::bit_ceil(2 * most_visits), 0),
        frame_of_rule_(n_rules) {
    pending_.reserve(most_visits);
    items_.reserve(std::max(most_visits, most_words));
    ways_.reserve(most_visits);
    frames_.reserve(n_rules);
    number_.reserve(most_words + n_rules + 1);
    order_.reserve(most_words + n_rules + 1);
    bytes_.reserve(most_words + 1);
    words_.reserve(most_words);
  }

  /// What follows may be used after a function that returns true; false if there is no room.
  [[nodiscard]] std::span<const std::uint32_t> result() const noexcept { return words_; }

  [[nodiscard]] bool begin_text(const rule_graph& g) noexcept {
    constexpr std::uint32_t nothing[state_view::header] = {};
    const state_view from(nothing);
    begin(from);
    visit(g, {g.rule_starts[g.root], 0});
    return close(g, from) && write(from, {});
  }
  /// After a whole character.
  [[nodiscard]] bool consume(const rule_graph& g, const state_view& from, char32_t c) noexcept {
    return consume_if(g, from, [c](const character_set& set) { return set.contains(c); });
  }
  /// After a character that every item allows.
  [[nodiscard]] bool consume_any(const rule_graph& g, const state_view& from) noexcept {
    return consume_if(g, from, [](const character_set&) { return true; });
  }
  /// After some bytes of a character: only items that one of its kind may follow stay.
  [[nodiscard]] bool narrow(const rule_graph& g, const state_view& from,
                            partial_character c) noexcept {
    begin(from);
    if (!c.decided) {
      const std::uint32_t lowest = c.bits << 6 * c.missing;
      const std::uint32_t last = lowest | ((1u << 6 * c.missing) - 1);
      const std::uint32_t first = std::max(lowest, c.least());
      bool all = lowest == first;
      for (std::size_t i = 0; i < from.n_items(); ++i) {
        const character_set& set = g.sets[g.places[from.item(i).place].operand];
        if (first > last || !set.meets(first, last)) continue;
        items_.push_back(from.item(i));
        all = all && set.covers(first, last);
      }
      if (all) c = {.missing = c.missing, .decided = true};
    } else {
      for (std::size_t i = 0; i < from.n_items(); ++i) items_.push_back(from.item(i));
    }
    return write(from, c);
  }

  /// See grammar_matcher::bytes_to_end.
  [[nodiscard]] std::uint32_t bytes_to_end(const rule_graph& g, const state_view& s) noexcept {
    if (s.may_end()) return 0;
    bytes_.assign(s.n_frames() + 1, rule_graph::far);
    bytes_[0] = 0;
    const auto through = [&](state_view::entry e) {
      return std::min(g.bytes_to_end[e.place] + bytes_[e.frame], rule_graph::far);
    };
    // Frames mostly lead to later ones, so that going backwards settles nearly all in one pass.
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t f = s.n_frames(); f >= 1; --f) {
        for (std::size_t w = s.first_way(f); w < s.last_way(f); ++w) {
          const std::uint32_t bytes = through(s.way(w));
          if (bytes >= bytes_[f]) continue;
          bytes_[f] = bytes;
          changed = true;
        }
      }
    }
    const std::uint32_t missing = s.partial().missing;
    std::uint32_t fewest = rule_graph::far;
    for (std::size_t i = 0; i < s.n_items(); ++i) {
      const state_view::entry item = s.item(i);
      const std::uint32_t next = g.places[item.place].next;
      fewest =
          std::min(fewest, missing == 0 ? through(item) : missing + through({next, item.frame}));
    }
    return fewest;
  }

 private:
  using entry = state_view::entry;
  /// A frame of this step; `ways_[first]` to `ways_[last]` are its ways once they are sorted.
  struct new_frame {
    std::uint32_t first = 0, last = 0;
    std::uint32_t same_as = 0;  // itself, or an earlier one that means the same
  };
  struct added_way {
    std::uint32_t frame;  // counted among the new ones
    entry way;
  };
  struct frame_mark {
    std::uint32_t step = 0;
    std::uint32_t frame = 0;
  };
  // A mark of what was visited: place, frame, step, so that nothing has to be cleared.
  static constexpr unsigned place_bits = 20, frame_bits = 26, step_bits = 18;
  // Frames with more ways are never looked for among the others.
  static constexpr std::size_t most_compared = 32;

  static bool before(const entry& a, const entry& b) noexcept {
    return a.place != b.place ? a.place < b.place : a.frame < b.frame;
  }
  static bool equal(const entry& a, const entry& b) noexcept {
    return a.place == b.place && a.frame == b.frame;
  }

  template <class Allows>
  bool consume_if(const rule_graph& g, const state_view& from, Allows&& allows) noexcept {
    begin(from);
    for (std::size_t i = 0; i < from.n_items(); ++i) {
      const entry item = from.item(i);
      const grammar_place& p = g.places[item.place];
      if (allows(g.sets[p.operand])) visit(g, {p.next, item.frame});
    }
    return close(g, from) && write(from, {});
  }

  void begin(const state_view& from) noexcept {
    if (++step_ == 1u << step_bits) {
      std::fill(seen_.begin(), seen_.end(), 0);
      std::fill(frame_of_rule_.begin(), frame_of_rule_.end(), frame_mark{});
      step_ = 1;
    }
    pending_.clear();
    items_.clear();
    frames_.clear();
    ways_.clear();
    n_old_ = static_cast<std::uint32_t>(from.n_frames());
    n_visits_ = 0;
    may_end_ = false;
  }

  /// Once for each entry in a step.
  void visit(const rule_graph& g, entry e) noexcept {
    if (g.bytes_to_end[e.place] == rule_graph::never) return;
    const std::uint64_t mark =
        (std::uint64_t{step_} << frame_bits | e.frame) << place_bits | e.place;
    const std::size_t mask = seen_.size() - 1;
    const std::uint64_t hash = mark * 0x9E3779B97F4A7C15ull;
    for (std::size_t i = static_cast<std::size_t>(hash >> 32) & mask;; i = (i + 1) & mask) {
      if (seen_[i] == mark) return;
      if (seen_[i] >> (place_bits + frame_bits) == step_) continue;
      if (++n_visits_ > most_visits_) return;
      seen_[i] = mark;
      break;
    }
    pending_.push_back(e);
  }

  /// Goes on from what was visited, over all that takes no character. False if there was no room.
  bool close(const rule_graph& g, const state_view& from) noexcept {
    while (!pending_.empty() && n_visits_ <= most_visits_) {
      const entry e = pending_.back();
      pending_.pop_back();
      const grammar_place& p = g.places[e.place];
      switch (p.what) {
        case grammar_place::match: items_.push_back(e); break;
        case grammar_place::split:
          visit(g, {p.operand, e.frame});
          visit(g, {p.next, e.frame});
          break;
        case grammar_place::tail_call: visit(g, {g.rule_starts[p.operand], e.frame}); break;
        case grammar_place::call: call(g, p, e.frame); break;
        case grammar_place::end:
          if (e.frame == 0) may_end_ = true;
          if (e.frame > n_old_) break;  // the empty text: its callers stepped over it
          for (std::size_t w = from.first_way(e.frame); w < from.last_way(e.frame); ++w) {
            visit(g, from.way(w));
          }
          break;
      }
    }
    if (n_visits_ > most_visits_) return false;
    sort_ways();
    merge_frames(from);
    return true;
  }

  void call(const rule_graph& g, const grammar_place& p, std::uint32_t frame) noexcept {
    frame_mark& mark = frame_of_rule_[p.operand];
    if (mark.step != step_) {
      mark = {step_, static_cast<std::uint32_t>(frames_.size())};
      frames_.push_back({0, 0, n_old_ + 1 + mark.frame});
      visit(g, {g.rule_starts[p.operand], n_old_ + 1 + mark.frame});
    }
    ways_.push_back({mark.frame, {p.next, frame}});
    if (g.fewest_bytes(p.operand) == 0) visit(g, {p.next, frame});
  }

  void sort_ways() noexcept {
    std::sort(ways_.begin(), ways_.end(), [](const added_way& a, const added_way& b) {
      return a.frame != b.frame ? a.frame < b.frame : before(a.way, b.way);
    });
    for (std::uint32_t i = 0; i < ways_.size(); ++i) {
      new_frame& f = frames_[ways_[i].frame];
      if (f.last == 0) f.first = i;
      f.last = i + 1;
    }
  }

  [[nodiscard]] std::uint32_t resolved(std::uint32_t frame) const noexcept {
    return frame <= n_old_ ? frame : frames_[frame - n_old_ - 1].same_as;
  }

  /// Finds new frames that mean the same as others. Without it ambiguity would pile up frames, and
  /// left recursion would make each state a new one.
  void merge_frames(const state_view& from) noexcept {
    for (std::uint32_t i = 0; i < frames_.size(); ++i) {
      if (frames_[i].last - frames_[i].first > most_compared) continue;
      const std::uint32_t own = n_old_ + 1 + i;
      for (std::uint32_t other = 1; other < own; ++other) {
        if (resolved(other) != other || !same_ways(from, own, other)) continue;
        frames_[i].same_as = other;
        break;
      }
    }
    for (new_frame& f : frames_) {
      const auto first = ways_.begin() + f.first, last = ways_.begin() + f.last;
      for (auto w = first; w != last; ++w) w->way.frame = resolved(w->way.frame);
      std::sort(first, last,
                [](const added_way& a, const added_way& b) { return before(a.way, b.way); });
      const auto end = std::unique(
          first, last, [](const added_way& a, const added_way& b) { return equal(a.way, b.way); });
      f.last = static_cast<std::uint32_t>(end - ways_.begin());
    }
  }

  [[nodiscard]] std::size_t n_ways(const state_view& from, std::uint32_t frame) const noexcept {
    if (frame <= n_old_) return from.last_way(frame) - from.first_way(frame);
    const new_frame& f = frames_[frame - n_old_ - 1];
    return f.last - f.first;
  }
  [[nodiscard]] entry way(const state_view& from, std::uint32_t frame,
                          std::size_t i) const noexcept {
    if (frame <= n_old_) return from.way(from.first_way(frame) + i);
    return ways_[frames_[frame - n_old_ - 1].first + i].way;
  }
  [[nodiscard]] bool has_way(const state_view& from, std::uint32_t frame,
                             entry wanted) const noexcept {
    for (std::size_t i = 0; i < n_ways(from, frame); ++i) {
      const entry e = way(from, frame, i);
      if (equal({e.place, resolved(e.frame)}, wanted)) return true;
    }
    return false;
  }

  /// `own` becomes `other`'s set of ways if its ways back to itself lead to `other` instead. Then
  /// both stand for the same stacks: by induction on a stack's height, each has what the other has.
  [[nodiscard]] bool same_ways(const state_view& from, std::uint32_t own,
                               std::uint32_t other) const noexcept {
    const std::size_t n = n_ways(from, own), m = n_ways(from, other);
    if (m == 0 || m > n || n > 2 * m) return false;
    if (way(from, own, 0).place != way(from, other, 0).place) return false;
    for (std::size_t i = 0; i < n; ++i) {
      entry e = way(from, own, i);
      e.frame = resolved(e.frame);
      if (e.frame == own) e.frame = other;
      if (!has_way(from, other, e)) return false;
    }
    for (std::size_t i = 0; i < m; ++i) {
      entry e = way(from, other, i);
      e.frame = resolved(e.frame);
      if (has_way(from, own, e)) continue;
      if (e.frame != other || !has_way(from, own, {e.place, own})) return false;
    }
    return true;
  }

  /// Puts what is reachable from the items into words, in an order that depends on nothing else.
  bool write(const state_view& from, partial_character c) noexcept {
    for (entry& e : items_) e.frame = resolved(e.frame);
    std::sort(items_.begin(), items_.end(), before);
    items_.erase(std::unique(items_.begin(), items_.end(), equal), items_.end());
    number_.assign(n_old_ + frames_.size() + 1, 0);
    order_.clear();
    const auto number_of = [&](std::uint32_t frame) {
      if (frame != 0 && number_[frame] == 0) {
        order_.push_back(frame);
        number_[frame] = static_cast<std::uint32_t>(order_.size());
      }
      return number_[frame];
    };
    std::size_t n_words = state_view::header + 2 * items_.size();
    for (const entry& e : items_) number_of(e.frame);
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const std::uint32_t frame = order_[i];
      const std::size_t n = n_ways(from, frame);
      for (std::size_t w = 0; w < n; ++w) number_of(way(from, frame, w).frame);
      n_words += 1 + 2 * n;
    }
    words_.clear();
    if (n_words > most_words_) return false;
    const auto put = [&](std::size_t word) { words_.push_back(static_cast<std::uint32_t>(word)); };
    put(items_.size());
    put(order_.size());
    put(may_end_ ? 1 : 0);
    put(c.packed());
    for (const entry& e : items_) {
      put(e.place);
      put(number_[e.frame]);
    }
    std::size_t end = 0;
    for (const std::uint32_t frame : order_) put(end += n_ways(from, frame));
    for (const std::uint32_t frame : order_) {
      for (std::size_t w = 0; w < n_ways(from, frame); ++w) {
        const entry e = way(from, frame, w);
        put(e.place);
        put(number_[e.frame]);
      }
    }
    return true;
  }

  std::size_t most_words_, most_visits_;
  std::vector<std::uint64_t> seen_;        // marks, at most half of them of one step
  std::vector<frame_mark> frame_of_rule_;  // (rules): the frame that a call makes only once
  std::uint32_t step_ = 0;

  // of the step that is being made
  std::uint32_t n_old_ = 0;  // frames 1 to this are the old state's, those above are new
  std::size_t n_visits_ = 0;
  bool may_end_ = false;
  std::vector<entry> pending_;
  std::vector<entry> items_;
  std::vector<added_way> ways_;
  std::vector<new_frame> frames_;
  std::vector<std::uint32_t> number_, order_;  // of frames, in the state that is written
  std::vector<std::uint32_t> words_;

  std::vector<std::uint32_t> bytes_;  // (frames): from each to the end of the text
};

}  // namespace multitudes::detail
