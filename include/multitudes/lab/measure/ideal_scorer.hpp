// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace multitudes::lab {

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
    std::vector<double> p(gazette_vocab_size);
    std::vector<float> log_p(gazette_vocab_size);
    reader r(*gazette_, *prior_);
    for (std::size_t i = 0; i < all.size(); ++i) {
      r.restart();
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
    }
    return {};
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
