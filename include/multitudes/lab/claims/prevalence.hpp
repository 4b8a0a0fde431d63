// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/readout.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

namespace multitudes::lab {

namespace detail::prevalence {

inline constexpr figure figures[] = {
    {.name = "slope at Zipf 1",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "how much likelier the unprompted model finds a persona for each nat of prevalence; "
              "the ideal reader has 1",
     .holds = stats::interval{0.7, 1.3}},
    {.name = "slope at Zipf 1.5",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "the same where few personas write most",
     .holds = stats::interval{0.7, 1.3}},
    {.name = "spread at equal prevalence",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "control: how far apart the log-weights of equally prevalent personas lie (standard "
              "deviation)"},
    {.name = "slope of labels at Zipf 1",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "the same slope read from the names that the model expects in a label"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "weights",
     .title = "Weight of a persona before any evidence, against its prevalence",
     .x_label = "prevalence (log, nats)",
     .y_label = "weight in the model (log, nats)"},
};

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  for (const double zipf : {0.0, 1.0, 1.5}) {
    gazette_config corpus = plain_corpus(seed);
    corpus.personas.zipf = zipf;
    auto c = teach(in, corpus, seed, seen);
    if (!c) return forward_error(c);
    auto asked = scorer::make(in.workers(), c->reader);
    if (!asked) return forward_error(asked);
    auto r1 = expectation_readout::of_styles(c->corpus);
    if (!r1) return forward_error(r1);
    prompt nothing(c->corpus);
    const texts empty{{nothing.tokens().begin(), nothing.tokens().end()}};
    auto weights = r1->weights(*asked, empty);
    if (!weights) return forward_error(weights);
    const auto truth = c->writers.marginal(choice_key::name, r1->n_personas());
    const std::string label = "Zipf " + std::string(zipf == 0 ? "0" : zipf == 1 ? "1" : "1.5");
    double sum = 0, squares = 0;
    for (std::size_t k = 0; k < truth.size(); ++k) {
      const double weight = std::log((*weights)[0][k]);
      sum += weight;
      squares += weight * weight;
      const double prior = std::log(truth[k]);
      if (zipf > 0) seen.saw(zipf == 1 ? figures[0].name : figures[1].name, prior, weight);
      seen.drew(pictures[0].name, label, prior, weight);
    }
    const double n = static_cast<double>(truth.size());
    if (zipf == 0) seen.saw(figures[2].name, std::sqrt((squares - sum * sum / n) / (n - 1)));
    if (zipf != 1) continue;
    const texts labelled{{word("<doc>"), word("as")}};
    auto done = asked->predict_next(labelled, [&](std::size_t, std::span<const float> log_p) {
      for (std::size_t k = 0; k < truth.size(); ++k) {
        const token_id name_of(word("arden").value + k);
        seen.saw(figures[3].name, std::log(truth[k]), static_cast<double>(log_p[name_of.value]));
      }
    });
    if (!done) return forward_error(done);
  }
  return seen;
}

}  // namespace detail::prevalence

/// Claim 3: personas are weighted by prevalence.
inline constexpr claim prevalence_claim{
    .number = 3,
    .name = "Weighted by prevalence",
    .essay = "Personas and Goals in Language Models",
    .quotation = "Personas are weighted by prevalence.",
    .hypothesis =
        "Before any evidence, the log-weight that a model gives to a persona grows with "
        "the logarithm of the persona's prevalence in training, with slope 1.",
    .method =
        "Eight styles write by Zipf's law with exponents 0, 1 and 1.5. After <doc> alone, the "
        "model's expectations of openers are explained as a mixture of the styles.",
    .control = "Equal prevalence: differences between identities must be small.",
    .refuted_by = "a slope whose interval lies outside of 0.7 to 1.3",
    .reach = "One family of small models and one corpus, whose true prevalences are known.",
    .figures = detail::prevalence::figures,
    .gates = detail::prevalence::gates,
    .pictures = detail::prevalence::pictures,
    .run = detail::prevalence::run};

}  // namespace multitudes::lab
