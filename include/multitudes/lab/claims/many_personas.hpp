// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/demonstration.hpp>
#include <multitudes/lab/measure/depth.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/probe.hpp>
#include <multitudes/lab/measure/readout.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::many_personas {

inline constexpr std::uint32_t n_styles = 4, n_domains = 4;

inline constexpr figure figures[] = {
    {.name = "slope of beliefs",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "how far the model's log-odds of one persona against another follow the evidence in "
              "a text; the ideal reader has 1",
     .holds = stats::interval{0.5, 1.5}},
    {.name = "personas acquired",
     .how = statistic::mean,
     .unit = "share",
     .shows = "of the 16 personas, those that the model recognises after eight items at least 0.9 "
              "times as surely as the ideal reader does",
     .holds = stats::interval{0.8, no_limit}},
    {.name = "slope where writers were mixed",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "control: the same slope in a model that read the same items shuffled across "
              "documents, so that no document has an author",
     .holds = stats::interval{-0.1, 0.1}},
    {.name = "correlation of beliefs",
     .how = statistic::correlation,
     .shows = "of the model's log-odds with the ideal reader's"},
    {.name = "correlation with labels",
     .how = statistic::correlation,
     .shows = "of log-odds read from expectations with those read from how well labels fit"},
    {.name = "style read off the state",
     .how = statistic::mean,
     .unit = "share",
     .shows = "styles that a linear look at the model's state finds after eight items"},
    {.name = "style read off the state, labels shuffled",
     .how = statistic::mean,
     .unit = "share",
     .shows = "control: the same with labels dealt out at random; chance is 0.125"},
};
inline constexpr gate gates[] = {
    excess_gate,
    {.name = "facts known", .unit = "share", .passes = {0.8, 1.2}},
};
inline constexpr picture pictures[] = {
    {.name = "recognition",
     .title = "How surely a persona is recognised",
     .x_label = "items read",
     .y_label = "weight of the true persona (mean over personas)"},
    {.name = "acquisition",
     .title = "Each persona after eight items",
     .x_label = "weight under the ideal reader",
     .y_label = "weight in the model"},
};

/// Beliefs about style and domain, which are independent in this corpus, given any text.
struct belief {
  std::vector<double> style{}, domain{};

  [[nodiscard]] double log_odds_of(style_domain k, style_domain rival) const noexcept {
    return log_odds(style, k.style, rival.style, weight_resolution) +
           log_odds(domain, k.domain, rival.domain, weight_resolution);
  }
  [[nodiscard]] double of(style_domain k) const noexcept {
    return style[k.style] * domain[k.domain];
  }
};

template <class Asked>
expected<std::vector<belief>> beliefs(Asked& asked, const gazette& g, const texts& after) {
  std::vector<persona_traits> by_domain;
  for (std::size_t d = 0; d < g.config().personas.n_domains; ++d) {
    by_domain.push_back(g.traits({.domain = d}));
  }
  auto of_style = expectation_readout::of_styles(g);
  if (!of_style) return forward_error(of_style);
  // What somebody asks about tells the domain.
  auto of_domain = expectation_readout::make(g, std::move(by_domain), {{word("ask")}});
  if (!of_domain) return forward_error(of_domain);
  auto style = of_style->weights(asked, after);
  if (!style) return forward_error(style);
  auto domain = of_domain->weights(asked, after);
  if (!domain) return forward_error(domain);
  std::vector<belief> all;
  for (std::size_t i = 0; i < after.size(); ++i) {
    all.push_back({std::move((*style)[i]), std::move((*domain)[i])});
  }
  return all;
}

/// A text by a persona, and another persona to tell it from.
struct question {
  style_domain who{}, rival{};
  std::size_t n_items = 0;
};

inline constexpr std::size_t lengths[] = {1, 2, 4, 8};
/// Texts of each persona; more of the longest, where every persona is judged by itself.
inline std::uint64_t n_texts_of(const laboratory& in, std::size_t n_items) noexcept {
  return n_items == 8 ? in.budget(12, 2) : in.budget(4, 1);
}

