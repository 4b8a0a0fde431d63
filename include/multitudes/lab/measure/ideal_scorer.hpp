// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace multitudes::lab {

/// The ideal reader in the place of a student: it answers as `scorer` does, so that a measure of
/// students can be taken of it, whose value is known.
///
/// The gazette and the population must stay where they are. The gazette needs room for all that is
/// asked (with_room).
class ideal_scorer {
 public:
  /// What a word that cannot follow has for a logarithm of its probability: low enough for any
  /// sum, and still a number.
  static constexpr float impossible = -100.0f;

  ideal_scorer(const gazette& g, const population& prior) noexcept : gazette_(&g), prior_(&prior) {}

  /// As scorer::predict.
  ///
  /// Errors:  those of reader::read; malformed where a whole document is asked to go on.
  template <class Wanted, class Visit>
  expected<void> predict(std::span<const std::vector<token_id>> all, Wanted&& wanted,
                         Visit&& visit) {
    std::vector<double> p(gazette_vocab_size);
    std::vector<float> log_p(gazette_vocab_size);
    reader r(*gazette_, *prior_);
    for (std::size_t i = 0; i < all.size(); ++i) {
      r.restart();
      for (std::size_t t = 0; t < all[i].size(); ++t) {
        if (auto ok = r.read(all[i][t]); !ok) return forward_error(ok);
        if (!wanted(i, t)) continue;
        if (r.at().is_done()) {
          return fail({.code = errc::malformed,
                       .operation = "score texts",
                       .place = "text " + std::to_string(i),
                       .found = "a complete document",
                       .expected = "the beginning of one",
                       .remedy = {}});
        }
        r.predict(p);
        for (std::size_t v = 0; v < p.size(); ++v) {
          log_p[v] = p[v] > 0 ? static_cast<float>(std::log(p[v])) : impossible;
        }
        visit(i, t, std::span<const float>(log_p));
      }
    }
    return {};
  }
  /// As scorer::predict_next.
  template <class Visit>
  expected<void> predict_next(std::span<const std::vector<token_id>> all, Visit&& visit) {
    return predict(
        all, [&](std::size_t i, std::size_t t) { return t + 1 == all[i].size(); },
        [&](std::size_t i, std::size_t, std::span<const float> log_p) { visit(i, log_p); });
  }
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

 private:
  const gazette* gazette_;
  const population* prior_;
};

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
}

}  // namespace multitudes::lab
