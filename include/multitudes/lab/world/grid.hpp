// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/world/boltzmann.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace multitudes::lab {

/// A place on the grid; row 0 is the northmost, column 0 the westmost.
struct grid_cell {
  std::uint8_t row = 0;
  std::uint8_t column = 0;

  friend constexpr bool operator==(grid_cell, grid_cell) = default;
};

constexpr int distance(grid_cell a, grid_cell b) noexcept {
  const int rows = int{a.row} - int{b.row};
  const int columns = int{a.column} - int{b.column};
  return (rows < 0 ? -rows : rows) + (columns < 0 ? -columns : columns);
}

enum class grid_action : std::uint8_t { north, east, south, west, take };
inline constexpr std::size_t n_grid_actions = 5;

/// A square board with up to three objects on it, and someone who walks to one of them and takes
/// it. Every step costs 1, taking included; taking another object than the one that is sought ends
/// the walk and costs more than the longest way would have.
struct grid_world {
  static constexpr std::size_t max_objects = 3;

  std::uint8_t size = 5;
  grid_cell you{};
  std::array<std::optional<grid_cell>, max_objects> objects{};

  /// The object where you stand.
  [[nodiscard]] constexpr std::optional<std::size_t> here() const noexcept {
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (objects[i] == you) return i;
    }
    return std::nullopt;
  }
  [[nodiscard]] constexpr bool is_legal(grid_action a) const noexcept {
    switch (a) {
      case grid_action::north: return you.row > 0;
      case grid_action::east: return you.column + 1 < size;
      case grid_action::south: return you.row + 1 < size;
      case grid_action::west: return you.column > 0;
      case grid_action::take: return here().has_value();
    }
    return false;
  }
  /// Where a legal step leads; taking leads nowhere.
  [[nodiscard]] constexpr grid_cell after(grid_action a) const noexcept {
    grid_cell to = you;
    if (a == grid_action::north) --to.row;
    if (a == grid_action::east) ++to.column;
    if (a == grid_action::south) ++to.row;
    if (a == grid_action::west) --to.column;
    return to;
  }
  /// What taking the wrong thing costs: one more than walking all across the board and taking.
  [[nodiscard]] constexpr double wrong_take() const noexcept { return -2.0 * size; }

  /// The exact value of an action for one who seeks object `goal` and acts best ever after:
  /// minus the steps that are left, `impossible` if it is not legal. The goal must be there.
  [[nodiscard]] constexpr double q_value(std::size_t goal, grid_action a) const noexcept {
    if (!is_legal(a)) return impossible;
    if (a == grid_action::take) return here() == goal ? -1.0 : wrong_take();
    return -2.0 - distance(after(a), *objects[goal]);
  }
};

/// How one who seeks object `goal` acts.
///
/// Shapes:  out (n_grid_actions), 0 for what is not legal.
inline void grid_policy(const grid_world& w, std::size_t goal, double temperature,
                        std::span<double, n_grid_actions> out) noexcept {
  std::array<double, n_grid_actions> values{};
  for (std::size_t a = 0; a < n_grid_actions; ++a) {
    values[a] = w.q_value(goal, static_cast<grid_action>(a));
  }
  boltzmann(values, temperature, out);
}

}  // namespace multitudes::lab
