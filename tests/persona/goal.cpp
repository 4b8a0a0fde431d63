// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

namespace {

weighted_goal wants(std::string label, double weight) {
  return {{std::move(label), "statement", {}}, weight};
}

persona with_goals(std::string label, const std::vector<weighted_goal>& goals) {
  return persona_of(space_of_shape(1, 2), std::move(label), {1.0f, 2.0f}, goals);
}

/// `gold:2 peace:-1`
std::string text_of(const std::vector<weighted_goal>& goals) {
  std::string text;
  for (const weighted_goal& g : goals) {
    if (!text.empty()) text += ' ';
    text += g.goal.label + ":";
    detail::write_number(text, g.weight);
  }
  return text;
}

}  // namespace

TEST_CASE("goals of one label merge, those whose weights cancel disappear") {
  const persona p = with_goals("p", {wants("gold", 1), wants("peace", 2), wants("gold", 0.5),
                                     wants("rest", 1), wants("rest", -1)});
  CHECK(text_of({p.goals().begin(), p.goals().end()}) == "gold:1.5 peace:2");
}

TEST_CASE("expressions combine goals as a weighted set") {
  const persona p = with_goals("p", {wants("gold", 1), wants("peace", 2)});
  const persona q = with_goals("q", {wants("peace", 1), wants("song", 4), wants("noise", -1)});
  CHECK(text_of(goals_of(p + q)) == "gold:1 peace:3 song:4 noise:-1");
  CHECK(text_of(goals_of(0.5 * p + 2 * q)) == "gold:0.5 peace:3 song:8 noise:-2");
  CHECK(text_of(goals_of(-p)) == "gold:-1 peace:-2");
  CHECK(text_of(goals_of(p - q)) == "gold:1 peace:1 song:-4 noise:1");
  CHECK(text_of(goals_of(p - 2 * q)) == "gold:1 song:-8 noise:2");
  CHECK(goals_of(p - p).empty());
  CHECK(goals_of(0 * p).empty());
  CHECK(text_of(goals_of(p + zero_persona)) == text_of(goals_of(p)));
  CHECK(text_of(goals_of(blend(p, q, 0.25))) == "gold:0.75 peace:1.75 song:1 noise:-0.25");
  CHECK(text_of(goals_of(p | only_layers(0, 0))) == text_of(goals_of(p)));
}

TEST_CASE("without drops what the other pursues, not what it avoids") {
  const persona p = with_goals("p", {wants("gold", 1), wants("peace", 2), wants("noise", 1)});
  const persona q = with_goals("q", {wants("peace", 1), wants("noise", -1)});
  CHECK(text_of(goals_of(p | without(q))) == "gold:1 noise:1");
  CHECK(text_of(goals_of(p | without(-q))) == "gold:1 peace:2");
  CHECK(text_of(goals_of(-(p | without(q)))) == "gold:-1 noise:-1");
  CHECK(text_of(goals_of(p + (p | without(q)))) == "gold:2 peace:2 noise:2");
}

TEST_CASE("goals combine associatively") {
  const persona p = with_goals("p", {wants("gold", 0.1), wants("peace", 2)});
  const persona q = with_goals("q", {wants("gold", 0.2), wants("song", 4)});
  const persona r = with_goals("r", {wants("gold", 0.3), wants("peace", -2)});
  CHECK(goals_of((p + q) + r) == goals_of(p + (q + r)));
}

TEST_CASE("the first statement stays and a learned embedding fills in a missing one") {
  std::vector<weighted_goal> set;
  add_goal(set, {"gold", "to be rich", {}}, 1.0);
  add_goal(set, {"gold", "to own much", {1.0f}}, 1.0);
  add_goal(set, {"gold", "to have", {2.0f}}, 1.0);
  REQUIRE(set.size() == 1);
  CHECK(set[0] == weighted_goal{{"gold", "to be rich", {1.0f}}, 3.0});
}

TEST_CASE("goals come along when an expression becomes a persona") {
  const persona p = with_goals("p", {wants("gold", 1)});
  const persona q = with_goals("q", {wants("gold", 1), wants("song", 1)});
  const auto hybrid = materialize(0.5 * p - 0.5 * q);
  REQUIRE(hybrid);
  CHECK(text_of({hybrid->goals().begin(), hybrid->goals().end()}) == "song:-0.5");
}

TEST_CASE("a goal that does not fit its space, or is not finite, is refused") {
  const auto made_with = [](weighted_goal g) {
    auto d = direction::make(space_of_shape(1, 2), std::vector<float>{1.0f, 2.0f});
    return persona::make("p", std::move(*d), std::vector<weighted_goal>{std::move(g)});
  };
  CHECK(made_with({{"gold", "", {1.0f, 2.0f}}, 1.0}));
  const auto narrow = made_with({{"gold", "", {1.0f}}, 1.0});
  REQUIRE(!narrow);
  CHECK(narrow.error().message() ==
        "make a persona: embedding of goal 'gold': found 1 values, expected 2 or none");
  const auto nan = made_with({{"gold", "", {}}, std::nan("")});
  REQUIRE(!nan);
  CHECK(nan.error().code == errc::non_finite);
}