inline expected<void> probe_style(scorer& asked, const gazette& g, std::uint64_t n_texts,
                                  std::uint64_t seed, outcome& seen) {
  texts all;
  std::vector<std::size_t> at, styles;
  philox random(laboratory::asking_seed(seed), 2);
  for (std::uint64_t i = 0; i < n_texts; ++i) {
    const std::size_t s = i % g.config().personas.n_styles;
    prompt p(g);
    demonstrate(p, g, g.traits({.style = s, .domain = random.below(8)}), 8, random);
    all.push_back(text_of(p));
    at.push_back(all.back().size() - 1);
    styles.push_back(s);
  }
  const layer_index middle(asked.who().shape().n_layers / 2);
  auto states = states_at(asked, all, at, styles, middle);
  if (!states) return forward_error(states);
  auto found = probe_states(*states, g.config().personas.n_styles, random);
  if (!found) return forward_error(found);
  seen.saw(figures[5].name, found->accuracy);
  seen.saw(figures[6].name, found->of_shuffled);
  return {};
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  gazette_config corpus = plain_corpus(seed);
  corpus.personas.n_styles = n_styles;
  corpus.personas.n_domains = n_domains;
  auto c = teach(in, corpus, seed, seen);
  if (!c) return forward_error(c);
  corpus.items.shuffled = true;
  auto mixed = teach(in, corpus, seed, seen);
  if (!mixed) return forward_error(mixed);
  auto known = measure_facts_known(in, *c, seed);
  if (!known) return forward_error(known);
  seen.passed(gates[1].name, *known);

  const auto g = *gazette::make(with_room(c->corpus.config()));
  const population writers = true_population(g);
  philox random(laboratory::asking_seed(seed), 1);
  texts all, bodies;
  std::vector<question> asked_about;
  for (const std::size_t n_items : lengths) {
    const std::uint64_t n_texts = n_texts_of(in, n_items);
    for (std::size_t cell = 0; cell < n_styles * n_domains; ++cell) {
      for (std::uint64_t i = 0; i < n_texts; ++i) {
        const style_domain who{cell / n_domains, cell % n_domains};
        const style_domain rival{(who.style + 1 + random.below(n_styles - 1)) % n_styles,
                                 (who.domain + 1 + random.below(n_domains - 1)) % n_domains};
        prompt p(g);
        demonstrate(p, g, g.traits({.style = who.style, .domain = who.domain}), n_items, random);
        all.push_back(text_of(p));
        bodies.emplace_back(p.tokens().begin() + 1, p.tokens().end());
        asked_about.push_back({who, rival, n_items});
      }
    }
  }
  ideal_scorer ideal(g, writers);
  auto student = scorer::make(in.workers(), c->reader);
  if (!student) return forward_error(student);
  auto of_mixed = scorer::make(in.workers(), mixed->reader);
  if (!of_mixed) return forward_error(of_mixed);
  auto truth = beliefs(ideal, g, all);
  if (!truth) return forward_error(truth);
  auto own = beliefs(*student, g, all);
  if (!own) return forward_error(own);
  auto control = beliefs(*of_mixed, g, all);
  if (!control) return forward_error(control);
  const std::vector<double> log_prior(n_styles, 0.0);
  auto by_label = label_readout(*student, g, bodies, log_prior);
  if (!by_label) return forward_error(by_label);

  std::vector<double> recalled(n_styles * n_domains), expected_of(n_styles * n_domains);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const question& q = asked_about[i];
    const double x = (*truth)[i].log_odds_of(q.who, q.rival);
    const double y = (*own)[i].log_odds_of(q.who, q.rival);
    // After eight items both are certain: such points would fix the slope by themselves.
    if (q.n_items < 8) {
      seen.saw(figures[0].name, x, y);
      seen.saw(figures[2].name, x, (*control)[i].log_odds_of(q.who, q.rival));
      seen.saw(figures[3].name, x, y);
      seen.saw(figures[4].name,
               log_odds((*by_label)[i], q.who.style, q.rival.style, weight_resolution),
               log_odds((*own)[i].style, q.who.style, q.rival.style, weight_resolution));
    } else {
      const std::size_t cell = q.who.style * n_domains + q.who.domain;
      const auto n_texts = static_cast<double>(n_texts_of(in, q.n_items));
      recalled[cell] += (*own)[i].of(q.who) / n_texts;
      expected_of[cell] += (*truth)[i].of(q.who) / n_texts;
    }
  }
  for (std::size_t cell = 0; cell < recalled.size(); ++cell) {
    seen.saw(figures[1].name, recalled[cell] >= 0.9 * expected_of[cell] ? 1 : 0);
    seen.drew(pictures[1].name, "personas", expected_of[cell], recalled[cell]);
  }
  std::size_t at = 0;
  for (const std::size_t n_items : lengths) {
    const std::uint64_t n = n_styles * n_domains * n_texts_of(in, n_items);
    double of[3] = {};
    for (std::uint64_t i = 0; i < n; ++i, ++at) {
      of[0] += (*truth)[at].of(asked_about[at].who) / static_cast<double>(n);
      of[1] += (*own)[at].of(asked_about[at].who) / static_cast<double>(n);
      of[2] += (*control)[at].of(asked_about[at].who) / static_cast<double>(n);
    }
    const auto x = static_cast<double>(n_items);
    seen.drew(pictures[0].name, "ideal reader", x, of[0]);
    seen.drew(pictures[0].name, "model", x, of[1]);
    seen.drew(pictures[0].name, "model of mixed writers", x, of[2]);
  }
  if (auto ok = probe_style(*student, g, in.budget(1600, 800), seed, seen); !ok) {
    return forward_error(ok);
  }
  return seen;
}

}  // namespace detail::many_personas

/// Claim 1: training acquires a multitude of personas.
inline constexpr claim many_personas_claim{
    .number = 1,
    .name = "A multitude of personas",
    .essay = "Personas and Goals in Language Models",
    .quotation = "During training, the LM acquires a multitude of personas.",
    .hypothesis =
        "A model that was trained to predict the next word of documents by many writers "
        "comes to know each of them: the start of a text changes its expectations of "
        "the rest as if it inferred who writes.",
    .method =
        "16 personas, four styles by four domains, write equally often. The model reads "
        "1 to 8 items by one of them; its expectations of openers and of subjects are "
        "explained as mixtures of styles and of domains, and compared with the exact "
        "posterior.",
    .control =
        "A model that read the same items shuffled across documents, where texts have no "
        "author; a linear probe with labels dealt out at random.",
    .refuted_by =
        "a slope outside of 0.5 to 1.5, or fewer than 80 % of the personas acquired, in a model "
        "that "
        "passed the gates",
    .reach =
        "It shows that training to predict can do this, in a corpus whose writers are exactly "
        "known; how many personas a large model has it does not say.",
    .figures = detail::many_personas::figures,
    .gates = detail::many_personas::gates,
    .pictures = detail::many_personas::pictures,
    .run = detail::many_personas::run};

}  // namespace multitudes::lab
