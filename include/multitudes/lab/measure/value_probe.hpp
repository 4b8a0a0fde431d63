// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/cholesky.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
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
  /// Ridge regression about the means.
  ///
  /// Shapes:  the penalty is in units of the states' mean variance.
  /// Errors:  invalid_argument without states, or if they do not vary.
  /// Cost:    n * width² multiply-adds.
  static expected<value_probe> fit(const valued_states& s, double penalty = 1e-3) {
    const std::size_t n = s.values.size(), d = s.width;
    value_probe p;
    p.center_.assign(d, 0.0);
    p.weights_.assign(d, 0.0);
    const double share = n > 0 ? 1 / static_cast<double>(n) : 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t e = 0; e < d; ++e) p.center_[e] += share * double{s.row(i)[e]};
      p.mean_ += share * s.values[i];
    }
    std::vector<double> covariance(d * d), x(d);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t e = 0; e < d; ++e) x[e] = double{s.row(i)[e]} - p.center_[e];
      for (std::size_t a = 0; a < d; ++a) {
        for (std::size_t b = 0; b <= a; ++b) covariance[a * d + b] += share * x[a] * x[b];
        p.weights_[a] += share * x[a] * (s.values[i] - p.mean_);
      }
    }
    double trace = 0;
    for (std::size_t a = 0; a < d; ++a) trace += covariance[a * d + a];
    for (std::size_t a = 0; a < d; ++a) {
      covariance[a * d + a] += penalty * trace / static_cast<double>(std::max<std::size_t>(d, 1));
    }
    const auto root = linalg::cholesky::factor(matrix_view<const double>(covariance.data(), d, d));
    if (!root || d == 0) {
      return fail({.code = errc::invalid_argument,
                   .operation = "fit value probe",
                   .place = "states",
                   .found = std::to_string(n) + " of width " + std::to_string(d),
                   .expected = "some that vary",
                   .remedy = {}});
    }
    root->solve(p.weights_);
    return p;
  }

  [[nodiscard]] double operator()(std::span<const float> state) const noexcept {
    double sum = mean_;
    for (std::size_t e = 0; e < weights_.size(); ++e) {
      sum += weights_[e] * (double{state[e]} - center_[e]);
    }
    return sum;
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
  value_probe() = default;

  std::vector<double> center_, weights_;
  double mean_ = 0;
};

}  // namespace multitudes::lab
