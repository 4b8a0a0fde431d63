// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/corpus/cursor.hpp>
#include <multitudes/lab/corpus/gazette.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// Whom an answer is taken for, by itself: what came before it says nothing about its writer, and
/// all styles are as likely. An answer that goes wrong is judged by what stands before the mistake.
class style_judge {
 public:
  explicit style_judge(gazette g) : gazette_(std::move(g)) {}

  /// The probability of each style to have written the answer, given a context that a document
  /// could begin with; even if it could not.
  ///
  /// Shapes:  (n_styles), adds up to 1
  [[nodiscard]] std::vector<double> posterior(std::span<const token_id> context,
                                              std::span<const token_id> answer) const {
    std::vector<double> w(gazette_.config().personas.n_styles, 0.0);
    cursor at(gazette_);
    choice_scratch scratch;
    std::size_t n_read = 0;
    for (const auto part : {context, answer}) {
      for (const token_id t : part) {
        if (at.is_done()) break;
        const choice c = at.next(scratch);
        const auto option = c.find(t);
        if (!option) return normalized(std::move(w));
        if (n_read++ >= context.size() && tells_style(c.key)) {
          for (std::size_t s = 0; s < w.size(); ++s) {
            w[s] +=
                std::log(c.probability(value_of(c.key, gazette_.traits({.style = s})), *option));
          }
        }
        at.take(t);
      }
    }
    return normalized(std::move(w));
  }

 private:
  static bool tells_style(choice_key k) noexcept {
    return k == choice_key::name || k == choice_key::lexis || k == choice_key::opener ||
           k == choice_key::closer || k == choice_key::form;
  }
  static std::vector<double> normalized(std::vector<double> w) {
    const double top = *std::ranges::max_element(w);
    double sum = 0;
    for (double& x : w) sum += x = std::exp(x - top);
    for (double& x : w) x /= sum;
    return w;
  }

  gazette gazette_;
};

}  // namespace multitudes::lab
