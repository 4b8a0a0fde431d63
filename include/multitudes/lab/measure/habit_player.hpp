// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/measure/play.hpp>
#include <multitudes/lab/measure/walks.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace multitudes::lab {

/// Somebody who walks by habit: knows how often each act follows each other one, and what the rules
/// allow, but looks at no map. It imitates the manner of an agent without its goal.
class habit_player {
 public:
  /// Learns from walks of planners.
  explicit habit_player(std::span<const game> walks) {
    for (auto& row : counts_) row.fill(0.5);
    for (const game& g : walks) {
      std::size_t last = n_grid_actions;
      for (const deed& d : g.deeds) {
        const std::size_t a = index_of(d.said);
        if (a < n_grid_actions) counts_[last][a] += 1;
        last = a;
      }
    }
  }

  expected<void> operator()(std::span<const place> places, place_look look) const {
    std::vector<double> odds(gazette_vocab_size);
    choice_scratch scratch;
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::ranges::fill(odds, 0.0);
      const auto& row = counts_[last_of(*places[i].told)];
      double sum = 0;
      const choice c = places[i].told->at().next(scratch);
      for (const token_id t : c.tokens) {
        if (t != word("moved")) sum += odds[t.value] = row[index_of(t)];
      }
      for (double& p : odds) p /= sum;
      look(i, odds);
    }
    return {};
  }

 private:
  static std::size_t index_of(token_id t) noexcept {
    return t == word("take") ? 4 : std::min<std::size_t>(t.value - word("north").value, 5);
  }
  /// The act before this one in the same walk; n_grid_actions for the first.
  static std::size_t last_of(const prompt& p) noexcept {
    const auto said = p.tokens();
    for (std::size_t t = said.size(); t > 0 && said[t - 1] != word(":"); --t) {
      if (index_of(said[t - 1]) < 4) return index_of(said[t - 1]);
    }
    return n_grid_actions;
  }

  // (what was done before, what is done)
  std::array<std::array<double, n_grid_actions>, n_grid_actions + 1> counts_{};
};

}  // namespace multitudes::lab
