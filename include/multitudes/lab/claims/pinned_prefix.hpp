// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/demonstration.hpp>
#include <multitudes/lab/measure/depth.hpp>
#include <multitudes/lab/measure/hidden_prefix.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/readout.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::pinned_prefix {

inline constexpr figure figures[] = {
    {.name = "entropy taken away",
     .how = statistic::mean,
     .unit = "share",
     .shows = "how much less the persona of the first reply varies over users when eight items by "
              "one persona stand hidden before the conversation",
     .holds = stats::interval{0.8, no_limit}},
    {.name = "not the pinned persona",
     .how = statistic::mean,
     .unit = "share",
     .shows = "benign users to whom somebody else replies in spite of that prefix",
     .holds = stats::interval{-no_limit, 0.05}},
    {.name = "entropy taken away, trained command",
     .how = statistic::mean,
     .unit = "share",
     .shows = "the same of a command to write as the persona, in a model tuned to obey such ones"},
    {.name = "not the pinned persona, trained command",
     .how = statistic::mean,
     .unit = "share",
     .shows = "users to whom somebody else replies in spite of that command"},
    {.name = "entropy taken away, mixed writers",
     .how = statistic::mean,
     .unit = "share",
     .shows = "control: eight items by eight different writers"},
    {.name = "entropy taken away, words shuffled",
     .how = statistic::mean,
     .unit = "share",
     .shows = "beside it: the words of the persona's eight items in random order"},
    {.name = "entropy taken away, ideal reader",
     .how = statistic::mean,
     .unit = "share",
     .shows = "what the ideal reader makes of the eight items"},
    {.name = "strength of the pin",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "by how much the prefix raises the log-odds of its persona"},
    {.name = "decay per turn",
     .how = statistic::slope,
     .unit = "nats per item",
     .shows = "how these log-odds change with each neutral item that follows"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "length",
     .title = "Pinning a persona by items of its own",
     .x_label = "items in the prefix",
     .y_label = "entropy taken away (share)"},
    {.name = "override",
     .title = "Users who write as somebody else",
     .x_label = "items by the user",
     .y_label = "share of replies by the pinned persona"},
    {.name = "decay",
     .title = "What is left after neutral turns",
     .x_label = "neutral items",
     .y_label = "log-odds of the pinned persona above those without prefix (nats)"},
};

inline constexpr std::size_t n_styles = 8;

inline double entropy_of(std::span<const double> w) noexcept {
  double sum = 0;
  for (const double p : w) sum -= p > 0 ? p * std::log(p) : 0;
  return sum;
}
inline std::vector<double> mean_of(const std::vector<std::vector<double>>& all) {
  std::vector<double> sum(n_styles);
  for (const auto& w : all) {
    for (std::size_t k = 0; k < n_styles; ++k) sum[k] += w[k] / static_cast<double>(all.size());
  }
  return sum;
}
/// Draws a point that each persona has a share in: outcome::drew of the mean.
struct averaged {
  std::string_view picture, label;
  std::map<double, double> sums{};

  void add(double x, double y) { sums[x] += y / static_cast<double>(n_styles); }
  void draw(outcome& seen) const {
    for (const auto& [x, y] : sums) seen.drew(picture, label, x, y);
  }
};
inline double log_odds_against_rest(double w) noexcept {
  return std::log(std::max(w, weight_resolution) / std::max(1 - w, weight_resolution));
}

/// What a prefix did to the replies to all users.
struct pinned {
  double entropy = 0;
  double missed = 0;    ///< share of replies that are likelier by another persona
  double strength = 0;  ///< log-odds of the persona, mean
};

template <class Asked>
expected<pinned> pin(Asked& asked, expectation_readout& r1, std::vector<token_id> prefix,
                     const texts& users, std::size_t k) {
  hidden_prefix secretive(asked, std::move(prefix));
  auto w = r1.weights(secretive, users);
  if (!w) return forward_error(w);
  pinned p{.entropy = entropy_of(mean_of(*w))};
  for (const auto& one : *w) {
    const auto n = static_cast<double>(users.size());
    const auto best = std::ranges::max_element(one) - one.begin();
    p.missed += best != static_cast<std::ptrdiff_t>(k) ? 1 / n : 0;
    p.strength += log_odds_against_rest(one[k]) / n;
  }
  return p;
}

