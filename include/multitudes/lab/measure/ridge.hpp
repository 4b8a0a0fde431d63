// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/cholesky.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace multitudes::lab {

/// Ridge regression of numbers on the states of a student, about the means of both: what every
/// linear probe is made of.
class ridge {
 public:
  /// Shapes:  states (n, width); targets (n, n_outputs); the penalty is in units of the states'
  ///          mean variance.
  /// Errors:  invalid_argument without states, or if they do not vary.
  /// Cost:    n * width * (width / 2 + n_outputs) multiply-adds, and width³ / 6.
  static expected<ridge> fit(matrix_view<const float> states, matrix_view<const double> targets,
                             double penalty = 1e-3) {
    const std::size_t n = states.rows(), d = states.cols(), k = targets.cols();
    ridge r;
    r.center_.assign(d, 0.0);
    r.means_.assign(k, 0.0);
    r.weights_.assign(k * d, 0.0);
    const double share = n > 0 ? 1 / static_cast<double>(n) : 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t e = 0; e < d; ++e) r.center_[e] += share * double{states.row(i)[e]};
      for (std::size_t o = 0; o < k; ++o) r.means_[o] += share * targets.row(i)[o];
    }
    std::vector<double> covariance(d * d), x(d);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t e = 0; e < d; ++e) x[e] = double{states.row(i)[e]} - r.center_[e];
      for (std::size_t a = 0; a < d; ++a) {
        for (std::size_t b = 0; b <= a; ++b) covariance[a * d + b] += share * x[a] * x[b];
      }
      for (std::size_t o = 0; o < k; ++o) {
        const double y = share * (targets.row(i)[o] - r.means_[o]);
        for (std::size_t e = 0; e < d; ++e) r.weights_[o * d + e] += y * x[e];
      }
    }
    double trace = 0;
    for (std::size_t e = 0; e < d; ++e) trace += covariance[e * d + e];
    for (std::size_t e = 0; e < d; ++e) {
      covariance[e * d + e] += penalty * trace / static_cast<double>(d);
    }
    const auto factor = linalg::cholesky::factor({covariance.data(), d, d});
    if (!factor || d == 0) {
      return fail({.code = errc::invalid_argument,
                   .operation = "fit probe",
                   .place = "states",
                   .found = std::to_string(n) + " of width " + std::to_string(d),
                   .expected = "some that vary",
                   .remedy = {}});
    }
    for (std::size_t o = 0; o < k; ++o) factor->solve(std::span(r.weights_).subspan(o * d, d));
    return r;
  }

  [[nodiscard]] std::size_t n_outputs() const noexcept { return means_.size(); }
  /// The number of output o that a state tells.
  [[nodiscard]] double predict(std::span<const float> state, std::size_t o) const noexcept {
    const std::size_t d = center_.size();
    double sum = means_[o];
    for (std::size_t e = 0; e < d; ++e) {
      sum += weights_[o * d + e] * (double{state[e]} - center_[e]);
    }
    return sum;
  }

 private:
  ridge() = default;

  std::vector<double> center_;   // (width)
  std::vector<double> means_;    // (n_outputs)
  std::vector<double> weights_;  // (n_outputs, width)
};

}  // namespace multitudes::lab
