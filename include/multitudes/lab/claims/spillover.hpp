// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/coherence.hpp>
#include <multitudes/lab/measure/replies.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::spillover {

inline constexpr figure figures[] = {
    {.name = "coherent minus shuffled",
     .how = statistic::mean,
     .unit = "of a whole persona's shift",
     .shows = "how much more of the persona follows one rewarded word where habits went together "
              "in training than where they did not",
     .holds = stats::interval{0.05, no_limit}},
    {.name = "reward minus imitation",
     .how = statistic::mean,
     .unit = "of a whole persona's shift",
     .shows = "how much more of the persona follows a word that was rewarded than one that was "
              "imitated, as far (KL) from the beginning",
     .holds = stats::interval{0.05, no_limit}},
    {.name = "spillover of reward, coherent",
     .how = statistic::ratio,
     .unit = "of a whole persona's shift",
     .shows = "shift of spelling and verse, over what it would be if the persona as a whole had "
              "risen as its opener did: 1 for a persona, 0 for a unit"},
    {.name = "spillover of reward, shuffled",
     .how = statistic::ratio,
     .unit = "of a whole persona's shift",
     .shows = "control: the same where habits were drawn one by one"},
    {.name = "spillover of imitation, coherent",
     .how = statistic::ratio,
     .unit = "of a whole persona's shift",
     .shows = "the same after imitation of the opener"},
    {.name = "coherence before",
     .how = statistic::mean,
     .unit = "of the units' entropy",
     .shows = "total correlation of opener, closer and verse in what the model writes unprompted"},
    {.name = "coherence before, shuffled",
     .how = statistic::mean,
     .unit = "of the units' entropy",
     .shows = "control: the same of the other corpus' model"},
    {.name = "coherence after reward",
     .how = statistic::mean,
     .unit = "of the units' entropy",
     .shows = "the same after the opener was rewarded (a rarer choice leaves less to correlate)"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "units",
     .title =
         "Units that were not rewarded, against what a whole persona's rise would make of them",
     .x_label = "shift of log-odds if the persona had risen (nats)",
     .y_label = "measured shift of log-odds (nats)"},
};

/// "<doc> ask SUBJECT ?", eight of them.
inline texts feedback_prompts(const gazette& g, std::uint64_t seed, std::uint64_t step) {
  return random_questions(g, 8, philox(seed, step, 8));
}

/// What became of the units of a persona, and what would have become of them if all of it had
/// risen as its opener did.
struct shifts {
  std::vector<double> measured{}, predicted{};
  double opener_kl = 0;
};

/// Compares the choices in slots of other units, before and after.
inline expected<shifts> shifts_of(laboratory& in, const gazette& g, const student& before,
                                  const student& after, std::size_t persona) {
  const std::size_t n_styles = g.config().personas.n_styles;
  auto was = scorer::make(in.workers(), before), is = scorer::make(in.workers(), after);
  if (!was) return forward_error(was);
  if (!is) return forward_error(is);
  std::vector<std::size_t> domains;
  for (std::size_t d = 0; d < g.config().personas.n_domains; ++d) domains.push_back(d);
  const replies ask(domains);
  const texts start{{word("<doc>")}};
  auto first = ask.openers(*was, start, n_styles), second = ask.openers(*is, start, n_styles);
  if (!first) return forward_error(first);
  if (!second) return forward_error(second);
  const auto odds = [&](const std::vector<double>& shares) {
    // How probable the persona is that says its own opener so often.
    const auto table = g.tables().marker.row(persona);
    const double own = table[persona], other = table[(persona + 1) % n_styles];
    const double w = std::clamp((shares[persona] - other) / (own - other), 1e-3, 1 - 1e-3);
    return std::log(w / (1 - w));
  };
  const double nats = odds((*second)[0]) - odds((*first)[0]);
  shifts s;
  for (std::size_t o = 0; o < n_styles; ++o) {
    s.opener_kl += (*second)[0][o] * std::log((*second)[0][o] / (*first)[0][o]);
  }
  const auto units = other_units(persona);
  auto a = log_odds_of(*was, units), b = log_odds_of(*is, units);
  if (!a) return forward_error(a);
  if (!b) return forward_error(b);
  for (std::size_t i = 0; i < units.size(); ++i) {
    s.measured.push_back((*b)[i] - (*a)[i]);
    s.predicted.push_back(shift_of_unit(g, units[i], persona, nats));
  }
  return s;
}

