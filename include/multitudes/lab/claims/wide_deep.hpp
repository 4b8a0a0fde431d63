// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/demonstration.hpp>
#include <multitudes/lab/measure/depth.hpp>
#include <multitudes/lab/measure/free_run.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/push_radius.hpp>
#include <multitudes/lab/measure/readout.hpp>
#include <multitudes/lab/measure/turncoats.hpp>
#include <multitudes/lab/measure/valley.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace multitudes::lab {

namespace detail::wide_deep {

inline constexpr figure figures[] = {
    {.name = "depth against prevalence",
     .how = statistic::correlation,
     .shows = "over pairs of personas: how many nats of evidence it takes to leave the one for the "
              "other, against how much more prevalent it is (log); the ideal reader has 1",
     .holds = stats::interval{0.5, no_limit}},
    {.name = "basin against depth",
     .how = statistic::correlation,
     .shows = "over personas: the share of random prompts that the model goes on with as the "
              "persona (log), against its depth",
     .holds = stats::interval{0, no_limit}},
    {.name = "radius against depth",
     .how = statistic::correlation,
     .shows = "over personas: how large a random push of the model's state must be to make it "
              "somebody else half of the time (log2), against its depth",
     .holds = stats::interval{0, no_limit}},
    {.name = "depth of faint less distinct",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "whether personas that are hard to tell apart are deeper; by Bayes they are not: it "
              "takes as much evidence, only more words",
     .holds = stats::interval{-0.5, 0.5}},
    {.name = "items to leave, faint over distinct",
     .how = statistic::ratio,
     .shows = "how many times as many items of a rival it takes to leave a persona where both are "
              "hard to tell apart",
     .holds = stats::interval{2, no_limit}},
    {.name = "depth between equals",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "control: the depth of a persona against one that is as prevalent, of which either "
              "may come first"},
    {.name = "slope of depth",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "how much deeper a persona is for each nat of prevalence; the ideal reader has 1"},
    {.name = "items to leave against the ideal reader's",
     .how = statistic::slope,
     .shows = "escape lengths as the ideal reader predicts them, and as they are; 1 if they agree"},
    {.name = "basin against prevalence",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "how the basin (log) grows with prevalence (log)"},
    {.name = "lock-in of a free run",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "how much surer of a persona the model becomes by reading what it wrote itself; an "
              "ideal reader's expectation is 0"},
    {.name = "asymmetry of turncoats",
     .how = statistic::ratio,
     .unit = "of the ideal reader's",
     .shows =
         "where some writers of one persona turn into another for good and none turn back: how "
         "many nats more a change of habits is believed in that direction than in the other"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "depth",
     .title = "Depth of a persona's valley against how much more prevalent it is",
     .x_label = "prevalence over the rival's (log, nats)",
     .y_label = "evidence at which the model leaves it (nats)"},
    {.name = "escape",
     .title = "Leaving a common persona for a rare one",
     .x_label = "items by the rare one",
     .y_label = "log-odds of the common one (median, nats)"},
    {.name = "push",
     .title = "Staying in a persona when pushed at random",
     .x_label = "size of the push (log2 of norms of the state)",
     .y_label = "share that stays"},
};

inline constexpr std::size_t n_styles = 8, n_escape = 9;  // places before and after each of 8 items

/// Two styles for each of common or rare, distinct or faint.
struct quarter {
  bool is_common = false, is_distinct = false;
};
inline quarter quarter_of(std::size_t style, std::uint64_t seed) noexcept {
  const std::size_t place = (style + seed) % n_styles;
  return {place % 2 == 0, place / 2 % 2 == 0};
}
inline gazette_config corpus_of(std::uint64_t seed) {
  gazette_config c;
  for (std::size_t s = 0; s < n_styles; ++s) {
    const quarter q = quarter_of(s, seed);
    c.personas.prevalence.push_back(q.is_common ? 8 : 1);
    c.clarity.slot_of_style.push_back(q.is_distinct ? 0.9 : 0.7);
  }
  // Line ends tell nothing, so that only the choice of words makes a filler distinct.
  c.clarity.form = 0.5;
  return c;
}

/// What all parts need.
struct bench {
  laboratory& in;
  const gazette& g;
  scorer& student;
  ideal_scorer& ideal;
  expectation_readout& r1;
  std::uint64_t seed;

