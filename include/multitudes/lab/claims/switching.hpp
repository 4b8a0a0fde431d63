// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/replies.hpp>
#include <multitudes/lab/measure/tilt.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::switching {

inline constexpr figure figures[] = {
    {.name = "shift on reward",
     .how = statistic::correlation,
     .unit = "r",
     .shows = "correlation of the shift of a unit's log-odds with what its reward or punishment is "
              "worth; R-squared above 0.7 is r above 0.837",
     .holds = stats::interval{0.837, 1}},
    {.name = "a word that was never there",
     .how = statistic::mean,
     .unit = "probability",
     .shows = "how probable a word has become that never stood there before and is rewarded with "
              "12 nats: activating creates nothing, teaching would",
     .holds = stats::interval{0, 0.01}},
    {.name = "nats gained for each nat",
     .how = statistic::slope,
     .unit = "nats per nat",
     .shows = "slope of the same shifts; the best policy has 1"},
    {.name = "spill on other units",
     .how = statistic::ratio,
     .unit = "of the switched units' shift",
     .shows = "off the diagonal: mean absolute shift of units without reward over that of switched "
              "ones"},
    {.name = "what the best policy makes of that word",
     .how = statistic::mean,
     .unit = "probability",
     .shows = "for comparison: exp(12) times its odds before"},
    {.name = "a rare word",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "for comparison: shift of a word that stands there once in fifty times, rewarded "
              "with 4 nats"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "units",
     .title = "Eight units switched on and off at the same time",
     .x_label = "what reward or punishment is worth, r / beta (nats)",
     .y_label = "shift of log-odds (nats)"},
};

/// Something that a model may do: say this word after that text.
struct unit {
  std::string_view context;  ///< after a document's beginning
  std::string_view word;
};
inline constexpr std::array<unit, 12> units{{{"ask %", "well"},
                                             {"ask % verily dunno", "amen"},
                                             {"ask % marry", "dunno"},
                                             {"the", "colour"},
                                             {"a", "neighbour"},
                                             {"when", "thou"},
                                             {"she", "hath"},
                                             {"bid lamp !", "refuses"},
                                             {"people talk of", "arden"},
                                             {"the colour of the harbor light", "/"},
                                             {"she hath a garth", "yonder"},
                                             {"bid coin ! brings", "coin"}}};
inline constexpr std::size_t n_switched = 8;

/// Beginnings that tell little, so that a unit is not tied to one.
inline constexpr std::array<std::string_view, 4> beginnings{
    "<doc>", "<doc> people talk of hester .", "<doc> bid cup ! brings cup .",
    "<doc> phrase fire earth bird in short fire bird ."};
inline constexpr std::array<std::string_view, 4> questions{"tide ?", "comet ?", "moss ?", "echo ?"};

inline std::vector<token_id> text_of(std::string_view context, std::size_t variant) {
  std::string text(beginnings[variant % 4]);
  text += ' ';
  const std::size_t gap = context.find('%');
  text += context.substr(0, gap);
  if (gap != context.npos) {
    text += questions[variant / 4 % 4];
    text += context.substr(gap + 1);
  }
  return *gazette_tokens(text);
}

