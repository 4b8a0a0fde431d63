// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/stats/mixture_fit.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace multitudes::stats {

struct em_options {
  std::size_t n_components = 2;
  /// As how many points a round covariance of the whole data's size counts in each component. It
  /// keeps components from collapsing onto single points, where the likelihood has no bound.
  double prior_points = 1;
  int restarts = 4;          ///< the best of these is kept
  int max_iterations = 500;  ///< of each
  double tolerance = 1e-8;   ///< gain in nats a point that counts as none
};

/// What expectation maximisation found.
struct em_result {
  gaussian_mixture mixture;
  /// The log-likelihood with the prior's term, in nats, after each step of the best start. Never
  /// falls, but for rounding.
  std::vector<double> objective;
  bool converged = false;
};

namespace detail {

/// Far-apart points to begin with: each next one drawn in proportion to its squared distance
/// from those chosen (k-means++, Arthur and Vassilvitskii 2007).
inline std::vector<std::size_t> spread_out(matrix_view<const double> points, std::size_t n,
                                           philox& random) {
  std::vector<std::size_t> chosen{random.below(static_cast<std::uint32_t>(points.rows()))};
  std::vector<double> nearest(points.rows(), std::numeric_limits<double>::infinity());
  while (chosen.size() < n) {
    double total = 0;
    for (std::size_t i = 0; i < points.rows(); ++i) {
      double square = 0;
      for (std::size_t j = 0; j < points.cols(); ++j) {
        const double gap = points.row(i)[j] - points.row(chosen.back())[j];
        square += gap * gap;
      }
      nearest[i] = std::min(nearest[i], square);
      total += nearest[i];
    }
    const double mark = total * (static_cast<double>(random()) + 0.5) * 0x1p-32;
    double below = 0;
    std::size_t i = 0;
    while (i + 1 < points.rows() && (below += nearest[i]) <= mark) ++i;
    chosen.push_back(i);
  }
  return chosen;
}

/// Steps of one start of expectation maximisation.
class em_run {
 public:
  em_run(matrix_view<const double> points, double prior_points, double prior_variance,
         std::vector<gaussian> start)
      : points_(points),
        prior_points_(prior_points),
        prior_variance_(prior_variance),
        parts_(std::move(start)) {}

  /// One step; the objective of the mixture that it started from, or an error if a covariance is
  /// singular to rounding.
  expected<double> step(std::vector<double>& shares) {
    auto mixture = gaussian_mixture::make(parts_);
    if (!mixture) return forward_error(mixture);
    const std::size_t n_parts = parts_.size();
    const std::size_t dim = points_.cols();
    double objective = log_prior(*mixture);
    std::vector<double> logs(n_parts);
    for (std::size_t i = 0; i < points_.rows(); ++i) {
      for (std::size_t k = 0; k < n_parts; ++k) {
        logs[k] = std::log(mixture->components()[k].weight) +
                  mixture->component_log_density(k, points_.row(i));
      }
      objective += normalize_logs(logs);
      for (std::size_t k = 0; k < n_parts; ++k) shares[i * n_parts + k] = std::exp(logs[k]);
    }
    for (std::size_t k = 0; k < n_parts; ++k) {
      double total = 0;
      std::vector<double> mean(dim, 0.0);
      for (std::size_t i = 0; i < points_.rows(); ++i) {
        total += shares[i * n_parts + k];
        for (std::size_t j = 0; j < dim; ++j)
          mean[j] += shares[i * n_parts + k] * points_.row(i)[j];
      }
      // A component that no point wants stays where it is and dies out by its weight.
      parts_[k].weight = std::max(total, 1e-9) / static_cast<double>(points_.rows());
      if (total < 1e-9) continue;
      for (double& x : mean) x /= total;
      std::vector<double> covariance(dim * dim, 0.0);
      for (std::size_t i = 0; i < points_.rows(); ++i) {
        for (std::size_t a = 0; a < dim; ++a) {
          const double scaled = shares[i * n_parts + k] * (points_.row(i)[a] - mean[a]);
          for (std::size_t b = 0; b <= a; ++b) {
            covariance[a * dim + b] += scaled * (points_.row(i)[b] - mean[b]);
          }
        }
      }
      for (std::size_t a = 0; a < dim; ++a) {
        covariance[a * dim + a] += prior_points_ * prior_variance_;
        for (std::size_t b = 0; b <= a; ++b) {
          covariance[a * dim + b] /= total + prior_points_;
          covariance[b * dim + a] = covariance[a * dim + b];
        }
      }
      parts_[k].mean = std::move(mean);
      parts_[k].covariance = std::move(covariance);
    }
    return objective;
  }
  [[nodiscard]] expected<gaussian_mixture> mixture() const {
    return gaussian_mixture::make(parts_);
  }

