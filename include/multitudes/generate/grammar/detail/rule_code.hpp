// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/grammar/character_set.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

namespace multitudes::detail {

/// A rule as code for an imagined machine that tries all ways at once. Targets are relative, so
/// that a piece of code can be moved and copied as a whole.
struct rule_instruction {
  enum kind : std::uint8_t { match, call, jump, split, end } what = end;
  std::int64_t a = 0;  ///< match: a set; call: a rule; jump and split: where to go on
  std::int64_t b = 0;  ///< split: where else to go on
};

/// What a grammar's text says, before it is known whether it makes sense.
struct grammar_draft {
  std::vector<std::vector<rule_instruction>> rules;
  std::vector<character_set> sets;
  std::size_t root = 0;
};

/// Writes rules, one after another, front to back.
class rule_writer {
 public:
  static constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();
  enum class outcome { done, nothing_to_repeat, repeated_already, too_large };

  /// `most_places`: how much code all rules may have together.
  explicit rule_writer(std::size_t most_places) : most_places_(most_places) {}

  std::size_t new_rule() {
    draft_.rules.emplace_back();
    return draft_.rules.size() - 1;
  }
  void begin_rule() {
    code_.clear();
    groups_.assign(1, {});
    jumps_.clear();
    item_ = none;
  }
  void end_rule(std::size_t number) {
    close_alternatives();
    code_.push_back({});
    n_places_ += code_.size();
    draft_.rules[number] = std::move(code_);
  }
  [[nodiscard]] grammar_draft finish(std::size_t root) && {
    draft_.root = root;
    return std::move(draft_);
  }

  [[nodiscard]] bool too_large() const noexcept { return n_places_ + code_.size() > most_places_; }

  /// What is written next is what a repetition would repeat.
  void begin_item() noexcept { begin_item(code_.size()); }
  void match(character_set set) {
    std::vector<character_range> key(set.ranges().begin(), set.ranges().end());
    const auto [place, is_new] = sets_.try_emplace(std::move(key), draft_.sets.size());
    if (is_new) draft_.sets.push_back(std::move(set));
    code_.push_back({rule_instruction::match, distance(place->second)});
  }
  void call(std::size_t rule) { code_.push_back({rule_instruction::call, distance(rule)}); }

  void open_group() {
    groups_.push_back({code_.size(), code_.size(), jumps_.size()});
    item_ = none;
  }
  void next_alternative() {
    group& g = groups_.back();
    const std::size_t length = code_.size() - g.alternative;
    code_.insert(at(g.alternative), {rule_instruction::split, 1, distance(length + 2)});
    jumps_.push_back(code_.size());
    code_.push_back({rule_instruction::jump});
    g.alternative = code_.size();
    item_ = none;
  }
  void close_group() {
    close_alternatives();
    begin_item(groups_.back().begin);
    groups_.pop_back();
  }

  /// The item at least and at most so often.
  [[nodiscard]] outcome repeat(std::size_t least, std::size_t most) {
    if (item_ == none) return outcome::nothing_to_repeat;
    // Moving the same code for every star of a long row of them would take quadratic time.
    if (std::exchange(item_is_repeated_, true)) return outcome::repeated_already;
    const bool endless = most == unbounded;
    const std::size_t copies = endless ? std::max<std::size_t>(least, 1) : most;
    if (copies > 1 && code_.size() - item_ > 1) move_item_to_rule();
    const std::vector<rule_instruction> piece(at(item_), code_.end());
    const std::size_t length = piece.size();
    if (length == 0) return outcome::done;
    if (n_places_ + code_.size() + copies * (length + 1) > most_places_) return outcome::too_large;
    code_.resize(item_);
    const auto put_piece = [&] { code_.insert(code_.end(), piece.begin(), piece.end()); };
    if (endless && least == 0) {
      code_.push_back({rule_instruction::split, 1, distance(length + 2)});
      put_piece();
      code_.push_back({rule_instruction::jump, -distance(length + 1)});
      return outcome::done;
    }
    for (std::size_t i = 0; i < least; ++i) put_piece();
    if (endless) code_.push_back({rule_instruction::split, -distance(length), 1});
    for (std::size_t left = endless ? 0 : most - least; left > 0; --left) {
      // Each of those that may be missing can be left towards the end of all.
      code_.push_back({rule_instruction::split, 1, distance(left * (length + 1))});
      put_piece();
    }
    return outcome::done;
  }

 private:
  struct group {
    std::size_t begin = 0;        // its first instruction
    std::size_t alternative = 0;  // the first instruction of the alternative that is written
    std::size_t first_jump = 0;   // its own in `jumps_`
  };
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  static std::int64_t distance(std::size_t n) { return static_cast<std::int64_t>(n); }
  [[nodiscard]] std::vector<rule_instruction>::iterator at(std::size_t i) {
    return code_.begin() + static_cast<std::ptrdiff_t>(i);
  }
  void begin_item(std::size_t where) noexcept {
    item_ = where;
    item_is_repeated_ = false;
  }

  /// The alternatives of the innermost group all go on here.
  void close_alternatives() {
    const group& g = groups_.back();
    for (std::size_t i = g.first_jump; i < jumps_.size(); ++i) {
      code_[jumps_[i]].a = distance(code_.size() - jumps_[i]);
    }
    jumps_.resize(g.first_jump);
  }

  /// Makes the item a rule of its own, so that copies of it are calls.
  void move_item_to_rule() {
    std::vector<rule_instruction> own(at(item_), code_.end());
    own.push_back({});
    n_places_ += own.size();
    code_.resize(item_);
    call(draft_.rules.size());
    draft_.rules.push_back(std::move(own));
  }

  std::size_t most_places_;
  grammar_draft draft_;
  std::map<std::vector<character_range>, std::size_t> sets_;
  std::size_t n_places_ = 0;            // of the rules that are done
  std::vector<rule_instruction> code_;  // of the rule that is written
  std::vector<group> groups_;           // that are open; the first is the rule
  std::vector<std::size_t> jumps_;      // to the ends of open groups
  std::size_t item_ = none;
  bool item_is_repeated_ = false;
};

}  // namespace multitudes::detail
