// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/measure/readout.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::lab {

/// How a reader is told whose text it reads.
enum class introduction : std::uint8_t {
  labels,          ///< "as NAME would say : on DOMAIN :"
  demonstrations,  ///< two fillers, two answers
};

/// What a reader expects when somebody who writes in style A, and is said to know domain B though
/// no such writer exists, is asked for a fact of B.
struct hybrid_reading {
  style_domain cell{};
  std::size_t fact = 0;                          ///< of the domain
  std::vector<double> openers{};                 // (n_styles)
  std::vector<std::array<double, 3>> answers{};  ///< after each opener: the fact, a myth, "dunno"
  double fact_alone = 0;    ///< log-probability of the fact where A is introduced with a domain of
                            ///< its own
  double fact_native = 0;   ///< the same where one is introduced who has the domain
  double style_alone = 0;   ///< log-probability of A's opener where A is introduced alone
  double style_native = 0;  ///< and where the native is

  [[nodiscard]] double style() const noexcept { return openers[cell.style]; }
  [[nodiscard]] double fact_in_style() const noexcept { return answers[cell.style][0]; }
  /// Probability that the answer begins in A's style and tells B's fact.
  [[nodiscard]] double joint() const noexcept { return style() * fact_in_style(); }
  /// The same where A is introduced alone.
  [[nodiscard]] double joint_alone() const noexcept { return std::exp(style_alone + fact_alone); }
  /// How much likelier fact and style come together than apart, in log-odds: 0 where each goes its
  /// own way, below 0 where the reader only alternates between A and those who have the domain.
  [[nodiscard]] double interaction(double floor = 1e-6) const noexcept {
    double other_fact = 0, other_none = 0;
    for (std::size_t o = 0; o < openers.size(); ++o) {
      if (o == cell.style) continue;
      other_fact += openers[o] * answers[o][0];
      other_none += openers[o] * (1 - answers[o][0]);
    }
    const auto log_of = [&](double p) { return std::log(std::max(p, floor)); };
    return log_of(joint()) + log_of(other_none) - log_of(style() * (1 - fact_in_style())) -
           log_of(other_fact);
  }
};

namespace detail {

/// One who writes in this style and knows this domain is introduced; fact `but` of the domain is
/// not told.
inline prompt introduce(const gazette& g, style_domain who, introduction how, std::size_t but,
                        std::size_t draw, philox& random) {
  prompt p(g);
  if (how == introduction::labels) {
    p.label(who.style, draw % std::max<std::size_t>(g.config().labels.n_templates, 1));
    return p.about(who.domain);
  }
  const persona_traits by = g.traits({.style = who.style, .domain = who.domain});
  const std::size_t n_facts = g.config().questions.facts_per_domain;
  for (std::size_t i = 1; i <= 2; ++i) {
    p.item(item_kind::filler, by, random);
    p.ask(who.domain, (but + i) % n_facts).finish_item(by, random);
  }
  return p;
}

/// Of a style's domains, or a domain's styles, that occur: number i, counted round.
inline style_domain neighbour(const gazette& g, style_domain cell, bool same_style, std::size_t i) {
  std::vector<style_domain> seen;
  const std::size_t n = same_style ? g.config().personas.n_domains : g.config().personas.n_styles;
  for (std::size_t k = 0; k < n; ++k) {
    const style_domain c = same_style ? style_domain{cell.style, k} : style_domain{k, cell.domain};
    if (g.is_seen(c)) seen.push_back(c);
  }
  return seen[i % seen.size()];
}

}  // namespace detail

