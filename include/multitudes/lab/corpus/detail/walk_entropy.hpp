// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/corpus/config.hpp>
#include <multitudes/lab/world/grid.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::lab::detail {

inline double entropy_of(std::span<const double> probabilities) noexcept {
  double sum = 0;
  for (const double p : probabilities) sum -= p > 0 ? p * std::log(p) : 0;
  return sum;
}

/// The entropy of maps and the walks on them, by summing over every map, and backwards over the
/// steps of a walk.
///
/// Cost:    cells^n_objects * goals * cells * (steps + cells * objects).
class walk_entropy {
 public:
  walk_entropy(const game_config& c, std::size_t n_objects)
      : config_(c), n_objects_(n_objects), n_cells_(c.grid_size * c.grid_size) {}

  /// Of the objects' places and the walk; the walker's place is uniform and not counted.
  ///
  /// Shapes:  goal_shares (n_goals), for goals that are among the objects.
  [[nodiscard]] double operator()(std::span<const double> goal_shares) {
    double sum = 0;
    for (std::size_t g = 0; g < goal_shares.size(); ++g) {
      if (goal_shares[g] > 0) sum += goal_shares[g] * of_walks(g);
    }
    return sum + of_places();
  }

 private:
  using layout = std::array<std::size_t, grid_world::max_objects>;  // cells

  [[nodiscard]] std::size_t index(const layout& l) const noexcept {
    std::size_t i = 0;
    for (std::size_t o = 0; o < n_objects_; ++o) i = i * n_cells_ + l[o];
    return i;
  }
  [[nodiscard]] bool has(const layout& l, std::size_t n, std::size_t cell) const noexcept {
    for (std::size_t o = 0; o < n; ++o) {
      if (l[o] == cell) return true;
    }
    return false;
  }
  [[nodiscard]] grid_cell cell(std::size_t i) const noexcept {
    return {static_cast<std::uint8_t>(i / config_.grid_size),
            static_cast<std::uint8_t>(i % config_.grid_size)};
  }
  [[nodiscard]] grid_world world(const layout& l, std::size_t you) const noexcept {
    grid_world w{.size = static_cast<std::uint8_t>(config_.grid_size), .you = cell(you)};
    for (std::size_t o = 0; o < n_objects_; ++o) w.objects[o] = cell(l[o]);
    return w;
  }

  /// Calls visit(layout, you, probability, log of how many places each object chose from).
  template <class Visit>
  void each_map(Visit&& visit) const {
    layout l{};
    for (std::size_t you = 0; you < n_cells_; ++you) {
      place(l, 0, you, you, 1.0 / static_cast<double>(n_cells_), 0, visit);
    }
  }
  template <class Visit>
  void place(layout& l, std::size_t o, std::size_t you, std::size_t sum, double p, double logs,
             Visit&& visit) const {
    if (o == n_objects_) {
      visit(l, you, p, logs);
      return;
    }
    const std::size_t m = config_.held_out_modulus;
    const auto is_free = [&](std::size_t at) {
      if (at == you || has(l, o, at)) return false;
      return o + 1 < n_objects_ || m == 0 || (sum + at) % m != 0;
    };
    std::size_t n = 0;
    for (std::size_t at = 0; at < n_cells_; ++at) n += is_free(at) ? 1u : 0u;
    const auto n_free = static_cast<double>(n);
    for (std::size_t at = 0; at < n_cells_; ++at) {
      if (!is_free(at)) continue;
      l[o] = at;
      place(l, o + 1, you, sum + at, p / n_free, logs + std::log(n_free), visit);
    }
  }
  [[nodiscard]] double of_places() const {
    double sum = 0;
    each_map([&](const layout&, std::size_t, double p, double logs) { sum += p * logs; });
    return sum;
  }

  template <class Visit>
  void each_layout(layout& l, std::size_t o, Visit&& visit) const {
    if (o == n_objects_) {
      visit(l);
      return;
    }
    for (std::size_t at = 0; at < n_cells_; ++at) {
      if (has(l, o, at)) continue;
      l[o] = at;
      each_layout(l, o + 1, visit);
    }
  }

  [[nodiscard]] double of_walks(std::size_t goal) {
    std::size_t n_layouts = 1;
    for (std::size_t o = 0; o < n_objects_; ++o) n_layouts *= n_cells_;
    later_.assign(n_layouts * n_cells_, 0);
    layout l{};
    each_layout(l, 0, [&](const layout& at) { solve_later(at, goal); });
    std::vector<double> first(n_layouts * n_cells_);
    each_layout(l, 0, [&](const layout& at) { solve_first(at, goal, first); });
    double sum = 0;
    each_map([&](const layout& at, std::size_t you, double p, double) {
      sum += p * first[index(at) * n_cells_ + you];
    });
    return sum;
  }
  /// What a step adds: its own entropy, and that of what follows it.
  template <class After>
  [[nodiscard]] double step(const layout& l, std::size_t you, std::size_t goal,
                            After&& after) const {
    const grid_world w = world(l, you);
    std::array<double, n_grid_actions> policy{};
    grid_policy(w, goal, config_.temperature, policy);
    double sum = entropy_of(policy);
    for (std::size_t a = 0; a + 1 < n_grid_actions; ++a) {
      if (!(policy[a] > 0)) continue;
      const grid_cell to = w.after(static_cast<grid_action>(a));
      sum += policy[a] * after(std::size_t{to.row} * config_.grid_size + to.column);
    }
    return sum;
  }
  /// From every cell, after the first step, when nothing moves any more.
  void solve_later(const layout& l, std::size_t goal) {
    std::vector<double> now(n_cells_), before(n_cells_);
    for (std::size_t left = 1; left + 1 <= config_.max_steps; ++left) {
      for (std::size_t you = 0; you < n_cells_; ++you) {
        before[you] = step(l, you, goal, [&](std::size_t to) { return now[to]; });
      }
      now.swap(before);
    }
    for (std::size_t you = 0; you < n_cells_; ++you) later_[index(l) * n_cells_ + you] = now[you];
  }
  /// From every cell, before the first step.
  void solve_first(const layout& l, std::size_t goal, std::vector<double>& first) const {
    std::vector<double> second(n_cells_);
    for (std::size_t you = 0; you < n_cells_; ++you) second[you] = after_first(l, you);
    for (std::size_t you = 0; you < n_cells_; ++you) {
      first[index(l) * n_cells_ + you] =
          step(l, you, goal, [&](std::size_t to) { return second[to]; });
    }
  }
  /// After the first step something may move, to where neither anything nor anyone is.
  [[nodiscard]] double after_first(const layout& l, std::size_t you) const {
    const double stays = later_[index(l) * n_cells_ + you];
    if (!(config_.moved > 0) || config_.max_steps < 2) return stays;
    const auto n_objects = static_cast<double>(n_objects_);
    double moves = std::log(n_objects);
    for (std::size_t o = 0; o < n_objects_; ++o) {
      layout to = l;
      double sum = 0, n = 0;
      for (std::size_t at = 0; at < n_cells_; ++at) {
        if (at == you || has(l, n_objects_, at)) continue;
        to[o] = at;
        sum += later_[index(to) * n_cells_ + you];
        n += 1;
      }
      moves += (std::log(n) + sum / n) / n_objects;
    }
    const double event[] = {config_.moved, 1 - config_.moved};
    return entropy_of(event) + config_.moved * moves + (1 - config_.moved) * stays;
  }

  const game_config& config_;
  std::size_t n_objects_;
  std::size_t n_cells_;
  std::vector<double> later_;  // (layouts, cells)
};

}  // namespace multitudes::lab::detail
