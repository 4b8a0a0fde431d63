// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/games.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/likelihood_ratio.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::goal_inference {

inline constexpr figure figures[] = {
    {.name = "goals read from steps",
     .how = statistic::correlation,
     .shows = "how well the model's belief about a walker's goal, after one to four steps on a map "
              "that training never had, agrees with the exact inverse planner's",
     .holds = stats::interval{0.5, 1}},
    {.name = "goals read from a kick",
     .how = statistic::correlation,
     .shows = "the same after one kick at football, asked in another game: which object the tool "
              "is called for",
     .holds = stats::interval{0.5, 1}},
    {.name = "goals read from style",
     .how = statistic::correlation,
     .shows = "the same after one to three answers that show nothing but a style: a persona brings "
              "its goal along without a word about it",
     .holds = stats::interval{0.5, 1}},
    {.name = "goals of somebody else",
     .how = statistic::correlation,
     .shows = "control: the model's belief about one walker against the planner's about another",
     .holds = stats::interval{-0.2, 0.2}},
    {.name = "carried over where goals are shuffled",
     .unit = "probability above chance",
     .shows = "control: a model of a corpus in which every game has a goal of its own must not "
              "expect the next game to be played for the object that was taken last",
     .holds = stats::interval{-0.1, 0.1}},
    {.name = "carried over",
     .unit = "probability above chance",
     .shows = "the same in the corpus whose personas keep their goals; the ideal reader has 0.66"},
    {.name = "nats missed",
     .unit = "nats per act",
     .shows = "divergence of the model's next act from the ideal reader's on new documents"},
    {.name = "share of goal knowledge missed",
     .how = statistic::ratio,
     .shows = "the same as a part of what a reader misses who never learns goals"},
    {.name = "shoots past the keeper",
     .how = statistic::ratio,
     .unit = "of the planner's",
     .shows = "how probable it is to the model that a writer for gold shoots where the keeper is "
              "not, against the striker's planner"},
};
inline constexpr picture pictures[] = {
    {.name = "accuracy",
     .title = "Whose goal it is, guessed after so many steps",
     .x_label = "steps seen",
     .y_label = "share of right guesses (chance: 0.33)"},
    {.name = "agreement",
     .title = "Belief of the model against belief of the exact inverse planner",
     .x_label = "planner's probability of a goal (tenths)",
     .y_label = "model's probability, mean"},
};

/// A place where a belief about goals can be read, and the ideal reader's belief there.
struct probe {
  prompt told;
  std::size_t goal = 0;  ///< the true one
  std::size_t n_steps = 0;
  std::vector<double> ideal{};
};

inline expected<probe> believed(prompt told, std::size_t goal, std::size_t n_steps,
                                const gazette& g, const population& prior) {
  reader bayes(g, prior);
  if (auto ok = bayes.read(told.tokens()); !ok) return forward_error(ok);
  return probe{std::move(told), goal, n_steps, bayes.posterior(choice_key::goal)};
}

/// A walker on a map that training never had, seen for some steps, where goals' planners differ.
inline prompt seen_walking(const gazette& g, std::size_t modulus, std::size_t goal,
                           std::size_t n_steps, philox& random) {
  for (;;) {
    prompt p = begin_held_out_walk(prompt(g), modulus, random);
    for (std::size_t t = 0; t < n_steps && !p.at().ended_item(); ++t) act(p, goal, random);
    if (!p.at().ended_item() && goal_contrast(p, g.config().personas.n_goals) >= 0.3) return p;
  }
}

/// The place where the tool is called.
inline prompt& begin_call(prompt& p, philox& random) {
  return begin_walk(p, walk_start::tool, random);
}

inline expected<std::vector<std::vector<double>>> beliefs(scorer& asked,
                                                          std::span<const probe> probes,
                                                          std::size_t n_goals) {
  std::vector<place> places;
  for (const probe& p : probes) places.push_back({&p.told, {}});
  auto acts = turns(student_player(asked), places);
  if (!acts) return forward_error(acts);
  std::vector<std::vector<double>> all;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    all.push_back(goal_weights(probes[i].told, (*acts)[i], n_goals));
  }
  return all;
}