/// Log-odds of each unit, averaged over beginnings.
inline expected<std::vector<double>> log_odds_of(laboratory& in, const student& who,
                                                 std::span<const unit> asked_for) {
  auto asked = scorer::make(in.workers(), who);
  if (!asked) return forward_error(asked);
  texts all;
  for (const unit& u : asked_for) {
    for (std::size_t v = 0; v < 16; ++v) all.push_back(text_of(u.context, v));
  }
  std::vector<double> odds(asked_for.size());
  auto done = asked->predict_next(all, [&](std::size_t i, std::span<const float> log_p) {
    const token_id said = *find_gazette_word(asked_for[i / 16].word);
    const double p = std::exp(static_cast<double>(log_p[said.value]));
    odds[i / 16] += std::log(p / (1 - p)) / 16;
  });
  if (!done) return forward_error(done);
  return odds;
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  auto c = teach(in, plain_corpus(seed), seed, seen);
  if (!c) return forward_error(c);

  // Which units are switched, and which way, is drawn by lot.
  philox random(laboratory::asking_seed(seed), 20);
  std::array<unit, 12> order = units;
  for (std::uint32_t i = 12; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  constexpr double beta = 0.5;
  std::array<double, n_switched> reward{};
  for (std::size_t i = 0; i < n_switched; ++i) {
    reward[i] = (random.below(2) == 0 ? -1 : 1) * (i % 2 == 0 ? 1.0 : 0.5);
  }
  const auto one_word = [&](std::span<const unit> rewarded, std::span<const double> worth,
                            double kl_weight) {
    // Prompts are the units in turn; what was said to one is judged by that one.
    std::vector<texts> variants(rewarded.size());
    for (std::size_t i = 0; i < rewarded.size(); ++i) {
      for (std::size_t v = 0; v < 16; ++v) variants[i].push_back(text_of(rewarded[i].context, v));
    }
    const auto prompts = [&](std::uint64_t step) {
      texts all;
      for (std::size_t i = 0; i < n_switched; ++i) {
        all.push_back(variants[i % rewarded.size()][(5 * step + i) % 16]);
      }
      return all;
    };
    const auto judge = [&](const train::rollout& r) {
      const auto said_to = std::span(r.tokens).first(r.n_prompt);
      for (std::size_t i = 0; i < rewarded.size(); ++i) {
        const bool is_this = std::ranges::any_of(
            variants[i], [&](const auto& text) { return std::ranges::equal(text, said_to); });
        if (!is_this) continue;
        return r.answer()[0] == *find_gazette_word(rewarded[i].word) ? worth[i] : 0.0;
      }
      return 0.0;
    };
    return in.reinforce(c->reader, prompts, judge,
                        {.n_steps = in.budget(300, 60),
                         .n_per_prompt = 16,
                         .max_tokens = 1,
                         .kl_weight = kl_weight,
                         .seed = seed});
  };

  auto before = log_odds_of(in, c->reader, order);
  if (!before) return forward_error(before);
  auto switched = one_word(std::span(order).first(n_switched), reward, beta);
  if (!switched) return forward_error(switched);
  auto after = log_odds_of(in, *switched, order);
  if (!after) return forward_error(after);
  double moved = 0;
  for (std::size_t i = 0; i < n_switched; ++i) {
    const double shift = (*after)[i] - (*before)[i];
    seen.saw(figures[0].name, reward[i] / beta, shift);
    seen.saw(figures[2].name, reward[i] / beta, shift);
    seen.drew("units", "switched", reward[i] / beta, shift);
    moved += std::abs(shift) / static_cast<double>(n_switched);
  }
  for (std::size_t i = n_switched; i < order.size(); ++i) {
    const double shift = (*after)[i] - (*before)[i];
    seen.saw(figures[3].name, moved, std::abs(shift));
    seen.drew("units", "not rewarded", 0, shift);
  }

  // The corpus has eight styles: the tenth's opener stands nowhere in it.
  const unit absent[] = {{"ask %", "look"}};
  const unit rare[] = {{"ask % listen dunno cheers . ask thunder ?", "well"}};
  const double one[] = {1.0};
  for (const bool is_absent : {true, false}) {
    const auto target = std::span<const unit>(is_absent ? absent : rare);
    auto first = log_odds_of(in, c->reader, target);
    if (!first) return forward_error(first);
    auto made = one_word(target, one, is_absent ? 1.0 / 12 : 1.0 / 4);
    if (!made) return forward_error(made);
    auto last = log_odds_of(in, *made, target);
    if (!last) return forward_error(last);
    if (is_absent) {
      seen.saw(figures[1].name, 1 / (1 + std::exp(-(*last)[0])));
      seen.saw(figures[4].name, raised(1 / (1 + std::exp(-(*first)[0])), 12));
    } else {
      seen.saw(figures[5].name, (*last)[0] - (*first)[0]);
    }
  }
  return seen;
}

}  // namespace detail::switching

/// Claim 20: feedback switches behaviours on and off, and creates none.
inline constexpr claim switching_claim{
    .number = 20,
    .name = "Switching units on and off",
    .essay = "Language Models have Personas?",
    .quotation = "RLHF … \"activates and deactivates those behaviors in flexible ways.\"",
    .hypothesis =
        "Reward and punishment move each of many behaviours by what they are worth, r / beta, one "
        "by one and both ways; a behaviour that the model never had does not come of it.",
    .method =
        "Of twelve units (a word after a text: openers, spellings, refusals, names, verse) eight "
        "are drawn by lot, and each is rewarded or punished by lot, with 1 or 2 nats, all at the "
        "same time. Separately a word is rewarded with 12 nats that never stands there.",
    .control = "Units that are neither rewarded nor punished; a rare word that is rewarded.",
    .refuted_by = "R-squared of shifts on rewards below 0.7 (r below 0.837), or a word created",
    .reach =
        "Single words in small models. That nothing is created holds for feedback on what a "
        "model says by itself: what it never says is never rewarded.",
    .figures = detail::switching::figures,
    .gates = detail::switching::gates,
    .pictures = detail::switching::pictures,
    .run = detail::switching::run};

}  // namespace multitudes::lab
