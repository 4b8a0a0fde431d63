// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/corpus/reader.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace multitudes::lab {

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
  template <class Visit>
  expected<void> predict_next(std::span<const std::vector<token_id>> all, Visit&& visit) {
    std::vector<double> p(gazette_vocab_size);
    std::vector<float> log_p(gazette_vocab_size);
    for (std::size_t i = 0; i < all.size(); ++i) {
      reader_.restart();
      if (auto ok = reader_.read(all[i]); !ok) return forward_error(ok);
      reader_.predict(p);
      for (std::size_t v = 0; v < p.size(); ++v) log_p[v] = static_cast<float>(std::log(p[v]));
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

}  // namespace multitudes::lab
