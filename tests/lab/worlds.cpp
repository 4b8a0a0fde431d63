// SPDX-License-Identifier: MIT
#include "reference.hpp"

#include <multitudes/lab/world/football.hpp>
#include <multitudes/lab/world/inverse_planning.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <numeric>
#include <vector>

using namespace multitudes;
using namespace multitudes::lab;

namespace {

grid_world world_of(const gazette_reference::board& b) {
  const auto cell = [&](int i) {
    return grid_cell{static_cast<std::uint8_t>(i / b.size), static_cast<std::uint8_t>(i % b.size)};
  };
  grid_world w{.size = static_cast<std::uint8_t>(b.size), .you = cell(b.you)};
  for (std::size_t o = 0; o < b.objects.size(); ++o) {
    if (b.objects[o] >= 0) w.objects[o] = cell(b.objects[o]);
  }
  return w;
}

}  // namespace

TEST_CASE("values on the grid satisfy Bellman's equation, as value iteration finds them") {
  for (const int size : {2, 3, 5}) {
    gazette_reference::board b{size, 0, {1, size * size - 1, 2}};
    for (int goal = 0; goal < 3; ++goal) {
      const auto values = b.values(goal);
      for (b.you = 0; b.you < size * size; ++b.you) {
        const grid_world w = world_of(b);
        double best = impossible;
        for (std::size_t a = 0; a < n_grid_actions; ++a) {
          const auto action = static_cast<grid_action>(a);
          const double q = w.q_value(static_cast<std::size_t>(goal), action);
          best = std::max(best, q);
          const int to = a < 4 ? b.step(b.you, a) : -1;
          CHECK(w.is_legal(action) == (a < 4 ? to >= 0 : b.object_at(b.you) >= 0));
          if (to >= 0) CHECK(q == values[static_cast<std::size_t>(to)] - 1);
        }
        CHECK(best == values[static_cast<std::size_t>(b.you)]);
        std::array<double, n_grid_actions> policy{};
        grid_policy(w, static_cast<std::size_t>(goal), 0.5, policy);
        const auto wanted = b.policy(goal, 0.5);
        for (std::size_t a = 0; a < 5; ++a) CHECK(policy[a] == doctest::Approx(wanted[a]));
      }
    }
  }
}

TEST_CASE("a planner becomes certain as the temperature falls, and idle as it rises") {
  const grid_world w{.size = 5, .you = {2, 2}, .objects = {grid_cell{2, 4}}};
  std::array<double, n_grid_actions> p{};
  grid_policy(w, 0, 0.01, p);
  CHECK(p[static_cast<std::size_t>(grid_action::east)] == doctest::Approx(1));
  CHECK(p[static_cast<std::size_t>(grid_action::take)] == 0);
  grid_policy(w, 0, 1e9, p);
  for (std::size_t a = 0; a < 4; ++a) CHECK(p[a] == doctest::Approx(0.25));
}

TEST_CASE("strikers shoot past the keeper, passers to the free mate, saboteurs lose the ball") {
  std::array<double, n_kicks> p{};
  const football_moment left_right{side::left, side::right};
  const auto most_likely = [&](football_role role) {
    football_policy(left_right, role, 0.5, p);
    CHECK(std::accumulate(p.begin(), p.end(), 0.0) == doctest::Approx(1));
    return static_cast<kick>(std::max_element(p.begin(), p.end()) - p.begin());
  };
  CHECK(most_likely(football_role::striker) == kick::shoot_right);
  CHECK(most_likely(football_role::passer) == kick::pass_right);
  CHECK(most_likely(football_role::saboteur) == kick::pass_left);
  CHECK(left_right.result(kick::shoot_left) == kick_result::saved);
  CHECK(left_right.result(kick::pass_right) == kick_result::kept);
}

TEST_CASE("inverse planning equals Bayes' rule over whole walks") {
  const grid_world start{
      .size = 4, .you = {1, 1}, .objects = {grid_cell{0, 3}, grid_cell{3, 0}, grid_cell{3, 3}}};
  const std::array<double, 3> prior{0.5, 0.3, 0.2};
  const std::vector<grid_action> walk{grid_action::south, grid_action::east, grid_action::south,
                                      grid_action::east, grid_action::take};
  std::array<double, 3> joint{};
  for (std::size_t n = 0; n <= walk.size(); ++n) {
    double all = 0;
    for (std::size_t g = 0; g < 3; ++g) {
      gazette_reference::board b{4, 5, {3, 12, 15}};
      joint[g] = prior[g];
      for (std::size_t t = 0; t < n; ++t) {
        joint[g] *= b.policy(static_cast<int>(g), 0.7)[static_cast<std::size_t>(walk[t])];
        if (walk[t] != grid_action::take) b.you = b.step(b.you, static_cast<std::size_t>(walk[t]));
      }
      all += joint[g];
    }
    const auto belief = infer_goal(start, std::span(walk).first(n), 0.7, prior);
    REQUIRE(belief.has_value());
    for (std::size_t g = 0; g < 3; ++g) {
      CHECK(std::abs(belief->probability(g) - joint[g] / all) < 1e-12);
    }
  }
  CHECK(joint[2] > 0.99 * (joint[0] + joint[1] + joint[2]));
}

TEST_CASE("inverse planning refuses what cannot have been done") {
  const grid_world w{.size = 2, .you = {0, 0}, .objects = {grid_cell{1, 1}}};
  const double one[] = {1.0};
  const double two[] = {0.5, 0.5};
  const grid_action off[] = {grid_action::north};
  const auto bad = infer_goal(w, off, 0.5, one);
  REQUIRE(!bad);
  CHECK(bad.error().message() == "infer goal: action 0: found one that is not legal");
  const auto goals = infer_goal(w, {}, 0.5, two);
  REQUIRE(!goals);
  CHECK(goals.error().code == errc::shape_mismatch);
}

TEST_CASE("what is impossible under every goal changes no belief") {
  const double prior[] = {1.0, 3.0};
  const double nothing[] = {0.0, 0.0};
  goal_belief b(prior);
  CHECK(b.observe(nothing) == 0);
  CHECK(b.probability(1) == doctest::Approx(0.75));
  const double only[] = {0.0, 0.5};
  CHECK(b.observe(only) == doctest::Approx(0.375));
  CHECK(b.probability(0) == 0);
  CHECK(b.probability(1) == doctest::Approx(1));
}
