// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/world/boltzmann.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace multitudes::lab {

enum class side : std::uint8_t { left, right };
enum class kick : std::uint8_t { shoot_left, shoot_right, pass_left, pass_right };
inline constexpr std::size_t n_kicks = 4;
enum class kick_result : std::uint8_t { scored, saved, kept, lost };
/// What a player is after, in the order of the goals of the grid.
enum class football_role : std::uint8_t { striker, passer, saboteur };

/// A moment of a match: where the keeper stands, and where a team mate is free.
struct football_moment {
  side keeper = side::left;
  side mate = side::left;

  [[nodiscard]] constexpr kick_result result(kick k) const noexcept {
    const side aim = k == kick::shoot_left || k == kick::pass_left ? side::left : side::right;
    if (k == kick::shoot_left || k == kick::shoot_right) {
      return aim == keeper ? kick_result::saved : kick_result::scored;
    }
    return aim == mate ? kick_result::kept : kick_result::lost;
  }
};

/// What a result is worth to a player: 3 for what he is after, 1 for the next best.
constexpr double worth(kick_result r, football_role role) noexcept {
  constexpr double table[3][4] = {{3, 0, 1, 0}, {1, 0, 3, 0}, {0, 1, 0, 3}};
  return table[static_cast<std::size_t>(role)][static_cast<std::size_t>(r)];
}

/// How a player acts. One kick ends the moment, so that its value is what it leads to.
inline void football_policy(football_moment m, football_role role, double temperature,
                            std::span<double, n_kicks> out) noexcept {
  std::array<double, n_kicks> values{};
  for (std::size_t k = 0; k < n_kicks; ++k) {
    values[k] = worth(m.result(static_cast<kick>(k)), role);
  }
  boltzmann(values, temperature, out);
}

}  // namespace multitudes::lab
