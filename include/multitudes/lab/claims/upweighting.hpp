// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/demonstration.hpp>
#include <multitudes/lab/measure/replies.hpp>
#include <multitudes/lab/measure/speech.hpp>
#include <multitudes/lab/measure/style_judge.hpp>
#include <multitudes/lab/measure/tilt.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::upweighting {

inline constexpr figure figures[] = {
    {.name = "shift at prompts of the feedback",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "how many nats the persona's log-odds rise for each nat that its reward is worth "
              "(R/beta), where feedback was given; the best policy has 1",
     .holds = stats::interval{0.7, 1.3}},
    {.name = "shift at other prompts",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "the same after beginnings that were never a prompt, asked about other things",
     .holds = stats::interval{0.7, 1.3}},
    {.name = "breadth",
     .how = statistic::ratio,
     .unit = "of what R/beta predicts",
     .shows = "how much the share of conversations that go on as the persona grew, over what its "
              "raised odds would make of it; conversations begin with one or two items by anybody",
     .holds = stats::interval{0.7, 1.3}},
    {.name = "shift by random reward",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "control: the rise when rewards are as frequent and large, but given at random",
     .holds = stats::interval{-0.3, 0.3}},
    {.name = "shift against a rival's demonstrations",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "the same slope after one or two items by another persona: how much deeper the "
              "valley is"},
    {.name = "shift by openers alone",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "at prompts of the feedback, read from openers only (R1): poor where the persona is "
              "nearly certain, because a twentieth more of its opener is a nat there"},
    {.name = "shift by what is said",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "at prompts of the feedback, from the share of answers that the ideal reader takes "
              "for the persona's"},
    {.name = "carried over by feedback",
     .how = statistic::ratio,
     .unit = "of the shift at prompts of the feedback",
     .shows = "the rise at other prompts over that at prompts of the feedback, beta = 0.5"},
    {.name = "carried over by imitation",
     .how = statistic::ratio,
     .unit = "of the shift at prompts of the feedback",
     .shows = "control: the same for a model that learnt from the persona's documents until it was "
              "as far (KL) from the beginning"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "shift",
     .title = "Rise of the rewarded persona's log-odds, against what its reward is worth",
     .x_label = "R / beta (nats)",
     .y_label = "rise of log-odds (nats)"},
    {.name = "basin",
     .title = "Share of conversations that go on as the rewarded persona",
     .x_label = "R / beta (nats)",
     .y_label = "share"},
};

inline constexpr std::size_t n_answer = 32;

/// Half of the prompts are empty, half are questions about the first half of the domains.
inline texts feedback_prompts(const gazette& g, std::uint64_t seed, std::uint64_t step) {
  const std::size_t n_domains = g.config().personas.n_domains / 2;
  const auto n_facts = static_cast<std::uint32_t>(g.config().questions.facts_per_domain);
  philox random(seed, step, 14);
  texts prompts;
  for (std::size_t i = 0; i < 8; ++i) {
    prompts.push_back({word("<doc>")});
    if (i % 2 == 0) continue;
    const std::size_t domain = random.below(static_cast<std::uint32_t>(n_domains));
    prompts.back() = followed_by(prompts.back(), question_about(domain, random.below(n_facts)));
  }
  return prompts;
}

/// Beginnings that tell nothing about the style and were no prompts.
inline texts other_beginnings(const gazette& g) {
  texts all;
  const auto add = [&](const prompt& p) { all.emplace_back(p.tokens().begin(), p.tokens().end()); };
  for (std::size_t d = 0; d < g.config().personas.n_domains; ++d) add(prompt(g).about(d));
  for (std::size_t goal = 0; goal < g.config().personas.n_goals; ++goal) {
    add(prompt(g).seeking(goal));
  }
  philox random(14, 0);
  for (std::size_t i = 0; i < 4; ++i) {
    for (const item_kind kind : {item_kind::mention, item_kind::dialogue, item_kind::skill}) {
      add(prompt(g).item(kind, g.traits({}), random));
    }
  }
  return all;
}

