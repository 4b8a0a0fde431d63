// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/steered_scorer.hpp>
#include <multitudes/lab/measure/unit_odds.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::combining {

inline constexpr figure figures[] = {
    {.name = "demonstrations and strength add up",
     .how = statistic::correlation,
     .shows = "correlation of measured log-odds with a + b * demonstrations + c * strength, fitted "
              "to other points; 0.894 is 0.8 of the variance",
     .holds = stats::interval{0.8944271909999159, 1}},
    {.name = "moved besides",
     .how = statistic::ratio,
     .unit = "nats per nat",
     .shows = "how far a vector moves behaviours that it is not meant for, for each nat that it "
              "moves its own",
     .holds = stats::interval{0, 0.3}},
    {.name = "moved by random vectors",
     .how = statistic::ratio,
     .unit = "nats per nat",
     .shows = "control: how far a random vector of equal norm moves a behaviour, for each nat that "
              "its own vector does (absolute)"},
    {.name = "shift of full strength",
     .unit = "nats",
     .shows = "how far a vector moves its own behaviour"},
    {.name = "both at once",
     .shows = "belief in both of two behaviours under the sum of their vectors (product); a "
              "quarter without any"},
    {.name = "demonstrations that a vector is worth",
     .how = statistic::ratio,
     .unit = "demonstrations",
     .shows = "shift of full strength over shift of one demonstration"},
};
inline constexpr gate gates[] = {
    excess_gate,
    {.name = "demonstrations tell",
     .unit = "least shift by one demonstration, nats",
     .passes = {0.5, std::numeric_limits<double>::infinity()}},
};
inline constexpr picture pictures[] = {
    {.name = "strength",
     .title = "A behaviour's log-odds, against the strength of its vector",
     .x_label = "strength (1: the difference of the means)",
     .y_label = "log-odds of the behaviour (nats)"},
    {.name = "sum",
     .title = "Log-odds under demonstrations and steering together",
     .x_label = "strength (1: the difference of the means)",
     .y_label = "log-odds (nats), by number of demonstrations"},
};

inline constexpr double strengths[] = {-4, -3, -2, -1, 0, 1, 2, 3, 4};  // an odd number

/// The difference between the mean states of documents by writers of the one way and the other,
/// after block `layer`, all tokens but the first ten.
inline expected<std::vector<float>> mean_difference(laboratory& in, const classroom& c,
                                                    const behavior_meter& way, layer_index layer,
                                                    std::uint64_t seed) {
  auto asked = scorer::make(in.workers(), c.reader);
  if (!asked) return forward_error(asked);
  const document_source source(c.corpus, c.writers, laboratory::reading_seed(seed));
  const std::uint64_t n = in.budget(160, 80);
  std::vector<float> difference(c.reader.shape().model_dim);
  for (const bool one : {true, false}) {
    texts all;
    for (std::uint64_t i = 0; i < n; ++i) {
      // All but the behaviour is as in anybody.
      persona_traits who = source.document(i).writers.front();
      const persona_traits& a = way.writer_of(true);
      const persona_traits& b = way.writer_of(false);
      for (std::size_t t = 0; t < n_traits; ++t) {
        if (a.values[t] != b.values[t]) who.values[t] = way.writer_of(one).values[t];
      }
      all.push_back(source.document(i, who).tokens);
    }
    std::vector<double> mean(difference.size());
    double rows = 0;
    auto done = asked->states(
        all, layer, [](std::size_t, std::size_t t) { return t >= 10; },
        [&](std::size_t, std::size_t, std::span<const float> h) {
          ++rows;
          for (std::size_t e = 0; e < h.size(); ++e) mean[e] += static_cast<double>(h[e]);
        });
    if (!done) return forward_error(done);
    for (std::size_t e = 0; e < mean.size(); ++e) {
      difference[e] += static_cast<float>((one ? 1 : -1) * mean[e] / rows);
    }
  }
  return difference;
}

inline std::vector<float> scaled(std::span<const float> v, double by) {
  std::vector<float> out;
  for (const float x : v) out.push_back(static_cast<float>(by * static_cast<double>(x)));
  return out;
}

inline std::vector<float> random_like(std::span<const float> v, std::uint64_t seed) {
  philox random(seed, 8);
  std::vector<float> out(v.size());
  double squares = 0, wanted = 0;
  for (std::size_t e = 0; e < v.size(); ++e) {
    out[e] = random.normal();
    squares += static_cast<double>(out[e]) * static_cast<double>(out[e]);
    wanted += static_cast<double>(v[e]) * static_cast<double>(v[e]);
  }
  return scaled(out, std::sqrt(wanted / squares));
}

