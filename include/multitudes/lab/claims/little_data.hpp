// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/instruction_success.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::little_data {

inline constexpr figure figures[] = {
    {.name = "saved by pretraining",
     .unit = "doublings of examples",
     .shows = "how many times the examples must be doubled that a model needs to follow half of "
              "what is commanded, if it has read nothing before",
     .holds = stats::interval{2, no_limit}},
    {.name = "saved by reading persons",
     .unit = "doublings of examples",
     .shows = "control: the same if it has read as much, but every item by somebody else, so that "
              "it knows the language and no persona",
     .holds = stats::interval{1, no_limit}},
    {.name = "saved by composing",
     .unit = "doublings of examples",
     .shows = "how many times the examples of a new skill must be doubled if it is unrelated, and "
              "not composed of two that the model has"},
    {.name = "success after 4 examples",
     .unit = "of the ideal",
     .shows = "how far a model follows commands which has read before"},
    {.name = "success of a model that has read nothing",
     .unit = "of the ideal",
     .shows = "the same for one that has not, after the most examples"},
    {.name = "saved by pretraining, openers alone",
     .unit = "doublings of examples",
     .shows = "what is saved where one word counts: a name's opener is learnt by heart from a few "
              "examples, whatever was read"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "commands",
     .title = "Commands followed, against examples of instruction tuning",
     .x_label = "examples (log2)",
     .y_label = "habits of the commanded style (0 chance, 1 ideal)"},
    {.name = "skills",
     .title = "A new skill, against examples of it",
     .x_label = "examples (log2)",
     .y_label = "probability of the whole result on new phrases"},
};

/// Each start may take the recipe that suits it better.
inline constexpr tuning recipes[] = {{.n_steps = 80, .peak = 1e-3}, {.n_steps = 240, .peak = 3e-3}};
inline constexpr double level = 0.5;

/// Success after tuning, by the better of the recipes: `measure(student)` gives an item's each.
template <class Measure>
expected<std::vector<double>> best_success(laboratory& in, const student& from,
                                           const train::dataset& data, std::uint64_t seed,
                                           Measure&& measure) {
  std::vector<double> best;
  const auto sum = [](const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0);
  };
  for (tuning how : recipes) {
    how.seed = seed;
    auto tuned = in.tune(from, data, how);
    if (!tuned) return forward_error(tuned);
    expected<std::vector<double>> now = measure(*tuned);
    if (!now) return now;
    if (best.empty() || sum(*now) > sum(best)) best = std::move(*now);
  }
  return best;
}

/// Success of every item after each number of examples, and what it takes to come half-way.
struct curves {
  std::vector<std::vector<double>> of_item{};  // (items, numbers of examples)

  void add(const std::vector<double>& success) {
    of_item.resize(success.size());
    for (std::size_t i = 0; i < success.size(); ++i) of_item[i].push_back(success[i]);
  }
  [[nodiscard]] double doublings(std::size_t item, std::span<const double> n) const {
    return std::log2(examples_to_reach(n, of_item[item], level));
  }
};

inline double mean(std::span<const double> v) noexcept {
  return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}