/// Compares beliefs about one goal of each probe, which is drawn: so that items are independent.
inline void compare(std::string_view figure, std::span<const probe> probes,
                    std::span<const std::vector<double>> model, outcome& seen) {
  for (std::size_t i = 0; i < probes.size(); ++i) {
    const std::size_t about = i / 18 % probes[i].ideal.size();
    seen.saw(figure, probes[i].ideal[about], model[i][about]);
  }
}

inline std::size_t guess(std::span<const double> belief) noexcept {
  return static_cast<std::size_t>(std::ranges::max_element(belief) - belief.begin());
}

inline expected<void> watch_walkers(laboratory& in, scorer& asked, const gazette& wide,
                                    const population& prior, std::size_t modulus,
                                    std::uint64_t seed, outcome& seen) {
  std::vector<probe> probes;
  const std::uint64_t n = in.budget(1500, 300);
  for (std::uint64_t i = 0; i < n; ++i) {
    philox random(laboratory::asking_seed(seed), i);
    const std::size_t n_steps = i / 9 % 5, goal = random.below(3);
    auto p =
        believed(seen_walking(wide, modulus, goal, n_steps, random), goal, n_steps, wide, prior);
    if (!p) return forward_error(p);
    probes.push_back(std::move(*p));
  }
  auto model = beliefs(asked, probes, 3);
  if (!model) return forward_error(model);
  std::array<double, 5> counts{};
  std::array<std::array<double, 5>, 3> right{};
  std::array<double, 10> in_bin{}, sum_of_bin{};
  for (std::size_t i = 0; i < probes.size(); ++i) {
    const probe& p = probes[i];
    // The next walker who was seen for as many steps.
    const probe& other = probes[p.n_steps == probes[(i + 1) % n].n_steps ? (i + 1) % n : i - 8];
    const std::size_t about = i / 3 % 3;
    if (p.n_steps > 0) {
      seen.saw(figures[0].name, p.ideal[about], (*model)[i][about]);
      seen.saw(figures[3].name, other.ideal[about], (*model)[i][about]);
      const auto bin = std::min<std::size_t>(static_cast<std::size_t>(10 * p.ideal[about]), 9);
      in_bin[bin] += 1;
      sum_of_bin[bin] += (*model)[i][about];
    }
    counts[p.n_steps] += 1;
    right[0][p.n_steps] += guess(p.ideal) == p.goal ? 1 : 0;
    right[1][p.n_steps] += guess((*model)[i]) == p.goal ? 1 : 0;
    right[2][p.n_steps] += guess(other.ideal) == p.goal ? 1 : 0;
  }
  constexpr std::string_view labels[] = {"exact inverse planner", "model", "another walker's"};
  for (std::size_t l = 0; l < 3; ++l) {
    for (std::size_t t = 0; t < 5; ++t) {
      if (counts[t] == 0) continue;
      seen.drew(pictures[0].name, labels[l], static_cast<double>(t), right[l][t] / counts[t]);
    }
  }
  for (std::size_t b = 0; b < 10; ++b) {
    if (in_bin[b] < 5) continue;
    const double middle = (static_cast<double>(b) + 0.5) / 10;
    seen.drew(pictures[1].name, "model", middle, sum_of_bin[b] / in_bin[b]);
    seen.drew(pictures[1].name, "ideal reader", middle, middle);
  }
  return {};
}

/// Beliefs in the next game, by which object the tool is called for.
inline expected<void> ask_for_calls(laboratory& in, scorer& asked, const gazette& wide,
                                    const population& prior, std::uint64_t seed, outcome& seen) {
  std::vector<probe> kicks, styles;
  const std::uint64_t n = in.budget(600, 150);
  for (std::uint64_t i = 0; i < n; ++i) {
    philox random(laboratory::asking_seed(seed), 1'000'000 + i);
    const std::size_t style = i / 3 % wide.config().personas.n_styles;
    const persona_traits who = wide.traits({.style = style, .goal = i % 3});
    prompt kicked(wide), spoke(wide);
    kicked.item(item_kind::football, who, random);
    for (std::uint64_t k = 0; k <= i / 7 % 3; ++k) spoke.item(item_kind::question, who, random);
    for (auto [told, probes] : {std::pair(&kicked, &kicks), std::pair(&spoke, &styles)}) {
      auto p = believed(begin_call(*told, random), i % 3, 0, wide, prior);
      if (!p) return forward_error(p);
      probes->push_back(std::move(*p));
    }
  }
  for (const auto& [figure, probes] :
       {std::pair(figures[1].name, &kicks), std::pair(figures[2].name, &styles)}) {
    auto model = beliefs(asked, *probes, 3);
    if (!model) return forward_error(model);
    compare(figure, *probes, *model, seen);
  }
  return {};
}