/// Conversations of one or two items by anybody.
inline texts conversations(const gazette& g, std::size_t count, std::uint64_t seed) {
  const auto n_styles = static_cast<std::uint32_t>(g.config().personas.n_styles);
  const auto n_domains = static_cast<std::uint32_t>(g.config().personas.n_domains);
  texts all;
  for (std::size_t i = 0; i < count; ++i) {
    philox random(seed, i, 15);
    const auto who = g.traits({.style = random.below(n_styles), .domain = random.below(n_domains)});
    prompt p(g);
    all.push_back(text_of(demonstrate(p, g, who, 1 + i % 2, random)));
  }
  return all;
}

/// Beginnings by this style: one filler, or two.
inline texts demonstrations(const gazette& g, std::size_t style, std::size_t count,
                            std::uint64_t seed) {
  texts all;
  for (std::size_t i = 0; i < count; ++i) {
    philox random(seed, i, 16);
    prompt p(g);
    for (std::size_t n = 0; n <= i % 2; ++n) {
      p.item(item_kind::filler, g.traits({.style = style}), random);
    }
    all.emplace_back(p.tokens().begin(), p.tokens().end());
  }
  return all;
}

inline double log_odds_of(double p) noexcept {
  p = std::clamp(p, 1e-6, 1 - 1e-6);
  return std::log(p / (1 - p));
}

/// What a model makes of the persona, here and there.
struct view {
  std::vector<double> at_prompts{};       ///< log-odds; one for each fact of the first domains
  std::vector<double> by_openers{};       ///< the same by R1
  std::vector<double> said{};             ///< the same by answers, one for each prompt
  std::vector<double> elsewhere{};        ///< log-odds
  std::vector<double> in_conversation{};  ///< weights
  std::vector<double> against{};          ///< log-odds against the rival
};

/// Where a model is looked at, and for whom.
struct views {
  gazette corpus;
  std::size_t persona = 0, rival = 0;
  texts talks{}, against{};

  expected<view> of(laboratory& in, const student& who) const {
    auto asked = scorer::make(in.workers(), who);
    if (!asked) return forward_error(asked);
    const std::size_t n_domains = corpus.config().personas.n_domains;
    const texts start{{word("<doc>")}};
    std::vector<std::size_t> first, second, every;
    for (std::size_t d = 0; d < n_domains; ++d) {
      every.push_back(d);
      (d < n_domains / 2 ? first : second).push_back(d);
    }
    view v;
    for (std::size_t f = 0; f < corpus.config().questions.facts_per_domain; ++f) {
      const replies ask(first, f);
      auto odds = ask.log_odds(*asked, start, corpus, persona);
      if (!odds) return forward_error(odds);
      v.at_prompts.push_back((*odds)[0]);
      auto w = ask.weights(*asked, corpus, start);
      if (!w) return forward_error(w);
      v.by_openers.push_back(log_odds_of((*w)[0][persona]));
    }
    auto there = replies(second).log_odds(*asked, other_beginnings(corpus), corpus, persona);
    if (!there) return forward_error(there);
    v.elsewhere = std::move(*there);
    auto talking = replies(every).weights(*asked, corpus, talks);
    if (!talking) return forward_error(talking);
    for (const auto& w : *talking) v.in_conversation.push_back(w[persona]);
    const texts prompts = feedback_prompts(corpus, 14, 0);
    auto answers = speak(in.workers(), who, prompts, in.budget(64, 16), n_answer, 14);
    if (!answers) return forward_error(answers);
    const style_judge judge(corpus);
    std::vector<double> shares(prompts.size());
    const std::size_t n_each = answers->size() / prompts.size();
    for (std::size_t i = 0; i < answers->size(); ++i) {
      const train::rollout& r = (*answers)[i];
      shares[i / n_each] +=
          judge.posterior(std::span(r.tokens).first(r.n_prompt), r.answer())[persona] /
          static_cast<double>(n_each);
    }
    for (const double x : shares) v.said.push_back(log_odds_of(x));
    auto opposed = replies({0, n_domains / 2}).log_odds(*asked, against, persona, rival);
    if (!opposed) return forward_error(opposed);
    v.against = std::move(*opposed);
    return v;
  }
};

