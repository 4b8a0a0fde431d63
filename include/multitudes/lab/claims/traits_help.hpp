// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/probe.hpp>
#include <multitudes/lab/measure/trait_gain.hpp>
#include <multitudes/stats/correlation.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::traits_help {

inline constexpr figure figures[] = {
    {.name = "reading to learn a trait against its worth",
     .how = statistic::rank_correlation,
     .shows = "how much must be read until half of what a trait is worth is learnt, against that "
              "worth, both ranked among the three plainnesses of the same trait; negative if what "
              "helps guessing more is learnt sooner",
     .holds = stats::interval{-no_limit, -0.5}},
    {.name = "late trace of the weekday",
     .how = statistic::ratio,
     .unit = "times",
     .shows = "how well a linear look at the model's state late in a text finds the weekday at its "
              "beginning, which tells nothing, relative to the writer's traits, which do",
     .holds = stats::interval{-no_limit, 0.5}},
    {.name = "traits found late",
     .how = statistic::mean,
     .unit = "share above chance",
     .shows = "how often the traits are found late in a text, from 0 (chance) to 1"},
    {.name = "weekday found late",
     .how = statistic::mean,
     .unit = "share above chance",
     .shows = "how often the weekday is"},
    {.name = "weekday found early",
     .how = statistic::mean,
     .unit = "share above chance",
     .shows = "how often it is right after it was read: it is as visible as anything"},
    {.name = "found with shuffled labels",
     .how = statistic::mean,
     .unit = "share above chance",
     .shows = "control: weekdays dealt out at random"},
};
inline constexpr gate gates[] = {
    // What was not learnt at all could not be ordered.
    {.name = "learnt at clarity 0.95", .unit = "share", .passes = {0.5, 1.2}},
};
inline constexpr picture pictures[] = {
    {.name = "worth",
     .title = "What a trait is worth, and how soon it is learnt",
     .x_label = "worth of the trait (nats per document)",
     .y_label = "tokens read until half is learnt (log10; the topmost are never)"},
    {.name = "learning",
     .title = "Learning of traits by how plainly they show",
     .x_label = "tokens read (log10)",
     .y_label = "share of the worth that is learnt (mean)"},
};

inline constexpr double clarities[] = {0.6, 0.8, 0.95};
inline constexpr std::size_t n_levels = 3;
inline constexpr choice_key keys[] = {choice_key::lexis, choice_key::form, choice_key::opener,
                                      choice_key::closer};
inline constexpr std::size_t n_keys = 4;

/// How plainly a trait shows in each of three corpora: every one at every level, by turns. (One
/// number of the corpus is for openers and closers alike.)
inline std::size_t level_of(std::size_t key, std::size_t corpus, std::uint64_t seed) noexcept {
  return (std::min<std::size_t>(key, 2) + corpus + seed) % n_levels;
}
inline gazette_config corpus_of(std::size_t corpus, std::uint64_t seed) {
  gazette_config c = plain_corpus(seed);
  // Little else is to be learnt.
  c.personas.n_styles = 4;
  c.personas.n_domains = 2;
  c.items.skill = c.items.dialogue = c.items.mention = 0;
  // Each trait by itself, so that it is learnt for what it tells of itself.
  c.personas.units = unit_bonds::shuffled;
  c.labels.weekday = true;
  c.clarity.slot = clarities[level_of(0, corpus, seed)];
  c.clarity.form = clarities[level_of(1, corpus, seed)];
  c.clarity.marker = clarities[level_of(2, corpus, seed)];
  return c;
}

/// How well traits and weekday are found in states late in documents.
inline expected<void> probe_traits(laboratory& in, const classroom& c, std::uint64_t seed,
                                   outcome& seen) {
  auto asked = scorer::make(in.workers(), c.reader);
  if (!asked) return forward_error(asked);
  const document_source source(c.corpus, c.writers, laboratory::asking_seed(seed));
  texts all;
  std::vector<std::size_t> late, early, days;
  std::vector<persona_traits> who;
  const std::uint64_t first = 100'000;  // none of those that losses are measured on
  for (std::uint64_t i = first; i < first + in.budget(2400, 1200); ++i) {
    gazette_document d = source.document(i);
    late.push_back(d.items.back().first + d.items.back().size - 1);
    early.push_back(2);
    days.push_back(d.tokens[1].value - word("monday").value);
    who.push_back(d.writers[0]);
    all.push_back(std::move(d.tokens));
  }
  philox random(laboratory::asking_seed(seed), 2);
  // The layer where it is found best, whatever is looked for.
  const auto best = [&](std::span<const std::size_t> at, std::span<const std::size_t> labels,
                        std::size_t n_labels) -> expected<probed> {
    probed most;
    for (std::size_t l = 0; l < c.reader.shape().n_layers; ++l) {
      auto states = states_at(*asked, all, at, labels, layer_index(l));
      if (!states) return forward_error(states);
      auto found = probe_states(*states, n_labels, random);
      if (!found) return forward_error(found);
      if (found->accuracy > most.accuracy) most = *found;
    }
    most.accuracy = above_chance(most.accuracy, n_labels);
    most.of_shuffled = above_chance(most.of_shuffled, n_labels);
    return most;
  };
  double of_traits = 0;
  for (const choice_key k : keys) {
    std::vector<std::size_t> values;
    for (const persona_traits& p : who) values.push_back(value_of(k, p));
    auto found = best(late, values, c.corpus.n_values(k));
    if (!found) return forward_error(found);
    of_traits += found->accuracy / static_cast<double>(n_keys);
  }
  auto of_day = best(late, days, words::weekdays.size());
  if (!of_day) return forward_error(of_day);
  auto soon = best(early, days, words::weekdays.size());
  if (!soon) return forward_error(soon);
  seen.saw(figures[1].name, of_traits, of_day->accuracy);
  seen.saw(figures[2].name, of_traits);
  seen.saw(figures[3].name, of_day->accuracy);
  seen.saw(figures[4].name, soon->accuracy);
  seen.saw(figures[5].name, of_day->of_shuffled);
  return {};
}