/// Items of a persona, or of everybody by turns, without `<doc>`.
inline std::vector<token_id> items_by(const gazette& g, std::size_t k, std::size_t n_items,
                                      bool by_turns, philox& random) {
  prompt p(g);
  for (std::size_t n = 0; n < n_items; ++n) {
    const std::size_t who = by_turns ? (k + n) % n_styles : k;
    demonstrate(p, g, g.traits({.style = who, .domain = random.below(8)}), 1, random);
  }
  return {p.tokens().begin() + 1, p.tokens().end()};
}

inline expected<student> obedient(laboratory& in, const classroom& c, std::uint64_t seed) {
  std::vector<persona_traits> writers;
  for (std::size_t k = 0; k < n_styles; ++k) writers.push_back(c.corpus.traits({.style = k}));
  const auto data = make_command_dataset(c.corpus, writers, 160, laboratory::reading_seed(seed));
  return in.tune(c.reader, data, {.seed = seed});
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  auto c = teach(in, plain_corpus(seed), seed, seen);
  if (!c) return forward_error(c);
  auto tuned = obedient(in, *c, seed);
  if (!tuned) return forward_error(tuned);
  const auto g = *gazette::make(with_room(c->corpus.config()));
  const population writers = true_population(g);
  auto plain = scorer::make(in.workers(), c->reader);
  if (!plain) return forward_error(plain);
  auto trained = scorer::make(in.workers(), *tuned);
  if (!trained) return forward_error(trained);
  ideal_scorer ideal(g, writers);
  auto r1 = expectation_readout::of_styles(g);
  if (!r1) return forward_error(r1);

  // Users begin with an item of their own, whoever they are.
  philox random(laboratory::asking_seed(seed), 1);
  const std::uint64_t n_users = in.budget(32, 16);
  texts users;
  for (std::uint64_t i = 0; i < n_users; ++i) {
    prompt p(g);
    demonstrate(p, g, g.traits({.style = i % n_styles, .domain = random.below(8)}), 1, random);
    users.push_back(text_of(p));
  }
  const auto before = [&](auto& asked) -> expected<std::vector<double>> {
    auto w = r1->weights(asked, users);
    if (!w) return forward_error(w);
    std::vector<double> numbers = mean_of(*w);
    numbers.push_back(entropy_of(numbers));
    for (std::size_t k = 0; k < n_styles; ++k) {
      double sum = 0;
      for (const auto& one : *w) sum += log_odds_against_rest(one[k]);
      numbers[k] = sum / static_cast<double>(users.size());
    }
    return numbers;  // log-odds of each persona, and the entropy
  };
  auto free = before(*plain);
  if (!free) return forward_error(free);
  auto free_trained = before(*trained);
  if (!free_trained) return forward_error(free_trained);
  auto free_ideal = before(ideal);
  if (!free_ideal) return forward_error(free_ideal);
  const auto reduced = [](const pinned& p, const std::vector<double>& from) {
    return 1 - p.entropy / from[n_styles];
  };

  averaged by_length{pictures[0].name, "model"}, by_length_ideal{pictures[0].name, "ideal reader"};
  averaged against_items{pictures[1].name, "eight items"};
  averaged against_command{pictures[1].name, "trained command"}, decay{pictures[2].name, "model"};
  for (std::size_t k = 0; k < n_styles; ++k) {
    std::vector<token_id> longest;
    for (const std::size_t n_items :
         {std::size_t{1}, std::size_t{2}, std::size_t{4}, std::size_t{8}}) {
      auto prefix = items_by(g, k, n_items, false, random);
      auto own = pin(*plain, *r1, prefix, users, k);
      if (!own) return forward_error(own);
      auto truth = pin(ideal, *r1, prefix, users, k);
      if (!truth) return forward_error(truth);
      const auto x = static_cast<double>(n_items);
      by_length.add(x, reduced(*own, *free));
      by_length_ideal.add(x, reduced(*truth, *free_ideal));
      if (n_items < 8) continue;
      seen.saw(figures[0].name, reduced(*own, *free));
      seen.saw(figures[1].name, own->missed);
      seen.saw(figures[6].name, reduced(*truth, *free_ideal));
      seen.saw(figures[7].name, own->strength - (*free)[k]);
      longest = std::move(prefix);
    }
    const auto command = prompt(g).command(k);
    auto told =
        pin(*trained, *r1, {command.tokens().begin() + 1, command.tokens().end()}, users, k);
    if (!told) return forward_error(told);
    seen.saw(figures[2].name, reduced(*told, *free_trained));
    seen.saw(figures[3].name, told->missed);
    auto mixed = pin(*plain, *r1, items_by(g, k, 8, true, random), users, k);
    if (!mixed) return forward_error(mixed);
    seen.saw(figures[4].name, reduced(*mixed, *free));
    std::vector<token_id> jumbled = longest;
    for (std::size_t i = jumbled.size(); i > 1; --i) {
      std::swap(jumbled[i - 1], jumbled[random.below(static_cast<std::uint32_t>(i))]);
    }
    auto shuffled = pin(*plain, *r1, jumbled, users, k);
    if (!shuffled) return forward_error(shuffled);
    seen.saw(figures[5].name, reduced(*shuffled, *free));

    // Turns that say nothing, and users who write as a rival.
    for (std::size_t n = 0; n <= 6; n += 2) {
      texts neutral, rivals;
      for (std::uint64_t i = 0; i < in.budget(8, 4); ++i) {
        prompt p(g);
        add_neutral(p, n, random);
        neutral.push_back(text_of(p));
        const std::size_t rival = (k + 1 + random.below(n_styles - 1)) % n_styles;
        rivals.push_back({word("<doc>")});
        const auto said = items_by(g, rival, n, false, random);
        rivals.back().insert(rivals.back().end(), said.begin(), said.end());
      }
      auto kept = pin(*plain, *r1, longest, neutral, k);
      if (!kept) return forward_error(kept);
      const auto x = static_cast<double>(n);
      seen.saw(figures[8].name, x, kept->strength);
      decay.add(x, kept->strength - (*free)[k]);
      auto left = pin(*plain, *r1, longest, rivals, k);
      if (!left) return forward_error(left);
      against_items.add(x, 1 - left->missed);
      auto left_trained =
          pin(*trained, *r1, {command.tokens().begin() + 1, command.tokens().end()}, rivals, k);
      if (!left_trained) return forward_error(left_trained);
      against_command.add(x, 1 - left_trained->missed);
    }
  }
  for (const averaged* line :
       {&by_length, &by_length_ideal, &against_items, &against_command, &decay}) {
    line->draw(seen);
  }
  return seen;
}

}  // namespace detail::pinned_prefix

