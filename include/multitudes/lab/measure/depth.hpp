// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/likelihood.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/measure/readout.hpp>
#include <multitudes/lab/measure/valley.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace multitudes::lab {

/// Weights below it are not told apart: errors of a student within the gate blur them. Logarithms
/// of weights are taken no deeper.
inline constexpr double weight_resolution = 0.01;

/// A filler that one of two writers might have written: where both prefer a word it stands, so
/// that nobody else is meant; where they differ it is the first one's with probability `share`.
inline void add_filler_of_either(prompt& p, const persona_traits& first,
                                 const persona_traits& second, double share, philox& random) {
  p.begin(item_kind::filler, random);
  while (!p.at().ended_item()) {
    const bool is_first = static_cast<double>(random.uniform()) < share;
    static_cast<void>(p.put_checked(p.likeliest(is_first ? first : second)));
  }
}

/// A filler in which every choice of a word is a toss.
inline void add_tossed_filler(prompt& p, philox& random) {
  p.begin(item_kind::filler, random);
  choice_scratch scratch;
  while (!p.at().ended_item()) {
    const choice c = p.at().next(scratch);
    const auto any = random.below(static_cast<std::uint32_t>(c.n_options()));
    static_cast<void>(p.put_checked(c.tokens[any]));
  }
}

/// The depths of some personas against each other, in nats.
struct depth_table {
  std::size_t n_personas = 0;
  std::vector<double> against{};  // (n_personas, n_personas); not a number where none was found

  [[nodiscard]] double of(std::size_t persona, std::size_t rival) const noexcept {
    return against[persona * n_personas + rival];
  }
  /// The mean over all rivals.
  [[nodiscard]] double of(std::size_t persona) const noexcept {
    double sum = 0, n = 0;
    for (std::size_t rival = 0; rival < n_personas; ++rival) {
      const double d = of(persona, rival);
      if (rival == persona || std::isnan(d)) continue;
      sum += d;
      n += 1;
    }
    return n > 0 ? sum / n : 0;
  }
};

namespace detail {

/// A text that bears on two personas, with what an ideal reader makes of it.
struct pressing_text {
  std::vector<token_id> tokens{};
  double evidence = 0;  ///< for the second against the first
  double log_odds = 0;  ///< the ideal reader's, of the first
};

/// Fillers of either of two personas, at log-odds from `reach` nats for the one to as many for the
/// other, as far as such texts turn up.
inline expected<std::vector<pressing_text>> pressing_texts(const gazette& g,
                                                           std::span<const persona_traits> who,
                                                           std::span<const double> log_prior,
                                                           std::size_t k, std::size_t j,
                                                           std::uint64_t n_texts, philox& random) {
  constexpr double reach = 4;
  std::vector<pressing_text> found;
  for (std::uint64_t i = 0; i < 12 * n_texts; ++i) {
    prompt p(g);
    const auto share = static_cast<double>(random.uniform());
    for (std::uint64_t m = 0; m <= i % 6; ++m) {
      add_filler_of_either(p, who[k], who[j], share, random);
    }
    auto logs = log_likelihoods(g, p.tokens(), who);
    if (!logs) return forward_error(logs);
    double all = 0;
    for (std::size_t o = 0; o < who.size(); ++o) {
      all += std::exp((*logs)[o] + log_prior[o] - (*logs)[k] - log_prior[k]);
    }
    const double evidence = (*logs)[j] - (*logs)[k];
    const double odds = log_prior[k] - log_prior[j] - evidence;
    // Where a third persona is meant, the odds of two others cannot be read.
    const double larger = std::max(1.0, std::exp(-odds)) / all;
    if (std::abs(odds) > reach || larger < 10 * weight_resolution) continue;
    found.push_back({{p.tokens().begin(), p.tokens().end()}, evidence, odds});
  }
  // Spread evenly: of texts in order of their odds, every so many.
  std::ranges::sort(found, {}, &pressing_text::log_odds);
  std::vector<pressing_text> chosen;
  std::size_t from = 0;
  for (std::uint64_t t = 0; t < n_texts && from < found.size(); ++t) {
    const double wanted =
        reach * (2 * (static_cast<double>(t) + 0.5) / static_cast<double>(n_texts) - 1);
    while (from + 1 < found.size() && found[from].log_odds < wanted) ++from;
    chosen.push_back(std::move(found[from++]));
  }
  return chosen;
}

}  // namespace detail

/// E50 of every persona against every other (depth_of), from fillers that either of the two might
/// have written. They are chosen where the ideal reader's log-odds are small, by what is known of
/// the corpus and not by what the student answers.
///
/// Shapes:  who: the readout's personas; log_prior: how prevalent they are (n_personas).
/// Errors:  those of the readout and of log_likelihoods.
/// Cost:    who² / 2 * n_texts texts of one to six items, each with all probes.
template <class Asked>
expected<depth_table> measure_depths(Asked& asked, const gazette& g, expectation_readout& r1,
                                     std::span<const persona_traits> who,
                                     std::span<const double> log_prior, std::uint64_t n_texts,
                                     philox& random) {
  struct pair {
    std::size_t k = 0, j = 0, first = 0, last = 0;
  };
  texts all;
  std::vector<double> evidence;
  std::vector<pair> pairs;
  for (std::size_t k = 0; k < who.size(); ++k) {
    for (std::size_t j = k + 1; j < who.size(); ++j) {
      auto some = detail::pressing_texts(g, who, log_prior, k, j, n_texts, random);
      if (!some) return forward_error(some);
      pairs.push_back({k, j, all.size(), all.size() + some->size()});
      for (detail::pressing_text& t : *some) {
        all.push_back(std::move(t.tokens));
        evidence.push_back(t.evidence);
      }
    }
  }
  auto own = r1.weights(asked, all);
  if (!own) return forward_error(own);
  depth_table depths{who.size(), std::vector<double>(who.size() * who.size(),
                                                     std::numeric_limits<double>::quiet_NaN())};
  for (const pair& p : pairs) {
    std::vector<pressed_belief> beliefs;
    for (std::size_t i = p.first; i < p.last; ++i) {
      beliefs.push_back({evidence[i], log_odds((*own)[i], p.k, p.j, weight_resolution)});
    }
    const auto found = depth_of(beliefs);
    if (!found) continue;
    depths.against[p.k * who.size() + p.j] = *found;
    depths.against[p.j * who.size() + p.k] = -*found;
  }
  return depths;
}

}  // namespace multitudes::lab
