// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
<<<<<<< HEAD
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
=======
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/corpus/reader.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
>>>>>>> h-reward
#include <vector>

namespace multitudes::lab {

<<<<<<< HEAD
/// The ideal reader in the place of a student: it answers as `scorer` does, so that a measure of
/// students can be taken of it, whose value is known.
///
/// The gazette and the population must stay where they are. The gazette needs room for all that is
/// asked (with_room).
class ideal_scorer {
 public:
  ideal_scorer(const gazette& g, const population& prior) noexcept : gazette_(&g), prior_(&prior) {}

  /// As scorer::predict_next; a word that cannot follow has minus infinity.
  ///
  /// Errors:  those of reader; malformed for a text that is a whole document.
  template <class Visit>
  expected<void> predict_next(std::span<const std::vector<token_id>> all, Visit&& visit) {
=======
/// The ideal reader, asked as a student is: an instrument that is fed with it must show what is
/// known to be so. It refuses texts that are no documents.
///
/// The gazette and the population must stay where they are.
class ideal_scorer {
 public:
  ideal_scorer(const gazette& g, const population& prior) : gazette_(&g), prior_(&prior) {}

  /// As scorer::predict; what is impossible has a log-probability of -100.
  ///
  /// Errors:  those of reader::read.
  template <class Wanted, class Visit>
  expected<void> predict(std::span<const std::vector<token_id>> all, Wanted&& wanted,
                         Visit&& visit) {
>>>>>>> h-reward
    std::vector<double> p(gazette_vocab_size);
    std::vector<float> log_p(gazette_vocab_size);
    reader r(*gazette_, *prior_);
    for (std::size_t i = 0; i < all.size(); ++i) {
      r.restart();
<<<<<<< HEAD
      if (auto ok = r.read(all[i]); !ok) return forward_error(ok);
      if (r.at().is_done()) {
        return fail({.code = errc::malformed,
                     .operation = "score texts",
                     .place = "text " + std::to_string(i),
                     .found = "a complete document",
                     .expected = "the beginning of one",
                     .remedy = {}});
      }
      r.predict(p);
      for (std::size_t t = 0; t < p.size(); ++t) log_p[t] = static_cast<float>(std::log(p[t]));
      visit(i, std::span<const float>(log_p));
=======
      for (std::size_t t = 0; t < all[i].size(); ++t) {
        if (auto ok = r.read(all[i][t]); !ok) return forward_error(ok);
        if (!wanted(i, t)) continue;
        r.predict(p);
        for (std::size_t v = 0; v < p.size(); ++v) {
          log_p[v] = p[v] > 0 ? static_cast<float>(std::log(p[v])) : -100.0f;
        }
        visit(i, t, std::span<const float>(log_p));
      }
>>>>>>> h-reward
    }
    return {};
  }

<<<<<<< HEAD
  /// The logarithm of the probability of each text's tokens from its place `from[i]` on, given
  /// those before; minus infinity for a text that cannot go on like this.
  ///
  /// Errors:  those of reader, for what stands before `from[i]`.
  expected<std::vector<double>> log_probabilities(std::span<const std::vector<token_id>> all,
                                                  std::span<const std::size_t> from) {
    std::vector<double> sums;
    reader r(*gazette_, *prior_);
    for (std::size_t i = 0; i < all.size(); ++i) {
      r.restart();
      if (auto ok = r.read(std::span(all[i]).first(from[i])); !ok) return forward_error(ok);
      auto rest = r.read(std::span(all[i]).subspan(from[i]));
      sums.push_back(rest ? *rest : -std::numeric_limits<double>::infinity());
    }
    return sums;
  }

=======
>>>>>>> h-reward
 private:
  const gazette* gazette_;
  const population* prior_;
};

<<<<<<< HEAD
/// The same gazette for longer prompts: any number of items, all kinds, all labels in all six
/// wordings. What it says about a writer is what the narrower one says.
inline gazette_config with_room(gazette_config c) {
  c.items.min_count = 1;
  c.items.max_count = 1000;
  label_config& l = c.labels;
  l.header = l.signature = l.domain = l.goal = 0.1;
  l.n_templates = 6;
  item_config& i = c.items;
  for (double* kind : {&i.filler, &i.question, &i.skill, &i.dialogue, &i.mention}) {
    if (!(*kind > 0)) *kind = 0.1;
  }
  return c;
=======
/// The same writers, with the odds of those who have this value of a trait raised by so many nats:
/// what feedback of that worth makes of an ideal reader.
inline population tilted(const population& from, trait t, std::size_t value, double nats) {
  std::vector<population_block> blocks(from.blocks().begin(), from.blocks().end());
  population_block& b = blocks[from.block_of(t)];
  double sum = 0;
  for (std::size_t r = 0; r < b.rows.size(); ++r) {
    if (b.rows[r][t] == value) b.prior[r] *= std::exp(nats);
    sum += b.prior[r];
  }
  for (double& p : b.prior) p /= sum;
  return population(std::move(blocks));
}

/// A probability after its odds rose by so many nats.
inline double raised(double p, double nats) noexcept {
  return p * std::exp(nats) / (1 - p + p * std::exp(nats));
>>>>>>> h-reward
}

}  // namespace multitudes::lab