  [[nodiscard]] persona_traits writer_of(std::size_t style) const {
    return g.traits({.style = style});
  }
};

/// How many items of rare personas it takes to leave common ones.
inline expected<void> measure_escapes(const bench& b, outcome& seen) {
  struct route {
    std::size_t from = 0, to = 0;
  };
  texts all;
  std::vector<route> routes;
  philox random(laboratory::asking_seed(b.seed), 2);
  const std::uint64_t n = b.in.budget(9, 5);
  for (std::size_t k = 0; k < n_styles; ++k) {
    for (std::size_t j = 0; j < n_styles; ++j) {
      const quarter from = quarter_of(k, b.seed), to = quarter_of(j, b.seed);
      if (!from.is_common || to.is_common || from.is_distinct != to.is_distinct) continue;
      routes.push_back({k, j});
      for (std::uint64_t i = 0; i < n; ++i) {
        prompt p(b.g);
        all.push_back(text_of(p));
        for (std::size_t m = 1; m < n_escape; ++m) {
          p.item(item_kind::filler, b.writer_of(j), random);
          all.push_back(text_of(p));
        }
      }
    }
  }
  auto own = b.r1.weights(b.student, all);
  if (!own) return forward_error(own);
  auto truth = b.r1.weights(b.ideal, all);
  if (!truth) return forward_error(truth);
  std::vector<double> lengths[2];  // of distinct, of faint
  std::vector<std::vector<double>> drawn[2];
  std::size_t at = 0;
  for (const route& r : routes) {
    std::vector<std::vector<double>> curves[2];
    const bool is_faint = !quarter_of(r.from, b.seed).is_distinct;
    for (std::uint64_t i = 0; i < n; ++i) {
      for (auto& c : curves) c.emplace_back();
      for (std::size_t m = 0; m < n_escape; ++m, ++at) {
        curves[0].back().push_back(log_odds((*truth)[at], r.from, r.to, weight_resolution));
        curves[1].back().push_back(log_odds((*own)[at], r.from, r.to, weight_resolution));
      }
    }
    // Who never leaves is counted as leaving after the last item.
    const double predicted = escape_length(curves[0]).value_or(n_escape);
    const double found = escape_length(curves[1]).value_or(n_escape);
    seen.saw(figures[7].name, predicted, found);
    lengths[is_faint].push_back(found);
    drawn[is_faint].insert(drawn[is_faint].end(), curves[1].begin(), curves[1].end());
  }
  for (const bool is_faint : {false, true}) {
    for (std::size_t m = 0; m < n_escape && !drawn[is_faint].empty(); ++m) {
      std::vector<double> now;
      for (const auto& c : drawn[is_faint]) now.push_back(c[m]);
      std::ranges::sort(now);
      seen.drew(pictures[1].name, is_faint ? "faint" : "distinct", static_cast<double>(m),
                now[now.size() / 2]);
    }
  }
  for (std::size_t i = 0; i < std::min(lengths[0].size(), lengths[1].size()); ++i) {
    seen.saw(figures[4].name, lengths[0][i], lengths[1][i]);
  }
  return {};
}

/// The share of tossed prompts that are continued as each persona; and what becomes of beliefs
/// when the model goes on by itself.
inline expected<std::vector<double>> measure_basins(const bench& b, outcome& seen) {
  texts all;
  philox random(laboratory::asking_seed(b.seed), 3);
  for (std::uint64_t i = 0; i < b.in.budget(200, 100); ++i) {
    prompt p(b.g);
    add_tossed_filler(p, random);
    add_tossed_filler(p, random);
    all.push_back(text_of(p));
  }
  auto before = b.r1.weights(b.student, all);
  if (!before) return forward_error(before);
  std::vector<double> mass(n_styles);
  for (const auto& w : *before) {
    for (std::size_t k = 0; k < n_styles; ++k) mass[k] += w[k] / static_cast<double>(all.size());
  }
  auto said = write_on(b.in.workers(), b.student.who(), all, 64, b.seed);
  if (!said) return forward_error(said);
  for (std::size_t i = 0; i < all.size(); ++i) (*said)[i] = whole_items(b.g, (*said)[i]);
  auto after = b.r1.weights(b.student, *said);
  if (!after) return forward_error(after);
  auto truth = b.r1.weights(b.ideal, all);
  if (!truth) return forward_error(truth);
  for (std::size_t i = 0; i < all.size(); ++i) {
    // The ideal reader's favorite: the model's own would be one that it overrates.
    const auto k =
        static_cast<std::size_t>(std::ranges::max_element((*truth)[i]) - (*truth)[i].begin());
    seen.saw(figures[9].name, (*after)[i][k] - (*before)[i][k]);
  }
  return mass;
}

/// For each persona, the push at which half of its states have become somebody else's, log2.
inline expected<std::vector<double>> measure_radii(const bench& b, outcome& seen) {
  philox random(laboratory::asking_seed(b.seed), 4);
  const std::uint64_t n_texts = b.in.budget(4, 2);
  texts all;
  for (std::size_t k = 0; k < n_styles; ++k) {
    for (std::uint64_t i = 0; i < n_texts; ++i) {
      prompt p(b.g);
      demonstrate(p, b.g, b.writer_of(k), 4, random);
      all.push_back(text_of(p));
    }
  }
  push_options how;
  how.n_pushes = b.in.budget(8, 4);
  auto found = measure_push_radii(b.in.workers(), b.student.who(), b.r1, all, how, random);
  if (!found) return forward_error(found);
  std::vector<double> half;
  std::vector<double> shares[4];  // rare and common, faint and distinct: two personas each
  for (auto& s : shares) s.assign(how.radii.size(), 0.0);
  for (std::size_t k = 0; k < n_styles; ++k) {
    // One that no push moves is as wide as the widest push.
    half.push_back(std::log2(std::min((*found)[k].radius, how.radii.back())));
    const quarter q = quarter_of(k, b.seed);
    for (std::size_t r = 0; r < how.radii.size(); ++r) {
      shares[(q.is_common ? 2 : 0) + (q.is_distinct ? 1 : 0)][r] += (*found)[k].shares[r] / 2;
    }
  }
  const char* labels[] = {"rare, faint", "rare, distinct", "common, faint", "common, distinct"};
  for (std::size_t q = 0; q < 4; ++q) {
    for (std::size_t r = 0; r < how.radii.size(); ++r) {
      seen.drew(pictures[2].name, labels[q], std::log2(how.radii[r]), shares[q][r]);
    }
  }
  return half;
}

/// Masks that fall: three in ten documents are by writers who begin as one persona and turn into
/// another, one in five after each item, for good.
inline expected<void> measure_turncoats(laboratory& in, std::uint64_t seed, outcome& seen) {
  gazette_config corpus = plain_corpus(seed);
  // Both write prose, or both verse: words alone tell them apart in fillers.
  const std::size_t mask = seed % n_styles, under = (mask + 2) % n_styles;
  corpus.personas.turncoats = {.share = 0.3, .hazard = 0.2, .from = mask, .to = under};
  auto c = teach(in, corpus, seed, seen);
  if (!c) return forward_error(c);
  const auto g = *gazette::make(with_room(c->corpus.config()));
  const population writers = true_population(g);
  ideal_scorer ideal(g, writers);
  auto student = scorer::make(in.workers(), c->reader);
  if (!student) return forward_error(student);
  auto r1 = expectation_readout::of_styles(g);
  if (!r1) return forward_error(r1);

  philox random(laboratory::asking_seed(seed), 5);
  auto found =
      turncoat_asymmetries(*student, ideal, g, *r1, {mask, under}, in.budget(32, 12), random);
  if (!found) return forward_error(found);
  for (const turncoat_asymmetry& a : *found) seen.saw(figures[10].name, a.ideal, a.student);
  return {};
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  auto c = teach(in, corpus_of(seed), seed, seen);
  if (!c) return forward_error(c);
  const auto g = *gazette::make(with_room(c->corpus.config()));
  const population writers = true_population(g);
  const auto prevalence = writers.marginal(choice_key::name, n_styles);
  auto student = scorer::make(in.workers(), c->reader);
  if (!student) return forward_error(student);
  ideal_scorer ideal(g, writers);
  auto r1 = expectation_readout::of_styles(g);
  if (!r1) return forward_error(r1);
  const bench b{in, g, *student, ideal, *r1, seed};

  std::vector<persona_traits> who;
  std::vector<double> log_prior;
  for (std::size_t k = 0; k < n_styles; ++k) {
    who.push_back(b.writer_of(k));
    log_prior.push_back(std::log(prevalence[k]));
  }
  philox random(laboratory::asking_seed(seed), 1);
  auto depths = measure_depths(*student, g, *r1, who, log_prior, in.budget(32, 16), random);
  if (!depths) return forward_error(depths);
  std::vector<double> uneven[2];  // depths of common against rare: of distinct, of faint
  for (std::size_t k = 0; k < n_styles; ++k) {
    for (std::size_t j = 0; j < n_styles; ++j) {
      const quarter a = quarter_of(k, seed), d = quarter_of(j, seed);
      // Of two, the more prevalent one is left for the other.
      const bool comes_first = a.is_common != d.is_common ? a.is_common : k < j;
      if (k == j || !comes_first || std::isnan(depths->of(k, j))) continue;
      const double ratio = std::log(prevalence[k] / prevalence[j]);
      const double depth = depths->of(k, j);
      seen.saw(figures[0].name, ratio, depth);
      seen.saw(figures[6].name, ratio, depth);
      seen.drew(pictures[0].name,
                a.is_distinct && d.is_distinct   ? "both distinct"
                : a.is_distinct || d.is_distinct ? "one faint"
                                                 : "both faint",
                ratio, depth);
      if (a.is_common == d.is_common) seen.saw(figures[5].name, depth);
      if (a.is_common != d.is_common && a.is_distinct == d.is_distinct) {
        uneven[!a.is_distinct].push_back(depth);
      }
    }
  }
  for (std::size_t n = 0; n < std::min(uneven[0].size(), uneven[1].size()); ++n) {
    seen.saw(figures[3].name, uneven[1][n] - uneven[0][n]);
  }
  if (auto ok = measure_escapes(b, seen); !ok) return forward_error(ok);
  auto mass = measure_basins(b, seen);
  if (!mass) return forward_error(mass);
  auto radii = measure_radii(b, seen);
  if (!radii) return forward_error(radii);
  for (std::size_t k = 0; k < n_styles; ++k) {
    const double depth = depths->of(k);
    seen.saw(figures[1].name, depth, std::log((*mass)[k]));
    seen.saw(figures[2].name, depth, (*radii)[k]);
    seen.saw(figures[8].name, std::log(prevalence[k]), std::log((*mass)[k]));
  }
  if (auto ok = measure_turncoats(in, seed, seen); !ok) return forward_error(ok);
  return seen;
}

}  // namespace detail::wide_deep