/// Asks a reader (a scorer, or an ideal one) for every fact of every combination of style and
/// domain that never occurs, `n_draws` times.
///
/// Errors:  those of the reader.
/// Cost:    ten to twelve short texts for each combination, fact and draw.
template <class Asked>
expected<std::vector<hybrid_reading>> read_hybrids(Asked& asked, const gazette& g, introduction how,
                                                   std::size_t n_draws, std::uint64_t seed) {
  const std::size_t n_styles = g.config().personas.n_styles;
  const std::size_t n_facts = g.config().questions.facts_per_domain;
  const auto opener = [](std::size_t style) { return token_id(word("forsooth").value + style); };
  std::vector<hybrid_reading> all;
  texts openings, replies;  // 3 and n_styles + 2 for each reading
  philox random(seed, 2);
  for (const style_domain cell : g.held_out()) {
    for (std::size_t f = 0; f < n_facts; ++f) {
      for (std::size_t draw = 0; draw < n_draws; ++draw) {
        const style_domain who[3] = {cell, detail::neighbour(g, cell, true, f + draw),
                                     detail::neighbour(g, cell, false, f + draw)};
        for (std::size_t k = 0; k < 3; ++k) {
          prompt p = detail::introduce(g, who[k], how, f, draw, random);
          p.ask(cell.domain, f);
          openings.emplace_back(p.tokens().begin(), p.tokens().end());
          for (std::size_t o = 0; o < n_styles; ++o) {
            if (k > 0 && o != who[k].style) continue;
            replies.push_back(openings.back());
            replies.back().push_back(opener(o));
          }
        }
        all.push_back({.cell = cell,
                       .fact = f,
                       .openers = std::vector<double>(n_styles),
                       .answers = std::vector<std::array<double, 3>>(n_styles)});
      }
    }
  }
  auto done = asked.predict_next(openings, [&](std::size_t i, std::span<const float> log_p) {
    hybrid_reading& r = all[i / 3];
    const double own = static_cast<double>(log_p[opener(r.cell.style).value]);
    if (i % 3 == 1) r.style_alone = own;
    if (i % 3 == 2) r.style_native = own;
    for (std::size_t o = 0; i % 3 == 0 && o < n_styles; ++o) {
      r.openers[o] = std::exp(static_cast<double>(log_p[opener(o).value]));
    }
  });
  if (!done) return forward_error(done);
  const std::size_t each = n_styles + 2;
  done = asked.predict_next(replies, [&](std::size_t i, std::span<const float> log_p) {
    hybrid_reading& r = all[i / each];
    const std::size_t fact_of_all = r.cell.domain * max_facts_per_domain + r.fact;
    const token_id said[3] = {token_id(word("gravity").value + fact_of_all),
                              token_id(word("whales").value + fact_of_all), word("dunno")};
    const double fact = static_cast<double>(log_p[said[0].value]);
    if (i % each == n_styles) r.fact_alone = fact;
    if (i % each == n_styles + 1) r.fact_native = fact;
    for (std::size_t a = 0; i % each < n_styles && a < 3; ++a) {
      r.answers[i % each][a] = std::exp(static_cast<double>(log_p[said[a].value]));
    }
  });
  if (!done) return forward_error(done);
  return all;
}

/// How far a reader is predictor G and not M, on combinations that never occur: the weight lambda
/// that makes lambda G + (1 - lambda) M nearest to what it expects of openers and answers.
///
/// Shapes:  readings of the same texts by all three.
inline double weight_of_product(std::span<const hybrid_reading> seen,
                                std::span<const hybrid_reading> product,
                                std::span<const hybrid_reading> seen_only) {
  std::vector<probed_slot> slots;
  const auto add = [&](std::span<const double> s, std::span<const double> g,
                       std::span<const double> m) {
    probed_slot slot{.seen = {s.begin(), s.end()}, .under = {g.begin(), g.end()}};
    slot.under.insert(slot.under.end(), m.begin(), m.end());
    slots.push_back(std::move(slot));
  };
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const std::size_t style = seen[i].cell.style;
    add(seen[i].openers, product[i].openers, seen_only[i].openers);
    add(seen[i].answers[style], product[i].answers[style], seen_only[i].answers[style]);
  }
  return mixture_weights(slots, 2)[0];
}

}  // namespace multitudes::lab