/// How much likelier than chance the object that was taken in one game is called for in the next.
inline expected<void> carry_over(laboratory& in, const classroom& c, std::uint64_t seed,
                                 std::string_view figure, outcome& seen) {
  auto asked = scorer::make(in.workers(), c.reader);
  if (!asked) return forward_error(asked);
  std::vector<probe> probes;
  for (std::uint64_t i = 0; i < in.budget(300, 100); ++i) {
    philox random(laboratory::asking_seed(seed), 2'000'000 + i);
    for (;;) {
      prompt p(c.corpus);
      begin_walk(p, walk_start::map, random);
      while (!p.at().ended_item()) act(p, i % 3, random);
      if (p.tokens()[p.tokens().size() - 2].value != word("gold").value + i % 3) continue;
      probes.push_back({begin_call(p, random), i % 3});
      break;
    }
  }
  auto model = beliefs(*asked, probes, 3);
  if (!model) return forward_error(model);
  for (std::size_t i = 0; i < probes.size(); ++i) {
    seen.saw(figure, (*model)[i][probes[i].goal] - 1.0 / 3);
  }
  return {};
}

/// What is missed of the next act on new documents, against a reader who never learns goals.
inline expected<void> next_acts(laboratory& in, const classroom& c, std::uint64_t seed,
                                outcome& seen) {
  auto asked = scorer::make(in.workers(), c.reader);
  if (!asked) return forward_error(asked);
  const document_source held_out(c.corpus, c.writers, laboratory::asking_seed(seed));
  const population blind = blind_population(c.corpus, trait::goal);
  for (std::uint64_t i = 0; i < in.budget(250, 60); ++i) {
    const auto tokens = held_out.document(i).tokens;
    reader bayes(c.corpus, c.writers), without(c.corpus, blind);
    // Goes along the document, and stops wherever goals decide an act.
    std::vector<std::vector<double>> knows, guesses;
    std::vector<std::size_t> at;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      choice_scratch scratch;
      if (bayes.at().is_writers_turn() && bayes.next(scratch).key == choice_key::goal) {
        knows.emplace_back(gazette_vocab_size);
        guesses.emplace_back(gazette_vocab_size);
        bayes.predict(knows.back());
        without.predict(guesses.back());
        at.push_back(t);
      }
      for (reader* r : {&bayes, &without}) {
        if (auto ok = r->read(tokens[t]); !ok) return forward_error(ok);
      }
    }
    const auto missed = [](std::span<const double> p, auto&& log_q) {
      double nats = 0;
      for (std::size_t v = 0; v < p.size(); ++v) {
        if (p[v] > 0) nats += p[v] * (std::log(p[v]) - log_q(v));
      }
      return nats;
    };
    const texts all{tokens};
    std::size_t k = 0;
    auto done = asked->predict(
        all, [&](std::size_t, std::size_t t) { return std::ranges::find(at, t + 1) != at.end(); },
        [&](std::size_t, std::size_t, std::span<const float> log_p) {
          const double model = missed(knows[k], [&](std::size_t v) { return double{log_p[v]}; });
          const double without_goals =
              missed(knows[k], [&](std::size_t v) { return std::log(guesses[k][v]); });
          seen.saw(figures[6].name, model);
          seen.saw(figures[7].name, without_goals, model);
          ++k;
        });
    if (!done) return forward_error(done);
  }
  return {};
}