inline double mean_rise(const std::vector<double>& before, const std::vector<double>& after) {
  double sum = 0;
  for (std::size_t i = 0; i < before.size(); ++i) sum += after[i] - before[i];
  return sum / static_cast<double>(before.size());
}

/// A model that learnt from the persona's documents until it was as far from the beginning as the
/// rewarded one: of several lengths of study, the nearest.
inline expected<student> imitator(laboratory& in, const classroom& c, const student& rewarded,
                                  std::size_t persona, std::uint64_t seed) {
  const document_source source(c.corpus, c.writers, laboratory::reading_seed(seed) + 1000);
  train::dataset data;
  for (std::size_t i = 0; i < 400; ++i) {
    data.add(source
                 .document(i, c.corpus.traits({.style = persona,
                                               .domain = i % 8,
                                               .truthful = i % 5 != 0,
                                               .goal = i % 3,
                                               .compliance = i / 3 % 3,
                                               .task = i % 2}))
                 .tokens);
  }
  const texts prompts = feedback_prompts(c.corpus, laboratory::asking_seed(seed), 0);
  const auto far = [&](const student& who) -> expected<double> {
    auto answers = speak(in.workers(), who, prompts, 8, n_answer, seed);
    if (!answers) return forward_error(answers);
    auto here = scorer::make(in.workers(), who);
    if (!here) return forward_error(here);
    auto there = scorer::make(in.workers(), c.reader);
    if (!there) return forward_error(there);
    auto kl = divergence_by_place(*here, *there, *answers);
    if (!kl) return forward_error(kl);
    return mean_sum(*kl);
  };
  auto wanted = far(rewarded);
  if (!wanted) return forward_error(wanted);
  student best;
  double least = 0;
  for (const std::uint64_t n_steps : {2u, 4u, 8u, 16u, 32u}) {
    auto made = in.tune(c.reader, data, {.n_steps = n_steps, .peak = 3e-4, .seed = seed});
    if (!made) return forward_error(made);
    auto kl = far(*made);
    if (!kl) return forward_error(kl);
    const double off = std::abs(std::log(std::max(*kl, 1e-6) / std::max(*wanted, 1e-6)));
    if (best.weights && off >= least) continue;
    best = *made;
    least = off;
  }
  return best;
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  auto c = teach(in, plain_corpus(seed), seed, seen);
  if (!c) return forward_error(c);

  const gazette& g = c->corpus;
  const std::size_t n_styles = g.config().personas.n_styles;
  const std::size_t persona = seed % n_styles;
  const std::uint64_t asking = laboratory::asking_seed(seed);
  const std::size_t n_talks = in.budget(160, 40), n_against = in.budget(40, 10);
  const std::size_t rival = (persona + 2) % n_styles;
  const views look{g, persona, rival, conversations(g, n_talks, asking),
                   demonstrations(g, rival, n_against, asking)};
  auto before = look.of(in, c->reader);
  if (!before) return forward_error(before);

  const style_judge judge(g);
  const auto prompts = [&](std::uint64_t step) { return feedback_prompts(g, seed, step); };
  const auto by_persona = [&](const train::rollout& r) {
    return judge.posterior(std::span(r.tokens).first(r.n_prompt), r.answer())[persona];
  };
  const auto at_random = [&](const train::rollout& r) {
    const auto id = fingerprint_builder().add(std::as_bytes(std::span(r.tokens))).finish();
    return id.value % n_styles == 0 ? 1.0 : 0.0;
  };
  reinforcement how{.n_steps = in.budget(250, 40), .max_tokens = n_answer, .seed = seed};
  seen.drew("basin", "measured", 0,
            std::accumulate(before->in_conversation.begin(), before->in_conversation.end(), 0.0) /
                static_cast<double>(n_talks));
  for (const double worth : {1.0, 2.0, 4.0}) {
    how.kl_weight = 1 / worth;
    auto rewarded = in.reinforce(c->reader, prompts, by_persona, how);
    if (!rewarded) return forward_error(rewarded);
    auto after = look.of(in, *rewarded);
    if (!after) return forward_error(after);
    const auto compare = [&](std::string_view name, const std::vector<double>& a,
                             const std::vector<double>& b) {
      for (std::size_t i = 0; i < a.size(); ++i) seen.saw(name, worth, b[i] - a[i]);
    };
    compare(figures[0].name, before->at_prompts, after->at_prompts);
    compare(figures[1].name, before->elsewhere, after->elsewhere);
    compare(figures[4].name, before->against, after->against);
    compare(figures[5].name, before->by_openers, after->by_openers);
    compare(figures[6].name, before->said, after->said);
    seen.drew("shift", "prompts of the feedback", worth,
              mean_rise(before->at_prompts, after->at_prompts));
    seen.drew("shift", "other prompts", worth, mean_rise(before->elsewhere, after->elsewhere));
    seen.drew("shift", "after demonstrations by a rival", worth,
              mean_rise(before->against, after->against));
    double mass = 0, predicted = 0;
    for (std::size_t i = 0; i < n_talks; ++i) {
      const double was = before->in_conversation[i], is = after->in_conversation[i];
      seen.saw(figures[2].name, raised(was, worth) - was, is - was);
      mass += is / static_cast<double>(n_talks);
      predicted += raised(was, worth) / static_cast<double>(n_talks);
    }
    seen.drew("basin", "measured", worth, mass);
    seen.drew("basin", "predicted by R / beta", worth, predicted);
    if (worth != 2) continue;

    // Both controls at the middle leash.
    const double at_home = mean_rise(before->at_prompts, after->at_prompts);
    for (std::size_t i = 0; i < before->elsewhere.size(); ++i) {
      seen.saw(figures[7].name, at_home, after->elsewhere[i] - before->elsewhere[i]);
    }
    auto lucky = in.reinforce(c->reader, prompts, at_random, how);
    if (!lucky) return forward_error(lucky);
    auto by_luck = look.of(in, *lucky);
    if (!by_luck) return forward_error(by_luck);
    compare(figures[3].name, before->at_prompts, by_luck->at_prompts);
    compare(figures[3].name, before->elsewhere, by_luck->elsewhere);
    auto copy = imitator(in, *c, *rewarded, persona, seed);
    if (!copy) return forward_error(copy);
    auto by_copy = look.of(in, *copy);
    if (!by_copy) return forward_error(by_copy);
    const double at_copy = mean_rise(before->at_prompts, by_copy->at_prompts);
    for (std::size_t i = 0; i < before->elsewhere.size(); ++i) {
      seen.saw(figures[8].name, at_copy, by_copy->elsewhere[i] - before->elsewhere[i]);
    }
  }
  return seen;
}

}  // namespace detail::upweighting