/// Texts with `n` demonstrations of the one way, or -n of the other.
inline texts demonstrated(const gazette& g, const behavior_meter& way, int n, std::size_t n_texts,
                          std::uint64_t seed) {
  texts all;
  for (std::size_t i = 0; i < n_texts; ++i) {
    philox random(seed, 9, i);
    prompt p(g);
    // Something has been said that tells nothing.
    p.item(item_kind::mention, {}, random);
    for (int k = 0; k < (n < 0 ? -n : n); ++k) way.demonstrate(p, n > 0, random);
    all.emplace_back(p.tokens().begin(), p.tokens().end());
  }
  return all;
}

struct bench {
  steered_scorer steered;
  layer_index layer;
  std::vector<behavior_meter> ways;
  std::vector<std::vector<float>> vectors;  // one for each way

  /// Log-odds of a way after texts that are read with an offset.
  expected<std::vector<double>> measure(std::size_t way, const texts& after,
                                        std::span<const float> offset) {
    auto plan = push_plan(steered.space(), layer, offset);
    if (!plan) return forward_error(plan);
    steered.steer({.what = *std::move(plan)});
    return ways[way].log_odds_after(steered, after);
  }
};

inline double mean_of(std::span<const double> v) noexcept {
  double sum = 0;
  for (const double x : v) sum += x;
  return sum / static_cast<double>(v.size());
}

/// One way's grid of demonstrations and strengths; the shift that one demonstration makes.
inline expected<double> see_sum(bench& b, const gazette& g, std::size_t way, std::size_t n_texts,
                                std::uint64_t seed, outcome& seen) {
  constexpr int most = 2;
  std::vector<dose_point> grid;
  for (int n = -most; n <= most; ++n) {
    const texts after = demonstrated(g, b.ways[way], n, n_texts, seed);
    for (const double strength : strengths) {
      auto odds = b.measure(way, after, scaled(b.vectors[way], strength));
      if (!odds) return forward_error(odds);
      grid.push_back({static_cast<double>(n), strength, mean_of(*odds)});
      seen.drew(pictures[1].name,
                std::string(b.ways[way].name()) + ", " + std::to_string(n) + " shown", strength,
                grid.back().log_odds);
      if (n == 0) {
        seen.drew(pictures[0].name, b.ways[way].name(), strength, grid.back().log_odds);
      }
    }
  }
  for (const auto& [predicted, measured] : predict_by_sum(grid)) {
    seen.saw(figures[0].name, predicted, measured);
  }
  const std::size_t width = std::size(strengths), none = grid.size() / 2;
  const double shown = (grid[none + width].log_odds - grid[none - width].log_odds) / 2;
  seen.saw(figures[5].name, shown,
           (grid[none + width / 2].log_odds - grid[none - width / 2].log_odds) / 2);
  return shown;
}

/// What one way's vector, and a random one, does to it and to the others.
inline expected<void> see_selectivity(bench& b, const gazette& g, std::size_t way,
                                      std::size_t n_texts, std::uint64_t seed, outcome& seen) {
  const texts after = demonstrated(g, b.ways[way], 0, n_texts, seed);
  const std::vector<float> none(b.vectors[way].size());
  const auto random = random_like(b.vectors[way], seed + way);
  std::vector<std::vector<double>> before;
  for (std::size_t w = 0; w < b.ways.size(); ++w) {
    auto odds = b.measure(w, after, none);
    if (!odds) return forward_error(odds);
    before.push_back(std::move(*odds));
  }
  for (const double side : {-1.0, 1.0}) {
    const double strength = side * strengths[std::size(strengths) - 1];
    const auto vector = scaled(b.vectors[way], strength);
    auto own = b.measure(way, after, vector);
    if (!own) return forward_error(own);
    auto chance = b.measure(way, after, scaled(random, strength));
    if (!chance) return forward_error(chance);
    std::vector<double> besides(after.size());
    double n_others = 0;
    for (std::size_t w = 0; w < b.ways.size(); ++w) {
      if (b.ways[w].name() == b.ways[way].name()) continue;
      auto odds = b.measure(w, after, vector);
      if (!odds) return forward_error(odds);
      ++n_others;
      for (std::size_t i = 0; i < besides.size(); ++i) {
        besides[i] += std::abs((*odds)[i] - before[w][i]);
      }
    }
    for (std::size_t i = 0; i < after.size(); ++i) {
      const double shift = side * ((*own)[i] - before[way][i]);
      seen.saw(figures[1].name, shift, besides[i] / n_others);
      seen.saw(figures[2].name, shift, std::abs((*chance)[i] - before[way][i]));
      seen.saw(figures[3].name, shift);
    }
  }
  return {};
}

