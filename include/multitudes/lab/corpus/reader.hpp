// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/choice.hpp>
#include <multitudes/lab/corpus/cursor.hpp>
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/corpus/population.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail {

inline double log_sum(double a, double b) noexcept {
  const double top = std::max(a, b);
  if (!std::isfinite(top)) return top;
  return top + std::log1p(std::exp(std::min(a, b) - top));
}

inline double entropy_of_logs(std::span<const double> logs) noexcept {
  double sum = 0;
  for (const double l : logs) sum -= std::isfinite(l) ? std::exp(l) * l : 0;
  return sum;
}

}  // namespace detail

/// The ideal reader: after every token, the exact posterior over writers, and the exact
/// distribution of the next token. With Q_k(t) the probability that writer k says t next,
///
///     p(t) = sum over k of B(k) Q_k(t),     B(k) <- B(k) Q_k(t) / p(t).
///
/// Which reader it is, the population says: the true one is Bayes (and, where combinations are
/// held out, predictor M), the product predictor G. Everything is kept in logarithms.
///
/// The gazette and the population must stay where they are.
/// Cost:    of a token that writers differ in, as many exponentials as its block has combinations;
///          of any other, none.
class reader {
 public:
  reader(const gazette& g, const population& prior)
      : gazette_(&g), prior_(&prior), at_(g), logs_(prior.blocks().size()) {
    restart();
  }

  /// Before the first token again.
  void restart() {
    at_ = cursor(*gazette_);
    n_read_ = 0;
    log_evidence_ = 0;
    settled_entropy_ = 0;
    for (std::size_t b = 0; b < logs_.size(); ++b) reset(b);
  }

  [[nodiscard]] const cursor& at() const noexcept { return at_; }
  [[nodiscard]] std::size_t n_read() const noexcept { return n_read_; }
  /// The logarithm of the probability of all that was read.
  [[nodiscard]] double log_evidence() const noexcept { return log_evidence_; }

  /// What may come next under each kind of writer; as cursor::next.
  [[nodiscard]] choice next(choice_scratch& to) const { return at_.next(to); }

  /// The probability of every token to come next. The document must not be at its end.
  ///
  /// Shapes:  out (gazette_vocab_size)
  void predict(std::span<double> out) const {
    std::ranges::fill(out, 0.0);
    choice_scratch scratch;
    const choice c = at_.next(scratch);
    values_of shares{};
    const std::size_t n = share_values(c.key, shares);
    for (std::size_t o = 0; o < c.n_options(); ++o) {
      double p = 0;
      for (std::size_t v = 0; v < n; ++v) p += shares[v] * c.probability(v, o);
      out[c.tokens[o].value] = p;
    }
  }

  /// Reads a token; the logarithm of how probable it was.
  ///
  /// Errors:  malformed if no document goes on like this, or if it is impossible under this prior;
  ///          nothing was read then.
  expected<double> read(token_id t) {
    if (at_.is_done()) return refuse(t, "the document is complete");
    choice_scratch scratch;
    const choice c = at_.next(scratch);
    const auto option = c.find(t);
    if (!option)
      return refuse(t, "one of the " + std::to_string(c.n_options()) + " words that may follow");
    values_of shares{};
    const std::size_t n = share_values(c.key, shares);
    double p = 0;
    for (std::size_t v = 0; v < n; ++v) p += shares[v] * c.probability(v, *option);
    if (!(p > 0)) return refuse(t, "a word that some writer of this prior may say");
    const double log_p = std::log(p);
    if (c.key != choice_key::nothing) learn(c, *option, log_p);
    at_.take(t);
    ++n_read_;
    log_evidence_ += log_p;
    follow_events();
    return log_p;
  }
  /// Reads them all; the logarithm of their probability. After an error, those before were read.
  expected<double> read(std::span<const token_id> tokens) {
    double sum = 0;
    for (const token_id t : tokens) {
      auto log_p = read(t);
      if (!log_p) return forward_error(log_p);
      sum += *log_p;
    }
    return sum;
  }