/// Claim 17: a hidden prefix pins the persona.
inline constexpr claim pinned_prefix_claim{
    .number = 17,
    .name = "Pinned by a prefix",
    .essay = "Personas and Goals in Language Models",
    .quotation = "Prompt injection causes the conversation to always start in that same persona.",
    .hypothesis =
        "With a persona's words hidden before the conversation, the first reply is by "
        "that persona, whoever the user is.",
    .method =
        "Eight items by a persona stand before the texts of users, who have written one item "
        "each in a style of their own. The persona of the first reply is read from the "
        "expected opener; its entropy over users is compared with that without a prefix. "
        "Beside it: prefixes of 1, 2 and 4 items, a command in a tuned model, neutral turns, "
        "and users who write up to six items as a rival.",
    .control =
        "A prefix of as many items by different writers; the same words shuffled; the ideal "
        "reader. (That a prefix kept in the cache gives the same logits as one that is read "
        "again is checked in tests/generate/batch.cpp.)",
    .refuted_by =
        "less than 80 % of the entropy taken away, or another persona for more than 5 % of "
        "benign users",
    .reach =
        "Prefixes of the persona's own text in small models. How long commands hold in large "
        "ones depends on how they were tuned.",
    .figures = detail::pinned_prefix::figures,
    .gates = detail::pinned_prefix::gates,
    .pictures = detail::pinned_prefix::pictures,
    .run = detail::pinned_prefix::run};

}  // namespace multitudes::lab
