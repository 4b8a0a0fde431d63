// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/measure/ridge.hpp>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// States of a student, and a number that went with each.
struct valued_states {
  std::size_t width = 0;
  std::vector<float> rows{};     // (n, width)
  std::vector<double> values{};  // (n)

  [[nodiscard]] std::span<const float> row(std::size_t i) const noexcept {
    return std::span(rows).subspan(i * width, width);
  }
};

/// What a linear look at a state tells of a number: readout R3 for values.
class value_probe {
 public:
  /// Shapes:  the penalty is in units of the states' mean variance.
  /// Errors:  those of ridge::fit.
  /// Cost:    that of ridge::fit.
  static expected<value_probe> fit(const valued_states& s, double penalty = 1e-3) {
    const std::size_t n = s.values.size();
    auto r = ridge::fit({s.rows.data(), n, s.width}, {s.values.data(), n, 1}, penalty);
    if (!r) return forward_error(r);
    return value_probe(std::move(*r));
  }

  [[nodiscard]] double operator()(std::span<const float> state) const noexcept {
    return ridge_.predict(state, 0);
  }

  /// Squared errors on other states, each over the variance of their values: their mean is 1 - R².
  [[nodiscard]] std::vector<double> relative_errors(const valued_states& s) const {
    const auto n = static_cast<double>(s.values.size());
    double mean = 0, variance = 0;
    for (const double v : s.values) mean += v / n;
    for (const double v : s.values) variance += (v - mean) * (v - mean) / n;
    std::vector<double> errors;
    for (std::size_t i = 0; i < s.values.size(); ++i) {
      const double e = (*this)(s.row(i)) - s.values[i];
      errors.push_back(e * e / variance);
    }
    return errors;
  }

 private:
  explicit value_probe(ridge r) noexcept : ridge_(std::move(r)) {}

  ridge ridge_;
};

}  // namespace multitudes::lab