  /// Log posterior of every combination of a block of the population, in its order.
  [[nodiscard]] std::span<const double> log_posterior(std::size_t block) const noexcept {
    return logs_[block];
  }
  /// The posterior over the values of a trait (or of whatever a choice depends on).
  [[nodiscard]] std::vector<double> posterior(choice_key k) const {
    values_of shares{};
    const std::size_t n = share_values(k, shares);
    return {shares.begin(), shares.begin() + static_cast<std::ptrdiff_t>(n)};
  }
  /// The posterior over combinations of style and domain.
  ///
  /// Returns: (n_styles, n_domains); styles by what they are called.
  [[nodiscard]] std::vector<double> cell_posterior() const {
    const persona_config& p = gazette_->config().personas;
    std::vector<double> cells(p.n_styles * p.n_domains);
    const std::size_t by_style = prior_->block_of(trait::name);
    const std::size_t by_domain = prior_->block_of(trait::domain);
    const auto rows = [&](std::size_t b) { return std::span(prior_->blocks()[b].rows); };
    for (std::size_t r = 0; r < rows(by_style).size(); ++r) {
      const double share = std::exp(logs_[by_style][r]);
      const persona_traits& who = rows(by_style)[r];
      if (by_style == by_domain) {
        cells[who[trait::name] * p.n_domains + who[trait::domain]] += share;
        continue;
      }
      for (std::size_t q = 0; q < rows(by_domain).size(); ++q) {
        cells[who[trait::name] * p.n_domains + rows(by_domain)[q][trait::domain]] +=
            share * std::exp(logs_[by_domain][q]);
      }
    }
    return cells;
  }
  /// The entropy of the posterior over all that was hidden in what was read: the writers of all
  /// sections, the goals of all games. (With turncoats: over who they are now.)
  [[nodiscard]] double latent_entropy() const noexcept {
    double sum = settled_entropy_;
    for (std::size_t b = 0; b < logs_.size(); ++b) {
      if (prior_->blocks()[b].renews != renewal::token) sum += detail::entropy_of_logs(logs_[b]);
    }
    return sum;
  }

 private:
  static constexpr std::size_t max_values = 16;
  using values_of = std::array<double, max_values>;

  void reset(std::size_t b) {
    const auto& prior = prior_->blocks()[b].prior;
    logs_[b].resize(prior.size());
    for (std::size_t r = 0; r < prior.size(); ++r) logs_[b][r] = std::log(prior[r]);
  }
  /// How probable each value of a key is now.
  std::size_t share_values(choice_key k, values_of& shares) const {
    const std::size_t n = gazette_->n_values(k);
    if (k == choice_key::nothing) {
      shares[0] = 1;
      return 1;
    }
    const std::size_t b = prior_->block_of(trait_of(k));
    const auto& rows = prior_->blocks()[b].rows;
    double sum = 0;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const double p = std::exp(logs_[b][r]);
      shares[value_of(k, rows[r])] += p;
      sum += p;
    }
    for (std::size_t v = 0; v < n; ++v) shares[v] /= sum;  // undoes what rounding adds up to
    return n;
  }
  void learn(const choice& c, std::size_t option, double log_p) {
    const std::size_t b = prior_->block_of(trait_of(c.key));
    if (prior_->blocks()[b].renews == renewal::token) return;
    values_of gain{};
    const std::size_t n = gazette_->n_values(c.key);
    for (std::size_t v = 0; v < n; ++v) gain[v] = std::log(c.probability(v, option)) - log_p;
    const auto& rows = prior_->blocks()[b].rows;
    for (std::size_t r = 0; r < rows.size(); ++r) logs_[b][r] += gain[value_of(c.key, rows[r])];
  }
  void renew(std::size_t b) {
    settled_entropy_ += detail::entropy_of_logs(logs_[b]);
    reset(b);
  }
  void follow_events() {
    for (std::size_t b = 0; b < logs_.size(); ++b) {
      const renewal r = prior_->blocks()[b].renews;
      const bool by_section = r != renewal::document && r != renewal::token;
      if (at_.began_section() && at_.section() > 0 && by_section) renew(b);
      if (at_.began_game() && r == renewal::game) renew(b);
      if (at_.ended_item() && r == renewal::item) renew(b);
      if (at_.ended_item() && !prior_->blocks()[b].turns_to.empty()) turn(b);
    }
  }
  void turn(std::size_t b) {
    const population_block& block = prior_->blocks()[b];
    const double turns = std::log(block.hazard);
    const double stays = std::log1p(-block.hazard);
    for (std::size_t r = 0; r < block.rows.size(); ++r) {
      const std::size_t to = block.turns_to[r];
      if (to == r) continue;
      logs_[b][to] = detail::log_sum(logs_[b][to], logs_[b][r] + turns);
      logs_[b][r] += stays;
    }
  }
  [[nodiscard]] unexpected<error> refuse(token_id t, std::string wanted) const {
    return fail({.code = errc::malformed,
                 .operation = "read a gazette",
                 .place = "token " + std::to_string(n_read_),
                 .found = "'" + std::string(gazette_word(t)) + "'",
                 .expected = std::move(wanted)});
  }

  const gazette* gazette_;
  const population* prior_;
  cursor at_;
  std::vector<std::vector<double>> logs_;  // for each block, (n_rows)
  double log_evidence_ = 0;
  double settled_entropy_ = 0;
  std::size_t n_read_ = 0;
};

}  // namespace multitudes::lab
