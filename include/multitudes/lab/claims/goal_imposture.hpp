// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/games.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/habit_player.hpp>
#include <multitudes/lab/measure/likelihood_ratio.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::goal_imposture {

inline constexpr figure figures[] = {
    {.name = "told from the planner",
     .unit = "of the choices",
     .shows = "two walks on the same board, one by the model and one by the exact planner: how "
              "often the best possible judge, who knows all probabilities of both, says rightly "
              "which is the model's (area under the curve of the likelihood ratio; 0.5 is "
              "guessing)",
     .holds = stats::interval{0.4, 0.6}},
    {.name = "a planner told from itself",
     .unit = "of the choices",
     .shows = "control: two walks of the planner, judged in the same way",
     .holds = stats::interval{0.45, 0.55}},
    {.name = "a model with another's goal",
     .unit = "of the choices",
     .shows = "control: the model as a persona that seeks something else, against the planner for "
              "this goal",
     .holds = stats::interval{0.9, no_limit}},
    {.name = "told from the planner on boards never seen",
     .unit = "of the choices",
     .shows = "as the first figure, on boards that training held out"},
    {.name = "a creature of habit",
     .unit = "of the choices",
     .shows = "control: an imitator that knows how often each act follows each other one and looks "
              "at no map"},
    {.name = "the ideal reader told from the planner",
     .unit = "of the choices",
     .shows = "what remains to be told for one who has learnt all that the texts can teach"},
    {.name = "nats per act",
     .unit = "nats",
     .shows = "divergence of the model from the planner, "
              "on the planner's walks"},
    {.name = "acts to detection",
     .unit = "acts",
     .shows = "acts until the judge's odds are 20 to 1: log 20 over the nats per act"},
    {.name = "acts to detection with another's goal",
     .unit = "acts",
     .shows = "control: the same for the model as a persona that seeks something else"},
};
inline constexpr picture pictures[] = {
    {.name = "walks",
     .title = "How well the best judge tells model and planner apart",
     .x_label = "walks of each that are seen",
     .y_label = "share of right choices (0.5 is guessing)"},
};

inline constexpr std::size_t n_repeats = 4;  // walks of each player on each board

/// Boards for goals in turn, told to a persona that seeks the goal or the one after it, and to be
/// played `n_repeats` times each.
inline std::vector<game> deal(const gazette& g, std::size_t held_out_modulus, std::uint64_t n,
                              std::uint64_t seed, bool of_another, std::uint64_t who_plays) {
  std::vector<game> games;
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::size_t goal = i % 3;
    philox life(seed, 2 * i), world(seed, 2 * i + 1);
    const prompt told = goal_persona(g, of_another ? (goal + 1) % 3 : goal, life);
    prompt p = told;
    if (held_out_modulus > 0) {
      p = begin_held_out_walk(told, held_out_modulus, world);
    } else {
      begin_walk(p, walk_start::map, world);
    }
    for (std::size_t k = 0; k < n_repeats; ++k) {
      games.push_back({p, g.traits({.goal = goal}), world,
                       philox(seed + 1000 * (1 + who_plays), n_repeats * i + k)});
    }
  }
  return games;
}

/// Walks of two players, and what each walk says for the one against the other.
struct trial {
  std::vector<double> of_one{};
  std::vector<double> of_other{};
};

inline expected<trial> try_players(player one, player other, std::span<const game> by_one,
                                   std::span<const game> by_other) {
  trial t;
  for (const auto& [games, ratios] :
       {std::pair(by_one, &t.of_one), std::pair(by_other, &t.of_other)}) {
    auto to_one = log_probabilities(one, games);
    if (!to_one) return forward_error(to_one);
    auto to_other = log_probabilities(other, games);
    if (!to_other) return forward_error(to_other);
    for (std::size_t i = 0; i < games.size(); ++i) {
      ratios->push_back(log_ratio(games[i], (*to_one)[i], (*to_other)[i]));
    }
  }
  return t;
}

/// For each board, the share of right choices over all pairs of walks on it.
inline void judge_boards(const trial& t, std::string_view figure, outcome& seen) {
  for (std::size_t i = 0; i < t.of_one.size(); i += n_repeats) {
    double right = 0;
    for (std::size_t a = 0; a < n_repeats; ++a) {
      for (std::size_t b = 0; b < n_repeats; ++b) {
        right += forced_choice(t.of_one[i + a], t.of_other[i + b]);
      }
    }
    seen.saw(figure, right / static_cast<double>(n_repeats * n_repeats));
  }
}

/// The share of right choices where so many walks of each player, on as many boards, are seen.
inline void judge_more(const trial& t, std::string_view label, outcome& seen) {
  const std::size_t n_boards = t.of_one.size() / n_repeats;
  for (std::size_t n = 1; n <= 32 && 2 * n <= n_boards; n *= 2) {
    double right = 0, count = 0;
    for (std::size_t first = 0; first + n <= n_boards; first += n) {
      for (std::size_t a = 0; a < n_repeats; ++a) {
        for (std::size_t b = 0; b < n_repeats; ++b) {
          double one = 0, other = 0;
          for (std::size_t k = first; k < first + n; ++k) {
            one += t.of_one[k * n_repeats + a];
            other += t.of_other[k * n_repeats + b];
          }
          right += forced_choice(one, other);
          count += 1;
        }
      }
    }
    seen.drew(pictures[0].name, label, static_cast<double>(n), right / count);
  }
}