/// A model that learnt to say the opener, as far from the beginning as the rewarded one: of several
/// lengths of study, the nearest.
inline expected<shifts> imitated(laboratory& in, const classroom& c, std::size_t persona,
                                 double wanted_kl, std::uint64_t seed) {
  train::dataset data;
  for (std::uint64_t step = 0; step < 16; ++step) {
    for (const auto& p : feedback_prompts(c.corpus, laboratory::reading_seed(seed), step)) {
      const token_id answer[] = {opener_of(persona)};
      const train::token_run runs[] = {{p, false}, {answer, true}};
      data.add(runs);
    }
  }
  shifts best;
  double least = no_limit;
  for (const std::uint64_t n_steps : {1u, 2u, 3u, 4u, 6u, 8u, 12u, 16u, 24u, 32u}) {
    auto made = in.tune(c.reader, data, {.n_steps = n_steps, .peak = 2e-4, .seed = seed});
    if (!made) return forward_error(made);
    auto s = shifts_of(in, c.corpus, c.reader, *made, persona);
    if (!s) return forward_error(s);
    const double kl = s->opener_kl;
    const double off = std::abs(std::log(std::max(kl, 1e-6) / std::max(wanted_kl, 1e-6)));
    if (off < least) {
      least = off;
      best = std::move(*s);
    }
    if (kl > wanted_kl) break;
  }
  return best;
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  std::vector<double> of_reward[2], of_imitation;  // coherent, shuffled
  for (const bool is_shuffled : {false, true}) {
    gazette_config corpus = plain_corpus(seed);
    if (is_shuffled) corpus.personas.units = unit_bonds::shuffled;
    auto c = teach(in, corpus, seed, seen);
    if (!c) return forward_error(c);
    const gazette& g = c->corpus;
    const std::size_t persona = seed % g.config().personas.n_styles;
    const auto coherence = [&](const student& who, std::string_view name) -> expected<void> {
      auto asked = scorer::make(in.workers(), who);
      if (!asked) return forward_error(asked);
      for (std::size_t d = 0; d < g.config().personas.n_domains; d += 2) {
        auto tc = total_correlation(*asked, g, d);
        if (!tc) return forward_error(tc);
        seen.saw(name, *tc);
      }
      return {};
    };
    if (auto ok = coherence(c->reader, figures[is_shuffled ? 6 : 5].name); !ok)
      return forward_error(ok);
    const auto prompts = [&](std::uint64_t step) { return feedback_prompts(g, seed, step); };
    const auto reward = [&](const train::rollout& r) {
      return r.answer()[0] == opener_of(persona) ? 1.0 : 0.0;
    };
    auto rewarded = in.reinforce(
        c->reader, prompts, reward,
        {.n_steps = in.budget(250, 60), .max_tokens = 1, .kl_weight = 0.5, .seed = seed});
    if (!rewarded) return forward_error(rewarded);
    auto s = shifts_of(in, g, c->reader, *rewarded, persona);
    if (!s) return forward_error(s);
    const auto take = [&](const shifts& from, std::string_view name, std::string_view label) {
      double mean = 0;
      for (const double x : from.predicted) mean += x / static_cast<double>(from.predicted.size());
      // Where the rewarded word itself hardly moved there is nothing to spill.
      mean = std::max(mean, 0.05);
      std::vector<double> shares;
      for (std::size_t i = 0; i < from.measured.size(); ++i) {
        seen.saw(name, from.predicted[i], from.measured[i]);
        seen.drew("units", label, from.predicted[i], from.measured[i]);
        shares.push_back(from.measured[i] / mean);
      }
      return shares;
    };
    of_reward[is_shuffled] = take(*s, figures[is_shuffled ? 3 : 2].name,
                                  is_shuffled ? "reward, shuffled" : "reward, coherent");
    if (is_shuffled) continue;
    if (auto ok = coherence(*rewarded, figures[7].name); !ok) return forward_error(ok);
    auto copied = imitated(in, *c, persona, s->opener_kl, seed);
    if (!copied) return forward_error(copied);
    of_imitation = take(*copied, figures[4].name, "imitation, coherent");
  }
  for (std::size_t i = 0; i < of_imitation.size(); ++i) {
    seen.saw(figures[0].name, of_reward[0][i] - of_reward[1][i]);
    seen.saw(figures[1].name, of_reward[0][i] - of_imitation[i]);
  }
  return seen;
}

}  // namespace detail::spillover

/// Claim 8: behaviour units, or a coherent persona, especially with feedback.
inline constexpr claim spillover_claim{
    .number = 8,
    .name = "Units or a coherent persona",
    .essay = "Language Models have Personas?",
    .quotation =
        "… \"behavior units\" … a \"coherent set … might emerge, especially with "
        "RLHF\".",
    .hypothesis =
        "If personas are more than bundles of habits, feedback on one habit takes the others "
        "along: "
        "where habits went together in training, and more so than imitation of that habit does.",
    .method =
        "The first word of answers is rewarded when it is one persona's (R = 1, beta = 0.5), in a "
        "model that read coherent writers and in one that read writers whose habits were drawn one "
        "by one, as often. Then habits that were not rewarded are looked at: spelling, "
        "archaic words, verse.",
    .control =
        "The corpus of shuffled habits; imitation of the same word until the model is as far "
        "from its beginning (KL).",
    .refuted_by =
        "as much spillover in both corpora, or no more than by imitation (less than a twentieth "
        "of a whole persona's shift)",
    .reach =
        "One habit of five, in small models; habits that never disagreed in training might "
        "spread more in large ones, where they mean something.",
    .n_seeds = 10,
    .figures = detail::spillover::figures,
    .gates = detail::spillover::gates,
    .pictures = detail::spillover::pictures,
    .run = detail::spillover::run};

}  // namespace multitudes::lab