/// Claim 14: feedback up-weights one persona, broadening and deepening its valley.
inline constexpr claim upweighting_claim{
    .number = 14,
    .name = "Feedback up-weights a persona",
    .essay = "Personas and Goals in Language Models",
    .quotation =
        "RLHF greatly up-weights the 'friendly chatbot' persona (broadening and "
        "deepening).",
    .hypothesis =
        "Feedback that is worth R to one persona's answers, on a leash that costs beta for each "
        "nat away from the beginning, raises that persona's log-odds by R / beta: everywhere, and "
        "not only where feedback was given. This is what the best policy on such a leash does; "
        "whether a model that learns from samples gets there, and takes it along to prompts that "
        "it was never rewarded at, is the question.",
    .method =
        "One of eight equally frequent personas is rewarded. The model writes 32 tokens after "
        "<doc> alone or after a question; an answer is worth the ideal reader's certainty that the "
        "persona wrote it (R = 1). Beta is 1, 0.5 and 0.25. Before and after, the "
        "probability of the persona's typical answer, opener and closer, stands against those of "
        "the seven others.",
    .control =
        "Reward at random, as often; and imitation of the persona's documents until the model is "
        "as far from its beginning (KL).",
    .refuted_by = "a slope whose interval lies outside of 0.7 to 1.3, or depth without breadth",
    .reach =
        "Small models and a persona that was there before: one of eight, equally prevalent. "
        "Whether a company's feedback is of this kind is not tested.",
    .figures = detail::upweighting::figures,
    .gates = detail::upweighting::gates,
    .pictures = detail::upweighting::pictures,
    .run = detail::upweighting::run};

}  // namespace multitudes::lab