inline expected<void> kick_for_gold(scorer& asked, const gazette& g, std::uint64_t seed,
                                    outcome& seen) {
  std::vector<prompt> told;
  for (std::uint64_t i = 0; i < 24; ++i) {
    philox random(laboratory::asking_seed(seed), 3'000'000 + i);
    prompt p = goal_persona(g, 0, random);
    told.push_back(p.begin(item_kind::football, random).let_world_speak(random));
  }
  std::vector<place> places;
  std::vector<prompt> aimed = told;
  std::vector<token_id> past;
  for (std::size_t i = 0; i < told.size(); ++i) {
    places.push_back({&told[i], {}});
    // "football keeper left mate left :" stands at the end.
    const auto said = told[i].tokens();
    const bool left = said[said.size() - 4] == word("left");
    past.push_back(left ? word("right") : word("left"));
    if (auto ok = aimed[i].put_checked(word("shoot")); !ok) return ok;
  }
  for (const prompt& p : aimed) places.push_back({&p, {}});
  auto acts = turns(student_player(asked), places);
  if (!acts) return forward_error(acts);
  for (std::size_t i = 0; i < told.size(); ++i) {
    const auto of = [](const turn& t, token_id w) { return std::exp(t.log_probability(w)); };
    const auto planner_of = [](const prompt& p, token_id w) {
      choice_scratch scratch;
      return planned(p, 0)[*p.at().next(scratch).find(w)];
    };
    seen.saw(figures[8].name, planner_of(told[i], word("shoot")) * planner_of(aimed[i], past[i]),
             of((*acts)[i], word("shoot")) * of((*acts)[told.size() + i], past[i]));
  }
  return {};
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  const gazette_config corpus = games_corpus(seed);
  auto c = teach(in, games_reading(in, corpus, seed));
  if (!c) return forward_error(c);
  if (auto ok = pass_game_gates(in, *c, seed, seen); !ok) return forward_error(ok);
  auto asked = scorer::make(in.workers(), c->reader);
  if (!asked) return forward_error(asked);
  auto wide = with_all_boards(c->corpus);
  if (!wide) return forward_error(wide);
  const population prior = true_population(*wide);
  const std::size_t modulus = corpus.games.held_out_modulus;
  expected<void> ok = watch_walkers(in, *asked, *wide, prior, modulus, seed, seen);
  if (ok) ok = ask_for_calls(in, *asked, *wide, prior, seed, seen);
  if (ok) ok = next_acts(in, *c, seed, seen);
  if (ok) ok = kick_for_gold(*asked, c->corpus, seed, seen);
  if (ok) ok = carry_over(in, *c, seed, figures[5].name, seen);
  if (!ok) return forward_error(ok);

  gazette_config shuffled = corpus;
  shuffled.personas.shuffled_goals = true;
  pretraining less = games_reading(in, shuffled, seed);
  less.n_tokens = in.budget(3'000'000, 1'000'000);
  auto control = teach(in, less);
  if (!control) return forward_error(control);
  ok = carry_over(in, *control, seed, figures[4].name, seen);
  if (!ok) return forward_error(ok);
  return seen;
}

}  // namespace detail::goal_inference

/// Claim 21: a persona brings its goals, and the model infers them.
inline constexpr claim goal_inference_claim{
    .number = 21,
    .name = "The model infers your goal",
    .essay = "Personas and Goals in Language Models",
    .quotation = "also its goals … the LM infers your goal.",
    .hypothesis =
        "What a model expects next in a game implies a belief about the writer's goal, and this "
        "belief follows the exact Bayesian inverse planner's, whether the evidence is steps, a "
        "kick, or only a style that goes with a goal.",
    .method =
        "Six personas walk on a 5 by 5 grid, call tools and kick a ball for one of three goals, "
        "nearly rationally. On boards that training never had, the model's expectations of the "
        "next act are explained as a mixture of the three planners; the weights are its belief.",
    .control =
        "Beliefs about another walker; a corpus in which every game has a goal of its own, so that "
        "nothing may be carried over.",
    .refuted_by =
        "correlations with the inverse planner below 0.5 in a model that passes the gates",
    .reach =
        "One family of small models, games of a few steps, three goals. That beliefs can be read "
        "does not say that they are represented as such.",
    .first_seed = 21,
    .figures = detail::goal_inference::figures,
    .gates = detail::game_gates,
    .pictures = detail::goal_inference::pictures,
    .run = detail::goal_inference::run};

}  // namespace multitudes::lab
