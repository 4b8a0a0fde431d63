// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/measure/replies.hpp>
#include <multitudes/lab/measure/style_judge.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace multitudes::lab {

/// A choice between two words that tells something about a writer.
struct binary_unit {
  std::vector<token_id> context{};  ///< a document's beginning
  token_id own{0}, other{0};        ///< what the persona prefers, and what not
};

/// Choices of spelling, lexis and form that a persona prefers one way: first slots of all fillers
/// and their first line ends, at a document's beginning and after an item that tells nothing.
inline std::vector<binary_unit> other_units(std::size_t persona) {
  struct line {
    std::string_view before_slot, after_slot;
    std::size_t slot;
  };
  // The second slot of each line is said as slot 0 of another style would have it: form is then
  // asked after words that everyone is about as likely to say.
  constexpr line lines[] = {{"the", "of the harbour light", 0},
                            {"a", "spoke with honour then", 3},
                            {"when", "came down ere the bell", 6},
                            {"she", "a garth yonder still", 9}};
  constexpr std::string_view starts[] = {"<doc>", "<doc> people talk of arden .",
                                         "<doc> bid lamp ! brings lamp ."};
  const auto put = [](std::vector<token_id>& to, std::string_view text) {
    const auto words = *gazette_tokens(text);
    to.insert(to.end(), words.begin(), words.end());
  };
  std::vector<binary_unit> units;
  for (const std::string_view start : starts) {
    for (const line& l : lines) {
      binary_unit u;
      put(u.context, start);
      put(u.context, l.before_slot);
      const token_id pair(word("colour").value + 2 * l.slot);
      const std::size_t preferred = detail::preferred_word(persona, l.slot);
      u.own = token_id(pair.value + preferred);
      u.other = token_id(pair.value + 1 - preferred);
      units.push_back(u);
      u.context.push_back(pair);
      put(u.context, l.after_slot);
      const bool is_verse = detail::own_form(persona) == 1;
      u.own = is_verse ? word("/") : word(",");
      u.other = is_verse ? word(",") : word("/");
      units.push_back(u);
    }
  }
  return units;
}

/// Log-odds of each unit's own word against the other.
template <class Asked>
expected<std::vector<double>> log_odds_of(Asked& asked, std::span<const binary_unit> units) {
  texts all;
  for (const binary_unit& u : units) all.push_back(u.context);
  std::vector<double> odds(units.size());
  auto done = asked.predict(
      all, [&](std::size_t i, std::size_t t) { return t + 1 == all[i].size(); },
      [&](std::size_t i, std::size_t, std::span<const float> log_p) {
        odds[i] = static_cast<double>(log_p[units[i].own.value]) -
                  static_cast<double>(log_p[units[i].other.value]);
      });
  if (!done) return forward_error(done);
  return odds;
}

/// How a unit's log-odds would shift if the persona's odds rose by so many nats, in a reader of
/// coherent writers, all equally prevalent.
inline double shift_of_unit(const gazette& g, const binary_unit& unit, std::size_t persona,
                            double nats) {
  const style_judge judge(g);
  const std::vector<token_id> start{word("<doc>")};
  std::vector<double> w = judge.posterior(start, std::span(unit.context).subspan(1));
  cursor at(g);
  for (const token_id t : unit.context) at.take(t);
  choice_scratch scratch;
  const choice c = at.next(scratch);
  const auto log_odds = [&] {
    double own = 0, other = 0;
    for (std::size_t s = 0; s < w.size(); ++s) {
      const std::size_t row = value_of(c.key, g.traits({.style = s}));
      own += w[s] * c.probability(row, *c.find(unit.own));
      other += w[s] * c.probability(row, *c.find(unit.other));
    }
    return std::log(own / other);
  };
  const double before = log_odds();
  w[persona] *= std::exp(nats);  // odds need not add up to 1
  return log_odds() - before;
}

/// How much opener, closer and form of what is written next hang together: their total correlation
/// over the sum of their entropies, from exact probabilities of all combinations. 0 if each is
/// chosen by itself.
///
/// Source:  Watanabe 1960 (total correlation).
template <class Asked>
expected<double> total_correlation(Asked& asked, const gazette& g, std::size_t domain) {
  const std::size_t n = g.config().personas.n_styles;
  const auto closing = *gazette_tokens(". the colour of the harbor light");
  const auto question = followed_by({word("<doc>")}, question_about(domain));
  texts all;
  for (std::size_t o = 0; o < n; ++o) {
    for (std::size_t c = 0; c < n; ++c) {
      all.push_back(
          followed_by(followed_by(question, {opener_of(o), word("dunno"), closer_of(c)}), closing));
    }
  }
  std::vector<double> joint(2 * n * n);
  const std::size_t at_opener = question.size() - 1, at_closer = at_opener + 2;
  auto done = asked.predict(
      all,
      [&](std::size_t i, std::size_t t) {
        return t == at_opener || t == at_closer || t + 1 == all[i].size();
      },
      [&](std::size_t i, std::size_t t, std::span<const float> log_p) {
        const auto p = [&](token_id w) { return std::exp(static_cast<double>(log_p[w.value])); };
        if (t == at_opener) {
          joint[2 * i] = joint[2 * i + 1] = p(opener_of(i / n));
        } else if (t == at_closer) {
          joint[2 * i] *= p(closer_of(i % n));
          joint[2 * i + 1] *= p(closer_of(i % n));
        } else {
          joint[2 * i] *= p(word(","));
          joint[2 * i + 1] *= p(word("/"));
        }
      });
  if (!done) return forward_error(done);
  double sum = 0;
  for (const double p : joint) sum += p;
  std::vector<double> openers(n), closers(n), forms(2);
  double together = 0;
  const auto surprise = [](double p) { return p > 0 ? -p * std::log(p) : 0; };
  for (std::size_t i = 0; i < joint.size(); ++i) {
    const double p = joint[i] / sum;
    openers[i / 2 / n] += p;
    closers[i / 2 % n] += p;
    forms[i % 2] += p;
    together += surprise(p);
  }
  double apart = 0;
  for (const auto* unit : {&openers, &closers, &forms}) {
    for (const double p : *unit) apart += surprise(p);
  }
  return apart > 0 ? (apart - together) / apart : 0.0;
}

}  // namespace multitudes::lab