inline expected<void> see_pairs(bench& b, const gazette& g, std::size_t n_texts, std::uint64_t seed,
                                outcome& seen) {
  const auto belief = [](double odds) { return 1 / (1 + std::exp(-odds)); };
  for (std::size_t v = 0; v < b.ways.size(); ++v) {
    for (std::size_t w = v + 1; w < b.ways.size(); ++w) {
      if (b.ways[v].name() == b.ways[w].name()) continue;
      const double full = strengths[std::size(strengths) - 1];
      std::vector<float> both = scaled(b.vectors[v], full);
      const auto second = scaled(b.vectors[w], full);
      for (std::size_t e = 0; e < both.size(); ++e) both[e] += second[e];
      const texts after = demonstrated(g, b.ways[v], 0, n_texts, seed);
      auto one = b.measure(v, after, both);
      if (!one) return forward_error(one);
      auto other = b.measure(w, after, both);
      if (!other) return forward_error(other);
      for (std::size_t i = 0; i < after.size(); ++i) {
        seen.saw(figures[4].name, belief((*one)[i]) * belief((*other)[i]));
      }
    }
  }
  return {};
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  auto c = teach(in, commanding_corpus(seed), seed, seen);
  if (!c) return forward_error(c);
  auto steered = steered_scorer::make(in.workers(), c->reader);
  if (!steered) return forward_error(steered);
  const gazette& g = c->corpus;
  // The middle block of the model.
  bench b{std::move(*steered), layer_index(c->reader.shape().n_layers / 2 - 1), {}, {}};
  const std::size_t s = seed % 8;
  for (std::size_t k = 0; k < 2; ++k) {
    // Four apart, styles have one form: a filler then weighs no more than a refusal.
    auto style = behavior_meter::of_styles(g, (s + k) % 8, (s + k + 4) % 8);
    if (!style) return forward_error(style);
    b.ways.push_back(std::move(*style));
    auto domain = behavior_meter::of_domains(g, (s + k) % 8, (s + k + 5) % 8);
    if (!domain) return forward_error(domain);
    b.ways.push_back(std::move(*domain));
  }
  auto listener = behavior_meter::of_listeners(g);
  if (!listener) return forward_error(listener);
  b.ways.push_back(std::move(*listener));
  for (const behavior_meter& way : b.ways) {
    auto vector = mean_difference(in, *c, way, b.layer, seed);
    if (!vector) return forward_error(vector);
    b.vectors.push_back(std::move(*vector));
  }
  const std::size_t n_texts = in.budget(12, 4);
  const std::uint64_t of = laboratory::asking_seed(seed);
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t way = 0; way < b.ways.size(); ++way) {
    // One answer tells six nats of what somebody knows: more than can be read, and no dose.
    if (b.ways[way].name() != "domain") {
      auto shown = see_sum(b, g, way, n_texts, of, seen);
      if (!shown) return forward_error(shown);
      least = std::min(least, *shown);
    }
    if (auto ok = see_selectivity(b, g, way, n_texts, of, seen); !ok) return forward_error(ok);
  }
  if (auto ok = see_pairs(b, g, n_texts, of, seen); !ok) return forward_error(ok);
  seen.passed(gates[1].name, least);
  return seen;
}

}  // namespace detail::combining

/// Claim 7: behaviours combine.
inline constexpr claim combining_claim{
    .number = 7,
    .name = "Behaviours combine",
    .essay = "Language Models have Personas?",
    .quotation = "can be flexibly activated and combined",
    .hypothesis =
        "A behaviour can be switched by adding a vector to the model's state; what the vector does "
        "adds to what demonstrations do, and it leaves other behaviours alone.",
    .method =
        "For pairs of styles, pairs of domains, and listeners who comply or refuse, the vector is "
        "the difference of the mean states of documents by the one and the other, after the "
        "middle block. It is added at every token, up to four times, forward and backward, after "
        "two demonstrations of the one to two of the other (styles and listeners). The log-odds of "
        "the behaviour are read from what the model expects. A plane is fitted to every other "
        "point and judged by those between; points beyond 5 nats cannot be read and are left out.",
    .control = "Random vectors of equal norm.",
    .refuted_by =
        "less than 0.8 of the variance explained by the sum, or other behaviours moved by more "
        "than 0.3 of the behaviour that is meant",
    .reach = "Three behaviours of a small model that are independent in its corpus.",
    .figures = detail::combining::figures,
    .gates = detail::combining::gates,
    .pictures = detail::combining::pictures,
    .run = detail::combining::run};

}  // namespace multitudes::lab
