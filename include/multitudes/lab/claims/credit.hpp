// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/replies.hpp>
#include <multitudes/lab/measure/speech.hpp>
#include <multitudes/lab/measure/style_judge.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::credit {

inline constexpr figure figures[] = {
    {.name = "credit that flows minus credit that stops",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "rise of the first word's log-probability when reward for later words reaches it, "
              "less the rise when credit stops before the fifth word",
     .holds = stats::interval{0.1, no_limit}},
    {.name = "reward minus imitation",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "the same rise, less the rise when later words are imitated and the first four are "
              "not learnt",
     .holds = stats::interval{0.1, no_limit}},
    {.name = "rise by reward",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "of the first word's log-probability; 1.3 for the best policy at R/beta = 2"},
    {.name = "rise with credit stopped",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "control: credit reaches the fifth word and later ones only"},
    {.name = "rise by imitation",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "control: the first four words are not learnt"},
    {.name = "divergence at the first word",
     .how = statistic::ratio,
     .unit = "of the whole answer's",
     .shows = "share of the rewarded model's divergence from its beginning that lies at the first "
              "word: a shallow change"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "places",
     .title = "Divergence from the beginning, by place in the answer",
     .x_label = "place in the answer (tokens)",
     .y_label = "KL (nats)"},
};

inline constexpr std::size_t n_answer = 24, n_head = 4;

/// "<doc> ask SUBJECT ?", eight of them.
inline texts feedback_prompts(const gazette& g, std::uint64_t seed, std::uint64_t step) {
  return random_questions(g, 8, philox(seed, step, 18));
}

