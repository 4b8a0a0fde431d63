// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/hybrid_access.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace multitudes::lab {

namespace detail::hybrids {

inline constexpr std::size_t doses[] = {1, 3, 7};  // domains per style

inline constexpr std::string_view of_joint =
    "how often a hybrid that no document shows answers in the one's style with the other's fact, "
    "as a share of how often the reader does who takes style and domain for independent";

inline constexpr figure figures[] = {
    {.name = "joint success, 1 domain per style",
     .how = statistic::ratio,
     .unit = "of the product reader's",
     .shows = of_joint,
     .holds = stats::interval{0.1, no_limit}},
    {.name = "joint success, 3 domains per style",
     .how = statistic::ratio,
     .unit = "of the product reader's",
     .shows = of_joint,
     .holds = stats::interval{0.1, no_limit}},
    {.name = "joint success, 7 domains per style",
     .how = statistic::ratio,
     .unit = "of the product reader's",
     .shows = of_joint,
     .holds = stats::interval{0.1, no_limit}},
    {.name = "told by one persona alone",
     .how = statistic::ratio,
     .unit = "of the product reader's",
     .shows = "control: the same where the style is introduced with a domain of its own; it should "
              "say that it does not know",
     .holds = stats::interval{-0.1, 0.1}},
    {.name = "access, 1 domain per style",
     .how = statistic::ratio,
     .shows = "how far the fact comes within reach: 0 as for the style alone, 1 as for one who has "
              "the domain (nats gained over nats to gain)"},
    {.name = "access, 3 domains per style", .how = statistic::ratio, .shows = "the same"},
    {.name = "access, 7 domains per style", .how = statistic::ratio, .shows = "the same"},
    {.name = "style kept, 1 domain per style",
     .how = statistic::ratio,
     .shows = "how much of the style is left: 1 as for the style alone, 0 as for one who has the "
              "domain (nats kept over nats to keep)"},
    {.name = "style kept, 3 domains per style", .how = statistic::ratio, .shows = "the same"},
    {.name = "style kept, 7 domains per style", .how = statistic::ratio, .shows = "the same"},
    {.name = "weight of the product, 1 domain per style",
     .shows = "lambda: 1 if the model takes style and domain for independent, 0 if it knows the "
              "seen combinations only"},
    {.name = "weight of the product, 3 domains per style", .shows = "the same"},
    {.name = "weight of the product, 7 domains per style", .shows = "the same"},
    {.name = "interaction, 1 domain per style",
     .unit = "nats",
     .shows = "log-odds of style and fact coming together: 0 for a hybrid, far below 0 for a model "
              "that alternates between two personas"},
    {.name = "interaction, 3 domains per style", .unit = "nats", .shows = "the same"},
    {.name = "interaction, 7 domains per style", .unit = "nats", .shows = "the same"},
    {.name = "joint success by demonstrations, 1 domain per style",
     .how = statistic::ratio,
     .unit = "of the product reader's",
     .shows = "joint success where four items by the hybrid stand in labels' place"},
    {.name = "joint success by demonstrations, 3 domains per style",
     .how = statistic::ratio,
     .unit = "of the product reader's",
     .shows = "the same"},
    {.name = "joint success by demonstrations, 7 domains per style",
     .how = statistic::ratio,
     .unit = "of the product reader's",
     .shows = "the same"},
};
enum : std::size_t {
  joint = 0,
  alone = 3,
  access = 4,
  kept = 7,
  weight = 10,
  apart = 13,
  shown = 16
};

inline constexpr gate gates[] = {
    excess_gate,
    {.name = "facts known", .unit = "of the ideal reader's", .passes = {0.8, 1.2}},
};
inline constexpr picture pictures[] = {
    {.name = "hybrids",
     .title = "What a hybrid that was never seen achieves, against how combined the corpus is",
     .x_label = "domains that each style is seen with, of eight",
     .y_label = "joint success (share of the product reader's)"},
    {.name = "product",
     .title = "How far the model generalises: the weight of the product reader",
     .x_label = "domains that each style is seen with, of eight",
     .y_label = "lambda (0: seen combinations, 1: product)"},
};

/// Labels are frequent here, so that they are known; whether they combine is what is asked.
inline gazette_config corpus_of(std::uint64_t seed, std::size_t domains_per_style) {
  gazette_config c = plain_corpus(seed);
  c.personas.domains_per_style = domains_per_style;
  c.labels.header = c.labels.domain = 0.1;
  return c;
}

/// Adds what was read with one way of introducing to the figures of dose number `k`.
inline void add(outcome& seen, std::size_t k, introduction how,
                std::span<const hybrid_reading> model, std::span<const hybrid_reading> product,
                std::span<const hybrid_reading> seen_only) {
  const bool by_label = how == introduction::labels;
  double sum = 0, whole = 0;
  for (std::size_t i = 0; i < model.size(); ++i) {
    const hybrid_reading& r = model[i];
    sum += r.joint();
    whole += product[i].joint();
    seen.saw(figures[(by_label ? joint : shown) + k].name, product[i].joint(), r.joint());
    if (!by_label) continue;
    seen.saw(figures[alone].name, product[i].joint(), r.joint_alone());
    const double fact = std::log(r.fact_in_style()), style = std::log(r.style());
    seen.saw(figures[access + k].name, r.fact_native - r.fact_alone, fact - r.fact_alone);
    seen.saw(figures[kept + k].name, r.style_alone - r.style_native, style - r.style_native);
    seen.saw(figures[apart + k].name, r.interaction());
  }
  const std::string_view label = by_label ? "labels" : "demonstrations";
  const auto dose = static_cast<double>(doses[k]);
  seen.drew(pictures[0].name, label, dose, sum / whole);
  double lambdas = 0, n = 0;
  for (std::size_t from = 0, to = 0; from < model.size(); from = to) {
    while (to < model.size() && model[to].cell == model[from].cell) ++to;
    const double lambda =
        weight_of_product(model.subspan(from, to - from), product.subspan(from, to - from),
                          seen_only.subspan(from, to - from));
    if (by_label) seen.saw(figures[weight + k].name, lambda);
    lambdas += lambda;
    ++n;
  }
  seen.drew(pictures[1].name, label, dose, lambdas / n);
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  double least_known = 2;
  for (std::size_t k = 0; k < std::size(doses); ++k) {
    auto c = teach(in, corpus_of(seed, doses[k]), seed, seen);
    if (!c) return forward_error(c);
    auto known = measure_facts_known(in, *c, seed);
    if (!known) return forward_error(known);
    least_known = std::min(least_known, *known);
    auto asked = scorer::make(in.workers(), c->reader);
    if (!asked) return forward_error(asked);
    const population general = product_population(c->corpus);
    ideal_scorer g(c->corpus, general), m(c->corpus, c->writers);
    const std::uint64_t of = laboratory::asking_seed(seed);
    for (const introduction how : {introduction::labels, introduction::demonstrations}) {
      const std::size_t n_draws = doses[k] == 7 ? 4 : in.budget(2, 1);
      auto model = read_hybrids(*asked, c->corpus, how, n_draws, of);
      if (!model) return forward_error(model);
      auto product = read_hybrids(g, c->corpus, how, n_draws, of);
      if (!product) return forward_error(product);
      auto seen_only = read_hybrids(m, c->corpus, how, n_draws, of);
      if (!seen_only) return forward_error(seen_only);
      add(seen, k, how, *model, *product, *seen_only);
    }
  }
  seen.passed(gates[1].name, least_known);
  return seen;
}

}  // namespace detail::hybrids

