// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace multitudes::lab::detail {

/// What a document does next. `a` and `b` are said with each.
enum class op : std::uint8_t {
  say,           ///< the word b
  weekday,       ///< any
  labels,        ///< a header from part a on, or the first item
  name_label,    ///< the writer's name, more or less
  domain_label,  ///
  goal_label,    ///
  item,          ///< the next item, or the end
  mention,       ///< anyone's name
  slot,          ///< one word of pair a
  line_end,      ///< of line a
  subject,       ///
  opener,        ///
  answer,        ///< to fact b
  closer,        ///
  phrase_word,   ///< number a
  cue,           ///
  cue_end,       ///< after "in"
  output,        ///< word a of what is made of the phrase
  place_row,     ///< of object a, `walker` for who walks; b is 1 if it moves
  place_column,  ///< likewise
  map_mode,      ///< a map or a tool call
  scan,          ///< which object the tool is asked for
  act,           ///< a step of the walk
  moved_object,  ///
  side,          ///< of the keeper (a = 0), of the mate (1)
  kick,          ///
  aim,           ///
  errand,        ///
  response,      ///
  brought,       ///
};

inline constexpr std::uint8_t walker = 3;  // in the place of an object

struct step {
  op what = op::say;
  std::uint8_t a = 0;
  std::uint16_t b = 0;
};

constexpr step say(token_id t) noexcept {
  return {op::say, 0, static_cast<std::uint16_t>(t.value)};
}

/// What is planned, the next step on top.
class step_stack {
 public:
  static constexpr std::size_t capacity = 32;  // the longest plan, a line of filler, takes 18

  [[nodiscard]] bool empty() const noexcept { return n_ == 0; }
  [[nodiscard]] step top() const noexcept { return steps_[n_ - 1]; }
  void pop() noexcept { --n_; }
  void push(step s) noexcept { steps_[n_++] = s; }
  /// These come first now, in this order.
  void plan(std::initializer_list<step> steps) noexcept {
    for (std::size_t i = steps.size(); i > 0; --i) push(steps.begin()[i - 1]);
  }

 private:
  std::size_t n_ = 0;
  std::array<step, capacity> steps_{};
};

}  // namespace multitudes::lab::detail