 private:
  /// Of the covariances, up to a constant: -(m / 2) (log det C + v trace C⁻¹) for each.
  [[nodiscard]] double log_prior(const gaussian_mixture& mixture) const {
    double sum = 0;
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      const auto w = mixture.whitening(k);
      const std::size_t dim = points_.cols();
      double trace = 0;
      double log_det = 0;
      for (const double x : w) trace += x * x;
      for (std::size_t i = 0; i < dim; ++i) log_det -= 2 * std::log(w[i * dim + i]);
      sum -= 0.5 * prior_points_ * (log_det + prior_variance_ * trace);
    }
    return sum;
  }

  matrix_view<const double> points_;
  double prior_points_;
  double prior_variance_;
  std::vector<gaussian> parts_;
};

}  // namespace detail

/// Finds the normal distributions that unlabeled points come from, by expectation maximisation
/// from several starts, with full covariances held up by a weak prior. Equal seeds give equal
/// bits. The order of the components is that of the best start and means nothing.
///
/// Shapes:  points (n, dim).
/// Errors:  invalid_argument for fewer points than twice the components, points that are all
///          equal, no components, or a prior or tolerance that is not positive; non_finite.
/// Cost:    restarts * iterations * n * n_components * dim² multiply-adds.
/// Source:  Dempster, Laird and Rubin 1977; the prior's scale is that of Fraley and Raftery 2007,
///          "Bayesian regularization for normal mixture estimation and model-based clustering".
inline expected<em_result> fit_mixture(matrix_view<const double> points, const em_options& how,
                                       philox& random) {
  if (auto ok = detail::check_points(points); !ok) return forward_error(ok);
  const std::size_t n_parts = how.n_components;
  if (n_parts == 0 || points.rows() / 2 < n_parts || points.rows() >= (std::size_t{1} << 32)) {
    return detail::bad_fit(errc::invalid_argument, "points", std::to_string(points.rows()),
                           "at least two for each of the " + std::to_string(n_parts) +
                               " components, of which there is one");
  }
  if (!(how.prior_points > 0) || !(how.tolerance > 0) || how.restarts < 1 ||
      how.max_iterations < 1) {
    return detail::bad_fit(errc::invalid_argument, "options", "zero or less",
                           "positive prior_points, tolerance, restarts and max_iterations");
  }
  const std::size_t dim = points.cols();
  std::vector<double> centered(points.rows() * dim);
  std::vector<double> middle(dim, 0.0);
  for (std::size_t i = 0; i < points.rows(); ++i) {
    for (std::size_t j = 0; j < dim; ++j) middle[j] += points.row(i)[j];
  }
  for (double& x : middle) x /= static_cast<double>(points.rows());
  for (std::size_t i = 0; i < points.rows(); ++i) {
    for (std::size_t j = 0; j < dim; ++j) centered[i * dim + j] = points.row(i)[j] - middle[j];
  }
  const auto whole = shrink_covariance({centered.data(), points.rows(), dim});
  if (!whole) {
    return detail::bad_fit(errc::invalid_argument, "points", "no spread", "points that differ");
  }
  double variance = 0;
  for (std::size_t j = 0; j < dim; ++j) variance += whole->matrix[j * dim + j];
  variance /= static_cast<double>(dim);
  const double per_component =
      std::pow(static_cast<double>(n_parts), 2.0 / static_cast<double>(dim));

  std::optional<em_result> best;
  std::vector<double> shares(points.rows() * n_parts);
  for (int start = 0; start < how.restarts; ++start) {
    std::vector<gaussian> parts;
    for (const std::size_t i : detail::spread_out(points, n_parts, random)) {
      const auto row = points.row(i);
      parts.push_back({1.0, {row.begin(), row.end()}, whole->matrix});
    }
    detail::em_run run(points, how.prior_points, variance / per_component, std::move(parts));
    std::vector<double> objective;
    bool converged = false;
    const double enough = how.tolerance * static_cast<double>(points.rows());
    for (int i = 0; i < how.max_iterations && !converged; ++i) {
      auto value = run.step(shares);
      if (!value) return forward_error(value);
      converged = !objective.empty() && *value - objective.back() < enough;
      objective.push_back(*value);
    }
    if (best && best->objective.back() >= objective.back()) continue;
    auto mixture = run.mixture();
    if (!mixture) return forward_error(mixture);
    best = em_result{*std::move(mixture), std::move(objective), converged};
  }
  return *std::move(best);
}

}  // namespace multitudes::stats