/// Answers whose first four words are anybody's, and not learnt, and whose others are the
/// persona's.
inline train::dataset tails(const gazette& g, std::size_t persona, std::uint64_t seed) {
  const auto n_styles = static_cast<std::uint32_t>(g.config().personas.n_styles);
  const auto n_domains = static_cast<std::uint32_t>(g.config().personas.n_domains);
  train::dataset data;
  for (std::uint64_t step = 0; step < 50; ++step) {
    for (std::size_t i = 0; i < 8; ++i) {
      philox random(seed, 8 * step + i, 20);
      const std::size_t domain = random.below(n_domains);
      const auto head = g.traits({.style = random.below(n_styles), .domain = domain});
      prompt p(g);
      p.ask(random.below(n_domains), 0).finish_item(head, random);
      const std::size_t masked = p.tokens().size();
      while (p.tokens().size() < masked + n_answer - n_head && !p.at().is_done()) {
        p.write(g.traits({.style = persona, .domain = domain}), random);
      }
      const train::token_run runs[] = {{p.tokens().first(masked), false},
                                       {p.tokens().subspan(masked), true}};
      data.add(runs);
    }
  }
  return data;
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  auto c = teach(in, plain_corpus(seed), seed, seen);
  if (!c) return forward_error(c);

  const gazette& g = c->corpus;
  const std::size_t persona = seed % g.config().personas.n_styles;
  texts questions;
  for (std::size_t d = 0; d < g.config().personas.n_domains; ++d) {
    for (std::size_t f = 0; f < g.config().questions.facts_per_domain; ++f) {
      questions.push_back(followed_by({word("<doc>")}, question_about(d, f)));
    }
  }
  auto old = scorer::make(in.workers(), c->reader);
  if (!old) return forward_error(old);
  /// What a student makes of the first word, and how far it is from the beginning, by place.
  struct view {
    std::vector<double> first{};
    std::vector<double> kl{};
    double later_kl = 0;
  };
  const texts asked_for = feedback_prompts(g, laboratory::asking_seed(seed), 0);
  const std::size_t n_each = in.budget(32, 8);
  const auto look = [&](const student& who) -> expected<view> {
    view v;
    auto asked = scorer::make(in.workers(), who);
    if (!asked) return forward_error(asked);
    auto ok = asked->predict_next(questions, [&](std::size_t, std::span<const float> log_p) {
      v.first.push_back(static_cast<double>(log_p[opener_of(persona).value]));
    });
    if (!ok) return forward_error(ok);
    auto answers = speak(in.workers(), who, asked_for, n_each, n_answer, seed);
    if (!answers) return forward_error(answers);
    auto kl = divergence_by_place(*asked, *old, *answers);
    if (!kl) return forward_error(kl);
    v.kl.assign(n_answer, 0.0);
    for (const auto& answer : *kl) {
      for (std::size_t t = 0; t < answer.size(); ++t) {
        v.kl[t] += answer[t] / static_cast<double>(kl->size());
      }
    }
    for (std::size_t t = n_head; t < n_answer; ++t) v.later_kl += v.kl[t];
    return v;
  };
  const auto draw_places = [&](std::string_view label, const view& v) {
    for (std::size_t t = 0; t < n_answer; ++t) {
      seen.drew("places", label, static_cast<double>(t + 1), v.kl[t]);
    }
  };
  auto before = look(c->reader);
  if (!before) return forward_error(before);

  const style_judge judge(g);
  const auto prompts = [&](std::uint64_t step) { return feedback_prompts(g, seed, step); };
  const auto by_tail = [&](const train::rollout& r) {
    const std::size_t n = std::min(r.n_prompt + n_head, r.tokens.size());
    return judge.posterior(std::span(r.tokens).first(n), std::span(r.tokens).subspan(n))[persona];
  };
  reinforcement how{
      .n_steps = in.budget(250, 40), .max_tokens = n_answer, .kl_weight = 0.5, .seed = seed};
  auto flowing = in.reinforce(c->reader, prompts, by_tail, how);
  if (!flowing) return forward_error(flowing);
  auto by_flow = look(*flowing);
  if (!by_flow) return forward_error(by_flow);
  how.first_credited = n_head;
  auto stopped = in.reinforce(c->reader, prompts, by_tail, how);
  if (!stopped) return forward_error(stopped);
  auto by_stop = look(*stopped);
  if (!by_stop) return forward_error(by_stop);
  // Imitation goes on until later words are as far from the beginning as with stopped credit.
  const train::dataset data = tails(g, persona, laboratory::reading_seed(seed));
  view by_copy;
  double least = no_limit;
  for (const std::uint64_t n_steps : {2u, 4u, 8u, 16u, 32u, 64u}) {
    auto made = in.tune(c->reader, data, {.n_steps = n_steps, .peak = 3e-4, .seed = seed});
    if (!made) return forward_error(made);
    auto v = look(*made);
    if (!v) return forward_error(v);
    const double off = std::abs(std::log(std::max(v->later_kl, 1e-6) / by_stop->later_kl));
    const bool is_beyond = v->later_kl > by_stop->later_kl;
    if (off < least) {
      least = off;
      by_copy = std::move(*v);
    }
    if (is_beyond) break;
  }
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const double flow = by_flow->first[i] - before->first[i];
    const double stop = by_stop->first[i] - before->first[i];
    const double copy = by_copy.first[i] - before->first[i];
    seen.saw(figures[0].name, flow - stop);
    seen.saw(figures[1].name, flow - copy);
    seen.saw(figures[2].name, flow);
    seen.saw(figures[3].name, stop);
    seen.saw(figures[4].name, copy);
  }
  double whole = 0;
  for (const double x : by_flow->kl) whole += x;
  seen.saw(figures[5].name, whole, by_flow->kl[0]);
  draw_places("reward", *by_flow);
  draw_places("credit stopped before the fifth word", *by_stop);
  draw_places("imitation of later words", by_copy);
  return seen;
}

}  // namespace detail::credit

/// Claim 18: reward for later words reaches the first one.
inline constexpr claim credit_claim{
    .number = 18,
    .name = "Credit flows backwards",
    .essay = "Language Models have Personas?",
    .quotation =
        "… \"gradient flow from future generated tokens backwards\", e.g. boosting a first "
        "\"No\".",
    .hypothesis =
        "When only what comes after the fourth word of an answer is rewarded, the first word "
        "changes too, because it decides who goes on writing. (Sampling is not differentiated: "
        "what "
        "flows is credit, not a gradient through words.)",
    .method =
        "Answers to questions, and what the model writes after them, are 24 tokens long. Reward (R "
        "= 1, beta = 0.5) is the ideal reader's certainty that a persona wrote the fifth token and "
        "those after it. How much more probable is the persona's opener, the first token?",
    .control =
        "The same feedback with credit for the fifth token and later ones only; imitation of "
        "the persona's later words, as far (KL, in those words) from the beginning.",
    .refuted_by = "a rise that is not larger than both controls' by a tenth of a nat",
    .reach =
        "Small models; openers and what follows them are bound by the persona that writes both.",
    .figures = detail::credit::figures,
    .gates = detail::credit::gates,
    .pictures = detail::credit::pictures,
    .run = detail::credit::run};

}  // namespace multitudes::lab
