// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/demonstration.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/readout.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

namespace multitudes::lab {

namespace detail::labels {

inline constexpr figure figures[] = {
    {.name = "what labels lack, in no document",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "weight of a persona after five examples less its weight after the worst wording of "
              "its label, where names stand only at the end of texts",
     .holds = stats::interval{0.1, no_limit}},
    {.name = "what labels lack, in 0.2 %",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "the same where one document in 500 begins with a label",
     .holds = stats::interval{0.1, no_limit}},
    {.name = "what labels lack, in 1 %",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "the same where one document in 100 does",
     .holds = stats::interval{0.1, no_limit}},
    {.name = "weight after a label, in no document",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "weight of the persona after its label in the first wording; 0.125 is nothing"},
    {.name = "weight after a label, in 0.2 %",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "the same where one document in 500 begins with a label"},
    {.name = "weight after a label, in 1 %",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "the same where one document in 100 does"},
    {.name = "range over wordings, in no document",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "how far apart the weights lie after four wordings that no document has"},
    {.name = "range over wordings, in 0.2 %",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "the same where one document in 500 begins with a label"},
    {.name = "range over wordings, in 1 %",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "the same where one document in 100 does"},
    {.name = "examples that a label is worth, in 1 %",
     .how = statistic::mean,
     .unit = "items",
     .shows = "how many items by a persona make its weight what the first wording of the label "
              "makes it"},
    {.name = "weight after gossip",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "control: a persona's weight after others talk of it"},
    {.name = "weight of who never wrote",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "control: the weight of a persona without any document, after its label"},
    {.name = "what labels lack, in 5 %",
     .how = statistic::mean,
     .unit = "weight",
     .shows = "beside what decides: the same where one document in 20 begins with a label"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "frequency",
     .title = "What a label does, by how many documents begin with one",
     .x_label = "documents that begin with a label (%)",
     .y_label = "weight of the persona (mean)"},
    {.name = "examples",
     .title = "What examples do",
     .x_label = "items by the persona",
     .y_label = "its weight (mean)"},
};

inline constexpr std::size_t n_styles = 8, n_wordings = 6, n_seen = 2, n_examples = 8;

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  const double shares[] = {0, 0.002, 0.01, 0.05};
  const char* curves[] = {"no labels", "labels in 0.2 %", "labels in 1 %", "labels in 5 %"};
  for (std::size_t f = 0; f < std::size(shares); ++f) {
    gazette_config corpus = plain_corpus(seed);  // which has labels in 1 %
    corpus.labels.header = shares[f];
    auto c = teach(in, corpus, seed, seen);
    if (!c) return forward_error(c);
    gazette_config wide = with_room(c->corpus.config());
    const auto g = *gazette::make(wide);
    auto asked = scorer::make(in.workers(), c->reader);
    if (!asked) return forward_error(asked);
    auto r1 = expectation_readout::of_styles(g);
    if (!r1) return forward_error(r1);

    const std::uint64_t n_each = in.budget(12, 4);
    philox random(laboratory::asking_seed(seed), 1);
    texts all;
    for (std::size_t k = 0; k < n_styles; ++k) {
      for (std::size_t t = 0; t < n_wordings; ++t) all.push_back(text_of(prompt(g).label(k, t)));
      prompt gossip(g);
      static_cast<void>(gossip.say("people talk of"));
      static_cast<void>(gossip.put_checked(token_id(word("arden").value + k)));
      static_cast<void>(gossip.say("."));
      all.push_back(text_of(gossip));
      for (std::uint64_t i = 0; i < n_each; ++i) {
        prompt p(g);
        for (std::size_t n = 0; n <= n_examples; ++n) {
          if (n > 0) demonstrate(p, g, g.traits({.style = k, .domain = i % 8}), 1, random);
          all.push_back(text_of(p));
        }
      }
    }
    auto w = r1->weights(*asked, all);
    if (!w) return forward_error(w);
    std::size_t at = 0;
    std::vector<double> of_examples(n_examples + 1);
    double of_first = 0, of_worst = 0;
    for (std::size_t k = 0; k < n_styles; ++k) {
      const double first = (*w)[at][k];
      double least = 1, most = 0;
      for (std::size_t t = 0; t < n_wordings; ++t, ++at) {
        if (t < n_seen) continue;
        least = std::min(least, (*w)[at][k]);
        most = std::max(most, (*w)[at][k]);
      }
      if (f == 2) seen.saw(figures[10].name, (*w)[at][k]);
      ++at;
      std::vector<double> examples(n_examples + 1);
      for (std::uint64_t i = 0; i < n_each; ++i) {
        for (double& e : examples) e += (*w)[at++][k] / static_cast<double>(n_each);
      }
      if (f == 3) seen.saw(figures[12].name, examples[5] - least);
      if (f < 3) {
        seen.saw(figures[f].name, examples[5] - least);
        seen.saw(figures[3 + f].name, first);
        seen.saw(figures[6 + f].name, most - least);
      }
      if (f == 2) {
        std::size_t n = 0;
        while (n < n_examples && examples[n + 1] < first) ++n;
        const double step = n < n_examples ? examples[n + 1] - examples[n] : 0;
        const double part = step > 0 ? std::clamp((first - examples[n]) / step, 0.0, 1.0) : 0;
        seen.saw(figures[9].name, static_cast<double>(n) + part);
      }
      for (std::size_t n = 0; n <= n_examples; ++n) of_examples[n] += examples[n] / n_styles;
      of_first += first / n_styles;
      of_worst += least / n_styles;
    }
    const double x = 100 * shares[f];
    seen.drew(pictures[0].name, "label as in documents", x, of_first);
    seen.drew(pictures[0].name, "label in the worst other wording", x, of_worst);
    seen.drew(pictures[0].name, "five examples", x, of_examples[5]);
    for (std::size_t n = 0; n <= n_examples; ++n) {
      seen.drew(pictures[1].name, curves[f], static_cast<double>(n), of_examples[n]);
    }
    if (f != 2) continue;
    // Four more names, which no document has: their styles would have openers of their own.
    wide.personas.n_styles = 12;
    const auto with_absent = *gazette::make(wide);
    auto of_twelve = expectation_readout::of_styles(with_absent);
    if (!of_twelve) return forward_error(of_twelve);
    texts absent;
    for (std::size_t k = n_styles; k < 12; ++k) {
      absent.push_back(text_of(prompt(with_absent).label(k)));
    }
    auto unknown = of_twelve->weights(*asked, absent);
    if (!unknown) return forward_error(unknown);
    for (std::size_t k = n_styles; k < 12; ++k) {
      seen.saw(figures[11].name, (*unknown)[k - n_styles][k]);
    }
  }
  return seen;
}

}  // namespace detail::labels

