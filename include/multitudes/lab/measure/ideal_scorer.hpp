// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
<<<<<<< HEAD
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <cmath>
#include <cstddef>
=======
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/corpus/reader.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
>>>>>>> h-skill
#include <span>
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
=======
/// The ideal reader in a student's place. Measures ask it as they ask a scorer, so that each can be
/// tried on one whose answers are known, and its answers stand beside a student's.
///
/// The gazette and the population must stay where they are.
class ideal_scorer {
 public:
  ideal_scorer(const gazette& g, const population& prior) : reader_(g, prior) {}

  /// What comes next after the whole of each text: `visit(text, log_p)`.
  ///
  /// Shapes:  log_p (gazette_vocab_size); minus infinity for what cannot come.
  /// Errors:  those of reader.
>>>>>>> h-skill
  template <class Visit>
  expected<void> predict_next(std::span<const std::vector<token_id>> all, Visit&& visit) {
    std::vector<double> p(gazette_vocab_size);
    std::vector<float> log_p(gazette_vocab_size);
<<<<<<< HEAD
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
=======
    for (std::size_t i = 0; i < all.size(); ++i) {
      reader_.restart();
      if (auto ok = reader_.read(all[i]); !ok) return forward_error(ok);
      reader_.predict(p);
      for (std::size_t v = 0; v < p.size(); ++v) log_p[v] = static_cast<float>(std::log(p[v]));
>>>>>>> h-skill
      visit(i, std::span<const float>(log_p));
    }
    return {};
  }
<<<<<<< HEAD

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

=======
  /// The logarithm of the probability of each text's tokens from its place `from[i]` on, given
  /// those before; minus infinity for a text that cannot go on like this.
  ///
  /// Errors:  those of reader, for what stands before `from[i]`.
  expected<std::vector<double>> log_probabilities(std::span<const std::vector<token_id>> all,
                                                  std::span<const std::size_t> from) {
    std::vector<double> sums;
    for (std::size_t i = 0; i < all.size(); ++i) {
      reader_.restart();
      if (auto ok = reader_.read(std::span(all[i]).first(from[i])); !ok) return forward_error(ok);
      auto rest = reader_.read(std::span(all[i]).subspan(from[i]));
      sums.push_back(rest ? *rest : -std::numeric_limits<double>::infinity());
    }
    return sums;
  }

 private:
  reader reader_;
};

>>>>>>> h-skill
}  // namespace multitudes::lab
