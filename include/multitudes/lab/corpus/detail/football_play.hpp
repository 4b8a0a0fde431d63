// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/corpus/choice.hpp>
#include <multitudes/lab/corpus/config.hpp>
#include <multitudes/lab/corpus/detail/step.hpp>
#include <multitudes/lab/corpus/vocabulary.hpp>
#include <multitudes/lab/world/football.hpp>

#include <array>
#include <cstddef>

namespace multitudes::lab::detail {

/// One kick: where keeper and mate are, what the writer does, what comes of it.
class football_play {
 public:
  static void begin(step_stack& next) {
    next.plan({say(word("keeper")),
               {op::side, 0},
               say(word("mate")),
               {op::side, 1},
               say(word(":")),
               {op::kick},
               {op::aim}});
  }

  choice offer(step s, const game_config& c, std::size_t n_goals, choice_scratch& to) const {
    if (s.what == op::side) {
      to.clear(choice_key::nothing).add(word("left"), 0.5);
      to.add(word("right"), 0.5);
      return to.finish();
    }
    to.clear(choice_key::goal);
    to.add(s.what == op::kick ? word("shoot") : word("left"), 0);
    to.add(s.what == op::kick ? word("pass") : word("right"), 0);
    for (std::size_t g = 0; g < n_goals; ++g) {
      std::array<double, n_kicks> policy{};
      football_policy(moment_, static_cast<football_role>(g), c.temperature, policy);
      const double shoots = policy[0] + policy[1];
      const double passes = policy[2] + policy[3];
      const std::size_t first = is_pass_ ? 2 : 0;
      const double all = is_pass_ ? passes : shoots;
      to.at(g, 0) = s.what == op::kick ? shoots : policy[first] / all;
      to.at(g, 1) = s.what == op::kick ? passes : policy[first + 1] / all;
    }
    return to.finish();
  }

  void follow(step s, token_id t, step_stack& next) {
    const side where = t == word("left") ? side::left : side::right;
    if (s.what == op::side) {
      (s.a == 0 ? moment_.keeper : moment_.mate) = where;
    } else if (s.what == op::kick) {
      is_pass_ = t == word("pass");
    } else {
      constexpr std::array<token_id, 4> said{word("scored"), word("saved"), word("kept"),
                                             word("lost")};
      const kick shot = where == side::left ? kick::shoot_left : kick::shoot_right;
      const kick pass = where == side::left ? kick::pass_left : kick::pass_right;
      const kick_result r = moment_.result(is_pass_ ? pass : shot);
      next.plan({say(said[static_cast<std::size_t>(r)]), say(word("."))});
    }
  }

 private:
  football_moment moment_{};
  bool is_pass_ = false;
};

}  // namespace multitudes::lab::detail