/// Claim 6: hybrid personas access what neither shows.
inline constexpr claim hybrids_claim{
    .number = 6,
    .name = "Hybrids have access",
    .essay = "Personas and Goals in Language Models",
    .quotation = "Hybrid personas … access information it wouldn't normally.",
    .hypothesis =
        "Told to write in the style of one persona with the knowledge of another, a model does "
        "both in one answer, though no document ever combined them.",
    .method =
        "Styles are seen with 1, 3 or 7 of eight domains. For every combination that was never "
        "seen, labels (\"as NAME would say : on DOMAIN :\") or four items introduce the hybrid, "
        "and it is asked for facts of the domain. Counted is an answer that begins in the style "
        "and tells the fact. Two ideal readers are asked the same: one who knows the seen "
        "combinations only (M), and one who takes style and domain for independent (G).",
    .control =
        "The style introduced with a domain of its own, which should answer \"dunno\"; the "
        "interaction, which tells a hybrid from a model that alternates between two personas.",
    .refuted_by =
        "joint success below a tenth of what the reader G achieves; where that is so at one domain "
        "per style alone, the claim holds for corpora that combine styles and domains, and not as "
        "it stands",
    .reach = "Styles and domains of a small corpus; how combined a corpus must be is the result.",
    .n_seeds = 10,
    .figures = detail::hybrids::figures,
    .gates = detail::hybrids::gates,
    .pictures = detail::hybrids::pictures,
    .run = detail::hybrids::run};

}  // namespace multitudes::lab