/// The place between two where a share passes one half, on a line over logarithms.
inline double half_way(double x0, double y0, double x1, double y1) noexcept {
  return x0 + (x1 - x0) * (0.5 - y0) / (y1 - y0);
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  const std::uint64_t chunks[] = {200'000, 200'000, 400'000, 800'000, 1'400'000};
  double learnt_at_best = 0;
  double worth_of[n_keys][n_levels] = {}, t50_of[n_keys][n_levels] = {};
  for (std::size_t which = 0; which < n_levels; ++which) {
    auto g = gazette::make(corpus_of(which, seed));
    if (!g) return forward_error(g);
    const population writers = true_population(*g);
    auto who = laboratory::newborn({}, seed);
    if (!who) return forward_error(who);
    classroom c{*g, writers, *who};

    const document_source held_out(*g, writers, laboratory::asking_seed(seed));
    texts all;
    for (std::uint64_t i = 0; i < in.budget(400, 200); ++i) {
      all.push_back(held_out.document(i).tokens);
    }
    std::vector<trait_places> traits;
    for (const choice_key k : keys) {
      auto found = find_trait_places(*g, writers, all, k);
      if (!found) return forward_error(found);
      traits.push_back(std::move(*found));
    }
    const document_source to_read(*g, writers, laboratory::reading_seed(seed));
    std::uint64_t next = 0, n_read = 0;
    double before[n_keys] = {}, before_at = 0, half[n_keys] = {};
    for (const std::uint64_t full : chunks) {
      const std::uint64_t wanted = in.budget(full, full / 3);
      train::dataset data;
      while (data.n_tokens() < wanted) data.add(to_read.document(next++).tokens);
      n_read += data.n_tokens();
      auto later =
          in.tune(c.reader, data, {.n_steps = wanted / 1024, .peak = 3e-3, .seed = seed + next});
      if (!later) return forward_error(later);
      c.reader = *later;
      auto asked = scorer::make(in.workers(), c.reader);
      if (!asked) return forward_error(asked);
      auto lost = losses_at(*asked, all, traits);
      if (!lost) return forward_error(lost);
      const double at = std::log10(static_cast<double>(n_read));
      for (std::size_t u = 0; u < n_keys; ++u) {
        const double learnt = traits[u].learnt((*lost)[u]);
        if (half[u] == 0 && learnt >= 0.5) {
          half[u] = before_at > 0 ? half_way(before_at, before[u], at, learnt) : at;
        }
        before[u] = learnt;
        constexpr std::string_view labels[] = {"clarity 0.6", "clarity 0.8", "clarity 0.95"};
        const std::string_view label = labels[level_of(u, which, seed)];
        // Losses above the blind reader's, of a model that hardly reads yet, are off the chart.
        seen.drew(pictures[1].name, label, at, std::max(learnt, -1.0));
      }
      before_at = at;
    }
    for (std::size_t u = 0; u < n_keys; ++u) {
      const double worth = traits[u].gain() / static_cast<double>(all.size());
      // What is never learnt half comes last, at twice all that was read.
      const double t50 = half[u] > 0 ? half[u] : before_at + std::log10(2.0);
      seen.drew(pictures[0].name, name(trait_of(keys[u])), worth, t50);
      worth_of[u][which] = worth;
      t50_of[u][which] = t50;
      if (level_of(u, which, seed) + 1 == n_levels) learnt_at_best += before[u] / n_keys;
    }
    if (auto ok = probe_traits(in, c, seed, seen); !ok) return forward_error(ok);
  }
  for (std::size_t u = 0; u < n_keys; ++u) {
    const auto x = stats::ranks(worth_of[u]), y = stats::ranks(t50_of[u]);
    for (std::size_t i = 0; i < n_levels; ++i) seen.saw(figures[0].name, x[i], y[i]);
  }
  seen.passed(gates[0].name, learnt_at_best);
  return seen;
}

}  // namespace detail::traits_help

/// Claim 2: traits of authors are learnt because they help to guess the next word.
inline constexpr claim traits_help_claim{
    .number = 2,
    .name = "Traits that help guessing",
    .essay = "Language Models have Personas?",
    .quotation = "simply because that makes it better at guessing the next word.",
    .hypothesis =
        "A model takes up a trait of authors (spelling, verse, turns of phrase) because "
        "knowing it makes later words easier to guess: the more a trait is worth for "
        "that, the sooner it is learnt, and what is as visible but worth nothing is not "
        "kept in mind.",
    .method =
        "In three corpora choice of words, verse, openers and closers show with a "
        "probability of 0.6, 0.8 or 0.95, by turns. What each is worth is the loss of the "
        "best reader that never learns it, less the ideal reader's. The model's loss at "
        "these places is followed while it reads three million tokens.",
    .control =
        "A weekday at the beginning of each document, which tells nothing about the rest; "
        "probes with labels dealt out at random.",
    .refuted_by =
        "a rank correlation of reading time with worth that does not lie below -0.5, or "
        "a weekday that is found in late states as well as the traits are",
    .reach =
        "That gain orders learning within one small corpus. It does not exclude other causes "
        "of what a large model knows.",
    .figures = detail::traits_help::figures,
    .gates = detail::traits_help::gates,
    .pictures = detail::traits_help::pictures,
    .run = detail::traits_help::run};

}  // namespace multitudes::lab