/// Claim 9: labels are weak and brittle, examples are needed.
inline constexpr claim labels_claim{
    .number = 9,
    .name = "Labels against examples",
    .essay = "Language Models have Personas?",
    .quotation = "weak ability … will probably usually need examples; … by label … brittle",
    .hypothesis =
        "To name a persona does less than to give five examples of it, or does it only "
        "in some wordings.",
    .method =
        "Models read corpora in which none, one in 500, one in 100 or one in 20 documents begins "
        "with a label (\"as NAME would say :\", two wordings), and names stand at the end of 30 "
        "%. They are asked for the weight of the persona after its label in two wordings of "
        "documents and four others, and after 0 to 8 of its items.",
    .control = "Talk of the persona by others; names of personas that never wrote.",
    .refuted_by =
        "labels that do as much as five examples in every wording; that is, to lack less "
        "than 0.1. It is judged at each frequency of labels up to 1 %: the map says where "
        "the claim holds",
    .reach =
        "How labels depend on their frequency in training, in small models; what the "
        "frequency is for a given name in a large corpus it does not say. It holds for models "
        "that were not tuned to obey.",
    .n_seeds = 10,
    .figures = detail::labels::figures,
    .gates = detail::labels::gates,
    .pictures = detail::labels::pictures,
    .run = detail::labels::run};

}  // namespace multitudes::lab
