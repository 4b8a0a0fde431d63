// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace multitudes_test {

/// A mean and how uncertain it is.
struct estimate {
  double mean = 0;
  double standard_error = 0;

  /// How far the mean lies from `value`, in standard errors.
  [[nodiscard]] double distance(double value) const { return (mean - value) / standard_error; }
};

inline estimate estimate_mean(std::span<const double> items) {
  const auto n = static_cast<double>(items.size());
  double sum = 0, squares = 0;
  for (const double x : items) sum += x;
  for (const double x : items) squares += (x - sum / n) * (x - sum / n);
  return {sum / n, std::sqrt(squares / (n - 1) / n)};
}

/// The mean of what a model loses on each document beyond the ideal reader. No model can lose less
/// than the ideal reader on documents that neither has seen, but for chance.
inline estimate estimate_excess(std::span<const double> model, std::span<const double> ideal) {
  std::vector<double> excess;
  for (std::size_t i = 0; i < model.size(); ++i) excess.push_back(model[i] - ideal[i]);
  return estimate_mean(excess);
}

/// The excess is below 0 by more than chance explains: whoever computed the ideal reader's losses,
/// or the model's, made a mistake, or the model knows more than the text.
inline bool has_negative_excess(std::span<const double> model, std::span<const double> ideal) {
  return estimate_excess(model, ideal).distance(0) < -4;
}

}  // namespace multitudes_test