/// Claim 4: some personas' valleys are wider and deeper.
inline constexpr claim wide_deep_claim{
    .number = 4,
    .name = "Wide and deep valleys",
    .essay = "Personas and Goals in Language Models",
    .quotation = "some persona-valleys are wider and deeper (more difficult to escape from).",
    .hypothesis =
        "A persona that is common in training takes more evidence to be talked out of "
        "(depth), is fallen into from more prompts, and withstands larger pushes of the "
        "model's state (width). How many words it takes also depends on how plainly "
        "personas differ; how much evidence does not.",
    .method =
        "Two common and two rare personas each of distinct and of faint style. Depth: the "
        "log-likelihood ratio of a text at which the model's log-odds pass zero. Escape: "
        "items by a rare persona until the median leaves the common one. Basin: random "
        "prompts. Radius: h + e |h| u after the second block, u random. In a corpus of its own "
        "some "
        "writers drop a mask: three items of one persona, then up to three of another, and back.",
    .control =
        "Pairs of equal prevalence, whose depth must be near zero; faint against distinct at "
        "equal prevalence; random directions; the ideal reader's escape lengths.",
    .refuted_by =
        "a correlation of depth with log-prevalence below 0.5, widths that do not go "
        "with depth, or distinctness that makes depth and not only length",
    .reach =
        "One family of small models. That prevalence makes depth is exact for an ideal "
        "reader; that it makes width in the state is not implied by anything.",
    .figures = detail::wide_deep::figures,
    .gates = detail::wide_deep::gates,
    .pictures = detail::wide_deep::pictures,
    .run = detail::wide_deep::run};

}  // namespace multitudes::lab
