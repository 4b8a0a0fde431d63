// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/cholesky.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::stats {

/// One of the normal distributions that a population is made of.
struct gaussian {
  double weight = 1;               ///< relative to the others
  std::vector<double> mean;        ///< (dim)
  std::vector<double> covariance;  ///< (dim, dim), symmetric
};

/// Turns log-weights into the logarithms of shares that sum to 1, and returns the logarithm of
/// their sum.
inline double normalize_logs(std::span<double> logs) noexcept {
  if (logs.empty()) return -std::numeric_limits<double>::infinity();
  const double most = *std::max_element(logs.begin(), logs.end());
  if (!std::isfinite(most)) return most;
  double sum = 0;
  for (const double x : logs) sum += std::exp(x - most);
  const double total = most + std::log(sum);
  for (double& x : logs) x -= total;
  return total;
}

/// A weighted sum of normal distributions over a few dimensions.
class gaussian_mixture {
 public:
  /// Weights are divided by their sum.
  ///
  /// Errors:  invalid_argument without components or dimensions, for a weight that is not
  ///          positive, or a covariance that is not positive definite; shape_mismatch; non_finite.
  static expected<gaussian_mixture> make(std::vector<gaussian> parts) {
    gaussian_mixture made;
    double total = 0;
    for (const gaussian& part : parts) total += part.weight;
    if (parts.empty() || parts.front().mean.empty()) {
      return refuse(errc::invalid_argument, "components", parts.empty() ? "none" : "no dimensions",
                    "at least one of each");
    }
    const std::size_t dim = parts.front().mean.size();
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const gaussian& part = parts[k];
      const std::string place = "component " + std::to_string(k);
      if (part.mean.size() != dim || part.covariance.size() != dim * dim) {
        return refuse(errc::shape_mismatch, place,
                      std::to_string(part.mean.size()) + " means and " +
                          std::to_string(part.covariance.size()) + " covariances",
                      std::to_string(dim) + " and " + std::to_string(dim * dim));
      }
      bool finite = std::isfinite(part.weight) && std::isfinite(total);
      for (const double x : part.mean) finite = finite && std::isfinite(x);
      for (const double x : part.covariance) finite = finite && std::isfinite(x);
      if (!finite) return refuse(errc::non_finite, place, "NaN or infinity", "finite numbers");
      if (!(part.weight > 0)) {
        return refuse(errc::invalid_argument, place + ", weight", std::to_string(part.weight),
                      "a positive number");
      }
      auto factor = linalg::cholesky::factor({part.covariance.data(), dim, dim});
      if (!factor) {
        return refuse(errc::invalid_argument, place + ", covariance",
                      "a matrix that is not positive definite", "spread in every direction");
      }
      made.add(std::log(part.weight / total), *factor);
    }
    made.parts_ = std::move(parts);
    for (gaussian& part : made.parts_) part.weight /= total;
    return made;
  }

  [[nodiscard]] std::size_t n_components() const noexcept { return parts_.size(); }
  [[nodiscard]] std::size_t dim() const noexcept { return parts_.front().mean.size(); }
  /// Weights sum to 1.
  [[nodiscard]] std::span<const gaussian> components() const noexcept { return parts_; }
  /// L⁻¹ of the covariance L Lᵀ of component k: (dim, dim), lower.
  [[nodiscard]] std::span<const double> whitening(std::size_t k) const noexcept {
    return std::span(whitening_).subspan(k * dim() * dim(), dim() * dim());
  }

  /// The squared distance of x from the mean of component k, in units of its covariance
  /// (Mahalanobis). No allocation.
  [[nodiscard]] double square_distance(std::size_t k, std::span<const double> x) const noexcept {
    const std::size_t n = dim();
    const double* w = whitening_.data() + k * n * n;
    const double* mean = parts_[k].mean.data();
    double square = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double y = 0;
      for (std::size_t j = 0; j <= i; ++j) y += w[i * n + j] * (x[j] - mean[j]);
      square += y * y;
    }
    return square;
  }
  /// The log-density of component k at x, without its weight. No allocation.
  [[nodiscard]] double component_log_density(std::size_t k,
                                             std::span<const double> x) const noexcept {
    return log_peak_[k] - 0.5 * square_distance(k, x);
  }
  /// The log-density of component k at its mean, which is its largest.
  [[nodiscard]] double log_peak(std::size_t k) const noexcept { return log_peak_[k]; }
  /// The log-density of the whole at x, in nats. No allocation.
  [[nodiscard]] double log_density(std::span<const double> x) const noexcept {
    double most = -std::numeric_limits<double>::infinity();
    double sum = 0;
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      const double term = log_weight_[k] + component_log_density(k, x);
      if (term > most) {
        sum = sum * std::exp(most - term) + 1;
        most = term;
      } else {
        sum += std::exp(term - most);
      }
    }
    return most + std::log(sum);
  }
  /// Of which component x is: logarithms of probabilities, written to `out` (n_components).
  void log_posterior(std::span<const double> x, std::span<double> out) const noexcept {
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      out[k] = log_weight_[k] + component_log_density(k, x);
    }
    normalize_logs(out);
  }
  [[nodiscard]] std::vector<double> log_posterior(std::span<const double> x) const {
    std::vector<double> out(n_components());
    log_posterior(x, out);
    return out;
  }

  /// Draws a point into `out` (dim) and returns its component.
  std::size_t sample(philox& random, std::span<double> out) const {
    const double u = (static_cast<double>(random()) + 0.5) * 0x1p-32;
    double below = 0;
    std::size_t k = 0;
    for (; k + 1 < parts_.size(); ++k) {
      below += parts_[k].weight;
      if (u < below) break;
    }
    sample_component(k, random, out);
    return k;
  }
  void sample_component(std::size_t k, philox& random, std::span<double> out) const {
    std::vector<double> z(dim());
    for (double& draw : z) draw = static_cast<double>(random.normal());
    factors_[k].multiply(z, out);
    for (std::size_t i = 0; i < dim(); ++i) out[i] += parts_[k].mean[i];
  }

  /// The distribution of some of the coordinates alone, in the order given.
  ///
  /// Errors:  invalid_argument for a coordinate that does not exist or comes twice.
  [[nodiscard]] expected<gaussian_mixture> marginal(std::span<const std::size_t> axes) const {
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const bool twice = std::find(axes.begin(), axes.begin() + static_cast<std::ptrdiff_t>(i),
                                   axes[i]) != axes.begin() + static_cast<std::ptrdiff_t>(i);
      if (axes[i] < dim() && !twice) continue;
      return refuse(errc::invalid_argument, "axis " + std::to_string(i), std::to_string(axes[i]),
                    "different ones below " + std::to_string(dim()));
    }
    std::vector<gaussian> parts;
    for (const gaussian& part : parts_) {
      gaussian& chosen = parts.emplace_back();
      chosen.weight = part.weight;
      for (const std::size_t i : axes) {
        chosen.mean.push_back(part.mean[i]);
        for (const std::size_t j : axes)
          chosen.covariance.push_back(part.covariance[i * dim() + j]);
      }
    }
    return make(std::move(parts));
  }

 private:
  gaussian_mixture() = default;

  static unexpected<error> refuse(errc code, std::string place, std::string found,
                                  std::string wanted) {
    return fail({.code = code,
                 .operation = "make Gaussian mixture",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  }
  void add(double log_weight, linalg::cholesky& factor) {
    const auto n = static_cast<double>(factor.size());
    log_weight_.push_back(log_weight);
    log_peak_.push_back(-0.5 * (n * std::log(2 * std::numbers::pi) + factor.log_determinant()));
    const auto inverse = factor.inverse_lower();
    whitening_.insert(whitening_.end(), inverse.begin(), inverse.end());
    factors_.push_back(std::move(factor));
  }

  std::vector<gaussian> parts_;
  std::vector<linalg::cholesky> factors_;  // (n_components)
  std::vector<double> whitening_;          // (n_components, dim, dim)
  std::vector<double> log_weight_;         // (n_components)
  std::vector<double> log_peak_;           // (n_components), the log-density at the mean
};

}  // namespace multitudes::stats
