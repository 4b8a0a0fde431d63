// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/corpus/choice.hpp>
#include <multitudes/lab/corpus/config.hpp>
#include <multitudes/lab/corpus/detail/step.hpp>
#include <multitudes/lab/corpus/tables.hpp>
#include <multitudes/lab/corpus/vocabulary.hpp>
#include <multitudes/lab/world/grid.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace multitudes::lab::detail {

/// A walk on the grid, told from its map or after a tool's answer.
class grid_walk {
 public:
  static constexpr token_id first_row = word("r0");
  static constexpr token_id first_column = word("c0");
  static constexpr token_id first_goal = word("gold");
  static constexpr token_id first_move = word("north");

  [[nodiscard]] const grid_world& world() const noexcept { return world_; }

  void begin(const game_config& c, std::size_t n_goals, step_stack& next) {
    *this = grid_walk();
    world_.size = static_cast<std::uint8_t>(c.grid_size);
    n_goals_ = static_cast<std::uint8_t>(n_goals);
    next.plan({say(word("at")), {op::place_row, walker}, {op::map_mode}, say(word("."))});
  }

  choice offer(step s, const game_config& c, const gazette_tables& tables,
               choice_scratch& to) const {
    to.clear(choice_key::nothing);
    switch (s.what) {
      case op::place_row: offer_row(s, c, to); break;
      case op::place_column: offer_column(s, c, to); break;
      case op::map_mode:
        to.add(first_goal, 1 - c.tool_share);
        to.add(word("call"), c.tool_share);
        break;
      case op::scan:
        to.clear(choice_key::goal);
        for (std::size_t o = 0; o < n_goals_; ++o) {
          to.add(token_id(first_goal.value + o), 0);
          for (std::size_t g = 0; g < n_goals_; ++g) to.last(g) = tables.scan.row(g)[o];
        }
        break;
      case op::moved_object:
        for (std::size_t o = 0; o < n_goals_; ++o) {
          if (!world_.objects[o]) continue;
          to.add(token_id(first_goal.value + o), is_tool_ ? 1.0 : 1.0 / n_goals_);
        }
        break;
      default: offer_act(c, to);
    }
    return to.finish();
  }

  void follow(step s, token_id t, const game_config& c, step_stack& next) {
    switch (s.what) {
      case op::place_row:
        row_ = static_cast<std::uint8_t>(t.value - first_row.value);
        next.push({op::place_column, s.a, s.b});
        break;
      case op::place_column: {
        const grid_cell at{row_, static_cast<std::uint8_t>(t.value - first_column.value)};
        if (s.a == walker) {
          world_.you = at;
        } else {
          world_.objects[s.a] = at;
        }
        break;
      }
      case op::map_mode:
        is_tool_ = t == word("call");
        next.plan({say(word(":")), {op::act}});
        if (is_tool_) {
          next.plan({say(word("scan")), {op::scan}});
          break;
        }
        for (std::size_t o = n_goals_; o > 0; --o) {
          next.push({op::place_row, static_cast<std::uint8_t>(o - 1)});
          if (o > 1) next.push(say(token_id(first_goal.value + o - 1)));
        }
        break;
      case op::scan:
        target_ = static_cast<std::uint8_t>(t.value - first_goal.value);
        next.plan({say(word("ret")), {op::place_row, target_}});
        break;
      case op::moved_object:
        next.push({op::place_row, static_cast<std::uint8_t>(t.value - first_goal.value), 1});
        break;
      default: follow_act(t, c, next);
    }
  }

