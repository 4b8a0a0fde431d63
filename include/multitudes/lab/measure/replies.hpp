// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/measure/readout.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// A style's own word for the beginning of an answer, and for its end.
inline token_id opener_of(std::size_t style) noexcept {
  return token_id(word("forsooth").value + style);
}
inline token_id closer_of(std::size_t style) noexcept {
  return token_id(word("methinks").value + style);
}

/// "ask SUBJECT ?", to be added to a text.
inline std::vector<token_id> question_about(std::size_t domain, std::size_t fact = 0) {
  return {word("ask"), token_id(word("tide").value + domain * max_facts_per_domain + fact),
          word("?")};
}

/// A text that goes on with these words.
inline std::vector<token_id> followed_by(std::vector<token_id> text,
                                         std::span<const token_id> more) {
  text.insert(text.end(), more.begin(), more.end());
  return text;
}
inline std::vector<token_id> followed_by(std::vector<token_id> text,
                                         std::initializer_list<token_id> more) {
  return followed_by(std::move(text), std::span(more.begin(), more.size()));
}

/// "<doc> ask SUBJECT ?", so many, each about any fact.
inline texts random_questions(const gazette& g, std::size_t count, philox random) {
  const auto n_domains = static_cast<std::uint32_t>(g.config().personas.n_domains);
  const auto n_facts = static_cast<std::uint32_t>(g.config().questions.facts_per_domain);
  texts all;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t domain = random.below(n_domains);
    all.push_back(followed_by({word("<doc>")}, question_about(domain, random.below(n_facts))));
  }
  return all;
}

/// How a student answers questions after a text: unlike readout R1 it needs no text that documents
/// could have, and two words of an answer tell more than one. `Asked` is scorer or ideal_scorer.
class replies {
 public:
  /// Asks a fact of each of these domains after each text.
  explicit replies(std::vector<std::size_t> domains, std::size_t fact = 0)
      : domains_(std::move(domains)), fact_(fact) {}

  /// The logarithm of how probable each style's typical answer is, opener and closer around
  /// "dunno", averaged over the questions.
  ///
  /// Shapes:  (after, styles)
  /// Errors:  those of Asked::predict.
  template <class Asked>
  expected<std::vector<std::vector<double>>> log_typical(
      Asked& asked, std::span<const std::vector<token_id>> after,
      std::span<const std::size_t> styles) const {
    texts all;
    for (const auto& text : after) {
      for (const std::size_t d : domains_) {
        for (const std::size_t s : styles) {
          all.push_back(followed_by(followed_by(text, question_about(d, fact_)),
                                    {opener_of(s), word("dunno"), closer_of(s)}));
        }
      }
    }
    std::vector<std::vector<double>> sums(after.size(), std::vector<double>(styles.size()));
    // What was expected where the opener and the closer stand.
    auto done = asked.predict(
        all,
        [&](std::size_t i, std::size_t t) {
          return t + 4 == all[i].size() || t + 2 == all[i].size();
        },
        [&](std::size_t i, std::size_t t, std::span<const float> log_p) {
          sums[i / (domains_.size() * styles.size())][i % styles.size()] +=
              static_cast<double>(log_p[all[i][t + 1].value]);
        });
    if (!done) return forward_error(done);
    for (auto& row : sums) {
      for (double& x : row) x /= static_cast<double>(domains_.size());
    }
    return sums;
  }
  /// Log-odds of one style's typical answer against another's. With writers who have w and v
  /// before, it is log w / v, as long as that is below what an opener and a closer tell together
  /// (7.4 nats in a plain gazette).
  ///
  /// Shapes:  (after)
  template <class Asked>
  expected<std::vector<double>> log_odds(Asked& asked, std::span<const std::vector<token_id>> after,
                                         std::size_t style, std::size_t rival) const {
    const std::size_t both[] = {style, rival};
    auto logs = log_typical(asked, after, both);
    if (!logs) return forward_error(logs);
    std::vector<double> odds;
    for (const auto& row : *logs) odds.push_back(row[0] - row[1]);
    return odds;
  }
  /// Log-odds of one style's typical answer against those of all others together: those of its
  /// weight, more exactly than openers alone tell them where it is nearly certain.
  ///
  /// Shapes:  (after)
  template <class Asked>
  expected<std::vector<double>> log_odds(Asked& asked, std::span<const std::vector<token_id>> after,
                                         const gazette& g, std::size_t style) const {
    std::vector<std::size_t> all(g.config().personas.n_styles);
    for (std::size_t s = 0; s < all.size(); ++s) all[s] = s;
    auto logs = log_typical(asked, after, all);
    if (!logs) return forward_error(logs);
    std::vector<double> odds;
    for (const auto& row : *logs) {
      double others = 0;
      for (const std::size_t s : all) others += s == style ? 0 : std::exp(row[s]);
      odds.push_back(row[style] - std::log(others));
    }
    return odds;
  }
  /// How probable each style's opener is, averaged over the questions.
  ///
  /// Shapes:  (after, n_styles)
  template <class Asked>
  expected<std::vector<std::vector<double>>> openers(Asked& asked,
                                                     std::span<const std::vector<token_id>> after,
                                                     std::size_t n_styles) const {
    texts all;
    for (const auto& text : after) {
      for (const std::size_t d : domains_)
        all.push_back(followed_by(text, question_about(d, fact_)));
    }
    std::vector<std::vector<double>> shares(after.size(), std::vector<double>(n_styles));
    auto done = asked.predict(
        all, [&](std::size_t i, std::size_t t) { return t + 1 == all[i].size(); },
        [&](std::size_t i, std::size_t, std::span<const float> log_p) {
          for (std::size_t s = 0; s < n_styles; ++s) {
            shares[i / domains_.size()][s] +=
                std::exp(static_cast<double>(log_p[opener_of(s).value])) /
                static_cast<double>(domains_.size());
          }
        });
    if (!done) return forward_error(done);
    return shares;
  }
  /// The weights of the styles that explain the openers best: R1 for texts that are no documents.
  ///
  /// Shapes:  (after, n_styles)
  template <class Asked>
  expected<std::vector<std::vector<double>>> weights(
      Asked& asked, const gazette& g, std::span<const std::vector<token_id>> after) const {
    const std::size_t n = g.config().personas.n_styles;
    auto shares = openers(asked, after, n);
    if (!shares) return forward_error(shares);
    const auto under = g.tables().marker.all();
    for (auto& row : *shares) {
      double sum = 0;
      for (const double x : row) sum += x;
      probed_slot slot{.seen = row, .under = {under.begin(), under.end()}};
      for (double& x : slot.seen) x = sum > 0 ? x / sum : 1 / static_cast<double>(n);
      row = mixture_weights(std::span(&slot, 1), n);
    }
    return shares;
  }

 private:
  std::vector<std::size_t> domains_;
  std::size_t fact_;
};

}  // namespace multitudes::lab
