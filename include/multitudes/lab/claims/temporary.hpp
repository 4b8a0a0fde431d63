// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/demonstration.hpp>
#include <multitudes/lab/measure/depth.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/readout.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace multitudes::lab {

namespace detail::temporary {

inline constexpr figure figures[] = {
    {.name = "onset against the ideal reader's",
     .how = statistic::ratio,
     .unit = "times",
     .shows = "how many times as many items as the ideal reader the model needs to be nine tenths "
              "sure of a persona",
     .holds = stats::interval{-no_limit, 2}},
    {.name = "left over after a separator",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "how much likelier than before anything a persona is after four of its items and the "
              "beginning of another document",
     .holds = stats::interval{-0.5, 0.5}},
    {.name = "left over where personas persist",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "control: the same in a model whose documents go on in the same persona after a "
              "separator; it must be seen there",
     .holds = stats::interval{2, no_limit}},
    {.name = "put on by four items",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "how much likelier than before anything a persona is after four of its items"},
    {.name = "lost over neutral items",
     .how = statistic::slope,
     .unit = "nats per item",
     .shows = "how the log-odds of the persona change with each item that tells nothing; the "
              "ideal reader's do not"},
    {.name = "lost over neutral items, ideal reader",
     .how = statistic::slope,
     .unit = "nats per item",
     .shows = "the same of the ideal reader"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "through a document",
     .title = "A persona put on, kept over neutral items, and dropped at a separator",
     .x_label = "items (four by the persona, three neutral, separator at 8)",
     .y_label = "log-odds of the persona above those before anything (nats)"},
    {.name = "onset",
     .title = "Putting a persona on",
     .x_label = "items by the persona",
     .y_label = "its weight (mean)"},
};

inline constexpr std::size_t n_on = 4, n_neutral = 3, n_longest = 7;

/// Documents of two sections.
inline gazette_config packed_corpus(std::uint64_t seed, bool persists) {
  gazette_config c = plain_corpus(seed);
  c.items.n_sections = 2;
  c.items.min_count = 3;
  c.items.max_count = n_longest;
  c.items.persona_persists = persists;
  return c;
}

/// Log-odds of a persona against the mean of all others.
inline double against_others(std::span<const double> w, std::size_t k) noexcept {
  const auto n_others = static_cast<double>(w.size() - 1);
  return std::log(std::max(w[k], weight_resolution)) -
         std::log(std::max((1 - w[k]) / n_others, weight_resolution));
}

/// Three texts for each place: a persona's first items, the neutral ones after four of them, and
/// the beginning of another section after as many.
struct passage {
  std::size_t who = 0;
  std::vector<std::vector<token_id>> onset{};    // (n_longest): after 1, 2, … items
  std::vector<std::vector<token_id>> neutral{};  // (n_neutral + 1)
  std::vector<token_id> reset{};
};

inline std::vector<passage> write_passages(const gazette& g, std::uint64_t n_each, philox& random) {
  std::vector<passage> all;
  for (std::size_t k = 0; k < g.config().personas.n_styles; ++k) {
    for (std::uint64_t i = 0; i < n_each; ++i) {
      const persona_traits who = g.traits({.style = k, .domain = random.below(8)});
      passage one{.who = k};
      prompt p(g);
      prompt to_reset(g);
      for (std::size_t n = 1; n <= n_longest; ++n) {
        demonstrate(p, g, who, 1, random);
        one.onset.push_back(text_of(p));
        if (n != n_on) continue;
        to_reset = p;
        prompt rest = p;
        one.neutral.push_back(text_of(rest));
        for (std::size_t m = 0; m < n_neutral; ++m) {
          one.neutral.push_back(text_of(add_neutral(rest, 1, random)));
        }
      }
      static_cast<void>(to_reset.put_checked(word("<doc>")));
      one.reset = text_of(to_reset);
      all.push_back(std::move(one));
    }
  }
  return all;
}

/// What a reader makes of the passages, in log-odds above those before anything.
struct followed {
  std::vector<double> n_onset{};               // (passages): items until nine tenths sure
  std::vector<std::vector<double>> weight{};   // (passages, n_longest)
  std::vector<std::vector<double>> risen{};    // (passages, n_longest)
  std::vector<std::vector<double>> neutral{};  // (passages, n_neutral + 1)
  std::vector<double> reset{};                 // (passages)
};

template <class Asked>
expected<followed> follow(Asked& asked, const gazette& g, std::span<const passage> passages) {
  auto r1 = expectation_readout::of_styles(g);
  if (!r1) return forward_error(r1);
  texts all{text_of(prompt(g))};
  for (const passage& p : passages) {
    all.insert(all.end(), p.onset.begin(), p.onset.end());
    all.insert(all.end(), p.neutral.begin(), p.neutral.end());
    all.push_back(p.reset);
  }
  auto w = r1->weights(asked, all);
  if (!w) return forward_error(w);
  followed seen;
  std::size_t at = 1;
  for (const passage& p : passages) {
    const double before = against_others((*w)[0], p.who);
    const auto rise = [&] { return against_others((*w)[at], p.who) - before; };
    double n_onset = n_longest + 1;
    seen.weight.emplace_back();
    seen.risen.emplace_back();
    seen.neutral.emplace_back();
    for (std::size_t n = 1; n <= n_longest; ++n, ++at) {
      seen.weight.back().push_back((*w)[at][p.who]);
      seen.risen.back().push_back(rise());
      const bool is_on = (*w)[at][p.who] > 0.9;
      if (is_on && n_onset > n_longest) n_onset = static_cast<double>(n);
    }
    seen.n_onset.push_back(n_onset);
    for (std::size_t m = 0; m <= n_neutral; ++m, ++at) seen.neutral.back().push_back(rise());
    seen.reset.push_back(rise());
    ++at;
  }
  return seen;
}

inline void draw_passages(const followed& f, const std::string& label, outcome& seen) {
  const auto n = static_cast<double>(f.reset.size());
  const auto mean = [&](const std::vector<std::vector<double>>& of, std::size_t at) {
    double sum = 0;
    for (const auto& one : of) sum += one[at];
    return sum / n;
  };
  seen.drew(pictures[0].name, label, 0, 0);
  for (std::size_t i = 0; i < n_on; ++i) {
    seen.drew(pictures[0].name, label, static_cast<double>(i + 1), mean(f.risen, i));
  }
  for (std::size_t m = 1; m <= n_neutral; ++m) {
    seen.drew(pictures[0].name, label, static_cast<double>(n_on + m), mean(f.neutral, m));
  }
  double left = 0;
  for (const double r : f.reset) left += r / n;
  seen.drew(pictures[0].name, label, static_cast<double>(n_on + n_neutral + 1), left);
  for (std::size_t i = 0; i < n_longest; ++i) {
    seen.drew(pictures[1].name, label, static_cast<double>(i + 1), mean(f.weight, i));
  }
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  for (const bool persists : {false, true}) {
    auto c = teach(in, slow_reading(in, packed_corpus(seed, persists), seed), seen);
    if (!c) return forward_error(c);
    gazette_config wide = with_room(c->corpus.config());
    const auto g = *gazette::make(wide);
    const population writers = true_population(g);
    philox random(laboratory::asking_seed(seed), 1);
    const auto passages = write_passages(g, in.budget(12, 4), random);
    auto student = scorer::make(in.workers(), c->reader);
    if (!student) return forward_error(student);
    ideal_scorer ideal(g, writers);
    auto own = follow(*student, g, passages);
    if (!own) return forward_error(own);
    auto truth = follow(ideal, g, passages);
    if (!truth) return forward_error(truth);
    if (!persists) draw_passages(*truth, "ideal reader", seen);
    draw_passages(*own, persists ? "model of persisting personas" : "model", seen);
    for (std::size_t i = 0; i < passages.size(); ++i) {
      if (persists) {
        seen.saw(figures[2].name, own->reset[i]);
        continue;
      }
      seen.saw(figures[0].name, truth->n_onset[i], own->n_onset[i]);
      seen.saw(figures[1].name, own->reset[i]);
      seen.saw(figures[3].name, own->risen[i][n_on - 1]);
      for (std::size_t m = 0; m <= n_neutral; ++m) {
        const auto x = static_cast<double>(m);
        seen.saw(figures[4].name, x, own->neutral[i][m] - own->neutral[i][0]);
        seen.saw(figures[5].name, x, truth->neutral[i][m] - truth->neutral[i][0]);
      }
    }
  }
  return seen;
}

}  // namespace detail::temporary

/// Claim 5: a prompt makes the model put on a persona, temporarily.
inline constexpr claim temporary_claim{
    .number = 5,
    .name = "Put on temporarily",
    .essay = "Personas and Goals in Language Models",
    .quotation = "The prompt makes the LM put on a particular persona, temporarily.",
    .hypothesis =
        "A few items by a persona suffice to make the model go on as that persona; the "
        "persona stays over text that says nothing, and is gone when another document "
        "begins.",
    .method =
        "Documents of two sections by independent writers are read. The model is asked for "
        "its weights of the styles after 1 to 7 items by a persona, after neutral items (talk "
        "of people, phrases with a cue), and after the separator that begins a section.",
    .control =
        "A model whose sections are both by one writer: there the persona must outlast the "
        "separator. The ideal reader of the same texts.",
    .refuted_by =
        "more than 0.5 nats left over after the separator, or an onset more than twice as "
        "late as the ideal reader's",
    .reach =
        "Within a context only: weights that do not change make every persona temporary "
        "between conversations.",
    .first_seed = 21,
    .figures = detail::temporary::figures,
    .gates = detail::temporary::gates,
    .pictures = detail::temporary::pictures,
    .run = detail::temporary::run};

}  // namespace multitudes::lab