 private:
  [[nodiscard]] bool is_allowed(grid_cell at, step s, const game_config& c) const noexcept {
    if (s.a == walker) return true;
    if (at == world_.you) return false;
    for (const auto& o : world_.objects) {
      if (o == at) return false;
    }
    const bool is_last = is_tool_ || s.a + 1 == n_goals_;
    if (s.b == 1 || !is_last || c.held_out_modulus == 0) return true;
    const auto number = [&](grid_cell x) { return std::size_t{x.row} * world_.size + x.column; };
    std::size_t sum = number(world_.you) + number(at);
    for (const auto& o : world_.objects) sum += o ? number(*o) : 0;
    return sum % c.held_out_modulus != 0;
  }
  [[nodiscard]] std::size_t n_allowed(std::uint8_t row, step s,
                                      const game_config& c) const noexcept {
    std::size_t n = 0;
    for (std::uint8_t x = 0; x < world_.size; ++x) n += is_allowed({row, x}, s, c) ? 1u : 0u;
    return n;
  }
  /// Row, then column, so that every allowed cell is as probable.
  void offer_row(step s, const game_config& c, choice_scratch& to) const {
    std::size_t all = 0;
    for (std::uint8_t r = 0; r < world_.size; ++r) all += n_allowed(r, s, c);
    for (std::uint8_t r = 0; r < world_.size; ++r) {
      const std::size_t n = n_allowed(r, s, c);
      if (n == 0) continue;
      to.add(token_id(first_row.value + std::size_t{r}),
             static_cast<double>(n) / static_cast<double>(all));
    }
  }
  void offer_column(step s, const game_config& c, choice_scratch& to) const {
    const std::size_t n = n_allowed(row_, s, c);
    for (std::uint8_t x = 0; x < world_.size; ++x) {
      if (!is_allowed({row_, x}, s, c)) continue;
      to.add(token_id(first_column.value + std::size_t{x}), 1.0 / static_cast<double>(n));
    }
  }

  /// With a map, the writer's goal decides; after a tool's answer, the object that was asked for.
  void offer_act(const game_config& c, choice_scratch& to) const {
    to.clear(is_tool_ ? choice_key::nothing : choice_key::goal);
    const double goes_on = may_move(c) ? 1 - c.moved : 1;
    if (may_move(c)) to.add(word("moved"), c.moved);
    const std::size_t first = to.size();
    const std::size_t n_values = is_tool_ ? 1 : n_goals_;
    for (std::size_t v = 0; v < n_values; ++v) {
      std::array<double, n_grid_actions> policy{};
      grid_policy(world_, is_tool_ ? target_ : v, c.temperature, policy);
      std::size_t option = first;
      for (std::size_t a = 0; a < n_grid_actions; ++a) {
        const auto action = static_cast<grid_action>(a);
        if (!world_.is_legal(action)) continue;
        if (v == 0) {
          const bool takes = action == grid_action::take;
          to.add(takes ? word("take") : token_id(first_move.value + a), 0);
        }
        to.at(v, option++) = goes_on * policy[a];
      }
    }
  }
  /// Once, after the first step.
  [[nodiscard]] bool may_move(const game_config& c) const noexcept {
    return n_steps_ == 1 && !has_moved_ && c.moved > 0;
  }
  void follow_act(token_id t, const game_config& c, step_stack& next) {
    if (t == word("moved")) {
      has_moved_ = true;
      next.plan({{op::moved_object}, {op::act}});
      return;
    }
    if (t == word("take")) {
      next.push(say(token_id(first_goal.value + *world_.here())));
      return;
    }
    const auto action = static_cast<grid_action>(t.value - first_move.value);
    world_.you = world_.after(action);
    ++n_steps_;
    next.push(n_steps_ < c.max_steps ? step{op::act} : say(word("late")));
    if (!c.shows_position) return;
    const bool is_row = action == grid_action::north || action == grid_action::south;
    next.push(say(is_row ? token_id(first_row.value + std::size_t{world_.you.row})
                         : token_id(first_column.value + std::size_t{world_.you.column})));
  }

  grid_world world_{};
  std::uint8_t n_goals_ = 0;
  std::uint8_t target_ = 0;
  std::uint8_t row_ = 0;
  std::uint8_t n_steps_ = 0;
  bool is_tool_ = false;
  bool has_moved_ = false;
};

}  // namespace multitudes::lab::detail