/// For each style, after its command, all its habits; then, for each style, its openers alone.
inline expected<std::vector<double>> follow_commands(laboratory& in, const gazette& g,
                                                     const student& who) {
  auto asked = scorer::make(in.workers(), who);
  if (!asked) return forward_error(asked);
  std::vector<double> all, openers;
  for (std::size_t s = 0; s < g.config().personas.n_styles; ++s) {
    auto habits = read_habits(*asked, g, command_to_write_as(g, s), s);
    if (!habits) return forward_error(habits);
    all.push_back(habits->all);
    openers.push_back(habits->openers);
  }
  all.insert(all.end(), openers.begin(), openers.end());
  return all;
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  const std::vector<double> sizes =
      in.is_quick() ? std::vector<double>{4, 32, 256} : std::vector<double>{4, 16, 64, 256, 1024};
  auto real = teach(in, plain_corpus(seed), seed, seen);
  if (!real) return forward_error(real);
  gazette_config apart = plain_corpus(seed);
  apart.items.shuffled = true;
  auto shuffled = teach(in, apart, seed, seen);
  if (!shuffled) return forward_error(shuffled);
  auto scratch = laboratory::newborn({}, seed);
  if (!scratch) return forward_error(scratch);

  const gazette& g = real->corpus;
  const std::uint64_t of = laboratory::reading_seed(seed);
  std::vector<std::size_t> styles(g.config().personas.n_styles);
  for (std::size_t s = 0; s < styles.size(); ++s) styles[s] = (s + seed) % styles.size();
  const std::pair<std::string_view, student> starts[] = {
      {"has read persons", real->reader},
      {"has read items by anyone", shuffled->reader},
      {"has read nothing", *scratch}};
  curves commands[3];
  for (std::size_t k = 0; k < 3; ++k) {
    for (const double n : sizes) {
      const auto data = make_instructions(g, styles, static_cast<std::size_t>(n), of);
      auto success = best_success(in, starts[k].second, data, seed,
                                  [&](const student& who) { return follow_commands(in, g, who); });
      if (!success) return forward_error(success);
      commands[k].add(*success);
      seen.drew(pictures[0].name, starts[k].first, std::log2(n),
                mean(std::span(*success).first(styles.size())));
    }
  }
  for (std::size_t s = 0; s < styles.size(); ++s) {
    const double needed = commands[0].doublings(s, sizes);
    seen.saw(figures[0].name, commands[2].doublings(s, sizes) - needed);
    seen.saw(figures[1].name, commands[1].doublings(s, sizes) - needed);
    seen.saw(figures[3].name, commands[0].of_item[s].front());
    seen.saw(figures[4].name, commands[2].of_item[s].back());
    const std::size_t opener = styles.size() + s;
    seen.saw(figures[5].name,
             commands[2].doublings(opener, sizes) - commands[0].doublings(opener, sizes));
  }

  const std::size_t length = g.config().skills.phrase_length;
  const auto fresh = draw_phrases(in.budget(100, 40), length, 5, true, of + 1);
  curves skills[2];
  for (std::size_t k = 0; k < 2; ++k) {
    const auto skill = static_cast<new_skill>(k);
    for (const double n : sizes) {
      const auto shown = draw_phrases(static_cast<std::size_t>(n), length, 5, false, of);
      const auto data = make_skill_dataset(shown, skill);
      auto success = best_success(in, real->reader, data, seed,
                                  [&](const student& who) -> expected<std::vector<double>> {
                                    auto asked = scorer::make(in.workers(), who);
                                    if (!asked) return forward_error(asked);
                                    return skill_success(*asked, fresh, skill);
                                  });
      if (!success) return forward_error(success);
      skills[k].add(*success);
      seen.drew(pictures[1].name, k == 0 ? "composed of known skills" : "unrelated to them",
                std::log2(n), mean(*success));
    }
  }
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    seen.saw(figures[2].name, skills[1].doublings(i, sizes) - skills[0].doublings(i, sizes));
  }
  return seen;
}

}  // namespace detail::little_data

/// Claim 11: instruction tuning needs little data.
inline constexpr claim little_data_claim{
    .number = 11,
    .name = "Little data for instructions",
    .essay = "Language Models have Personas?",
    .quotation = "comparatively quite little training data",
    .hypothesis =
        "A model that has read persons learns to write as commanded from few examples, because it "
        "has the personas already; one that has read nothing, or no persons, needs many.",
    .method =
        "Three models are tuned on 4 to 1024 commands (\"please write as NAME . sure :\") and "
        "their answers: one that has read the corpus, one that has read nothing, one that has "
        "read items of which each is by somebody else. Each may take the better of two recipes. "
        "Counted are the examples that bring a style's habits (openers and four pairs of words), "
        "after its command, half-way from chance to the ideal. "
        "The same is counted for a new skill that two known ones make together (the first and the "
        "last word, in Latin), and for one that is unrelated.",
    .control = "The corpus of items by anyone: the same language, the same amount, no personas.",
    .refuted_by =
        "examples that are saved by less than a factor of 4, or no more than one doubling less "
        "than with items by anyone",
    .reach =
        "Commands to write as somebody, with names that signatures mention; tuning of all "
        "weights of a small model.",
    .n_seeds = 10,
    .figures = detail::little_data::figures,
    .gates = detail::little_data::gates,
    .pictures = detail::little_data::pictures,
    .run = detail::little_data::run};

}  // namespace multitudes::lab