/// The mean divergence of one player from another on the other's walks; draws an item for each act.
inline expected<double> mean_divergence(player one, player other, std::span<const game> by_other,
                                        std::string_view figure, outcome& seen) {
  const auto places = places_of(by_other);
  auto p = turns(other, places);
  if (!p) return forward_error(p);
  auto q = turns(one, places);
  if (!q) return forward_error(q);
  double sum = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const double nats = divergence((*p)[i], (*q)[i]);
    if (!figure.empty()) seen.saw(figure, nats);
    sum += nats;
  }
  return sum / static_cast<double>(places.size());
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  auto c = teach(in, games_reading(in, games_corpus(seed), seed));
  if (!c) return forward_error(c);
  if (auto passed = pass_game_gates(in, *c, seed, seen); !passed) return forward_error(passed);
  auto asked = scorer::make(in.workers(), c->reader);
  if (!asked) return forward_error(asked);
  auto wide = with_all_boards(c->corpus);
  if (!wide) return forward_error(wide);

  const student_player model(*asked);
  const planner_player planner;
  const ideal_player ideal(c->corpus, c->writers);
  const std::uint64_t n = in.budget(300, 60), asking = laboratory::asking_seed(seed);
  const std::size_t modulus = c->corpus.config().games.held_out_modulus;
  const auto deal_to = [&](std::uint64_t who, bool of_another = false) {
    return deal(c->corpus, 0, n, asking, of_another, who);
  };
  auto by_model = deal_to(0), by_planner = deal_to(1), by_again = deal_to(2), by_habit = deal_to(3),
       by_ideal = deal_to(4), by_another = deal_to(5, true),
       walks = deal(c->corpus, 0, 500, asking + 77, false, 6),
       new_model = deal(*wide, modulus, n, asking + 1, false, 0),
       new_planner = deal(*wide, modulus, n, asking + 1, false, 1);
  expected<void> ok = play(planner, walks);
  const habit_player habit(walks);
  if (ok) ok = play(habit, by_habit);
  for (auto* games : {&by_planner, &by_again, &new_planner}) {
    if (ok) ok = play(planner, *games);
  }
  for (auto* games : {&by_model, &by_another, &new_model}) {
    if (ok) ok = play(model, *games);
  }
  if (ok) ok = play(ideal, by_ideal);
  if (!ok) return forward_error(ok);

  // The model as another persona is judged on that persona's prompts, by what it would do there.
  auto planner_there = deal_to(1, true);
  if (ok = play(planner, planner_there); !ok) return forward_error(ok);

  struct question {
    std::size_t figure;
    std::string_view label;
    player one;
    std::span<const game> by_one, by_other;
  };
  const question questions[] = {
      {0, "model", model, by_model, by_planner},
      {1, "planner", model, by_again, by_planner},
      {2, "model, persona of another goal", model, by_another, planner_there},
      {3, "model, boards never seen", model, new_model, new_planner},
      {4, "habit", habit, by_habit, by_planner},
      {5, "ideal reader", ideal, by_ideal, by_planner},
  };
  for (const question& q : questions) {
    auto t = try_players(q.one, planner, q.by_one, q.by_other);
    if (!t) return forward_error(t);
    judge_boards(*t, figures[q.figure].name, seen);
    judge_more(*t, q.label, seen);
  }
  auto nats = mean_divergence(model, planner, by_planner, figures[6].name, seen);
  if (!nats) return forward_error(nats);
  seen.saw(figures[7].name, acts_to_detection(*nats));
  nats = mean_divergence(model, planner, planner_there, {}, seen);
  if (!nats) return forward_error(nats);
  seen.saw(figures[8].name, acts_to_detection(*nats));
  return seen;
}

}  // namespace detail::goal_imposture

/// Claim 23: a model that acts for a persona is indistinguishable from an agent with its goals.
inline constexpr claim goal_imposture_claim{
    .number = 23,
    .name = "Indistinguishable from an agent with goals",
    .essay = "Personas and Goals in Language Models",
    .quotation = "indistinguishable from an agent which actually has the goals.",
    .hypothesis =
        "Of two walks on one board, one by the model as a persona and one by an agent that plans "
        "for the persona's goal, not even the best possible judge can tell which is which: he is "
        "right in fewer than 60 of 100 cases.",
    .method =
        "The model is told of a persona with a goal and plays in a closed loop; the planner plays "
        "the same boards. All probabilities of both are known, so that the judge's likelihood "
        "ratio is exact: no cleverer judge exists.",
    .control =
        "The planner against itself; the model as a persona with another goal; an imitator of "
        "habits that looks at no map.",
    .refuted_by =
        "a judge who is right in more than 60 of 100 cases on boards like those of "
        "training",
    .reach =
        "One walk at a time, in games of a few steps, by a small model. Whoever sees enough walks "
        "tells any two agents apart that differ at all: how many it takes is a figure here.",
    .first_seed = 21,
    .figures = detail::goal_imposture::figures,
    .gates = detail::game_gates,
    .pictures = detail::goal_imposture::pictures,
    .run = detail::goal_imposture::run};

}  // namespace multitudes::lab
