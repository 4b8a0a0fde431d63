// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/linalg/cholesky.hpp>
#include <multitudes/stats/gaussian_mixture.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace multitudes::stats {

/// The slopes of a mixture's energy, E(x) = -log density: walking down them leads to a mode.
/// Keeps buffers, so make one for each thread.
class mixture_slopes {
 public:
  explicit mixture_slopes(const gaussian_mixture& m)
      : mixture_(&m), shares_(m.n_components()), pull_(m.dim()) {
    const std::size_t n = m.dim();
    for (std::size_t k = 0; k < m.n_components(); ++k) {
      const auto w = m.whitening(k);
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          double sum = 0;
          for (std::size_t r = std::max(i, j); r < n; ++r) sum += w[r * n + i] * w[r * n + j];
          precisions_.push_back(sum);
        }
      }
    }
  }

  [[nodiscard]] const gaussian_mixture& mixture() const noexcept { return *mixture_; }
  [[nodiscard]] double energy(std::span<const double> x) const noexcept {
    return -mixture_->log_density(x);
  }

  /// The gradient of the log-density, -dE/dx, and the mean precision of the components that claim
  /// x, in whose metric the gradient is a step (see `downhill`).
  void evaluate(std::span<const double> x, std::span<double> gradient,
                std::span<double> precision) const noexcept {
    const std::size_t n = mixture_->dim();
    mixture_->log_posterior(x, shares_);
    std::fill(gradient.begin(), gradient.end(), 0.0);
    std::fill(precision.begin(), precision.end(), 0.0);
    for (std::size_t k = 0; k < shares_.size(); ++k) {
      const double share = std::exp(shares_[k]);
      if (share < 1e-300) continue;
      const double* p = precisions_.data() + k * n * n;
      const auto& mean = mixture_->components()[k].mean;
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          gradient[i] += share * p[i * n + j] * (mean[j] - x[j]);
          precision[i * n + j] += share * p[i * n + j];
        }
      }
    }
  }
  /// d²E/dx²: (dim, dim).
  void curvature(std::span<const double> x, std::span<double> out) const {
    const std::size_t n = mixture_->dim();
    std::vector<double> gradient(n);
    evaluate(x, gradient, out);
    for (std::size_t i = 0; i < n * n; ++i) out[i] += gradient[i / n] * gradient[i % n];
    mixture_->log_posterior(x, shares_);
    for (std::size_t k = 0; k < shares_.size(); ++k) {
      const double share = std::exp(shares_[k]);
      const double* p = precisions_.data() + k * n * n;
      const auto& mean = mixture_->components()[k].mean;
      std::fill(pull_.begin(), pull_.end(), 0.0);
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) pull_[i] += p[i * n + j] * (mean[j] - x[j]);
      }
      for (std::size_t i = 0; i < n * n; ++i) out[i] -= share * pull_[i / n] * pull_[i % n];
    }
  }
  /// The step that mean shift takes from x: never uphill in energy, and zero at modes and passes
  /// only. It is the gradient in the metric of the mean precision, so that narrow components need
  /// no small steps.
  ///
  /// Source:  Carreira-Perpiñán 2000, "Mode-finding for mixtures of Gaussian distributions".
  [[nodiscard]] std::vector<double> downhill(std::span<const double> x) const {
    const std::size_t n = mixture_->dim();
    std::vector<double> step(n);
    std::vector<double> metric(n * n);
    evaluate(x, step, metric);
    // A mean of positive definite matrices has a factor unless rounding undid it.
    if (const auto factor = linalg::cholesky::factor({metric.data(), n, n})) factor->solve(step);
    return step;
  }

 private:
  const gaussian_mixture* mixture_;
  std::vector<double> precisions_;      // (n_components, dim, dim)
  mutable std::vector<double> shares_;  // (n_components)
  mutable std::vector<double> pull_;    // (dim)
};

/// The modes of a mixture: the bottoms of its energy's basins. There may be fewer than components
/// (some merge) and, in more than one dimension, also more.
class mixture_modes {
 public:
  struct mode {
    std::vector<double> at;               ///< (dim)
    double energy = 0;                    ///< nats
    std::vector<std::size_t> components;  ///< whose means lie in its basin
  };

  /// Walks down from every component's mean.
  ///
  /// Cost:    tens to thousands of steps of n_components * dim² for each; slow where two modes are
  ///          about to merge.
  explicit mixture_modes(const gaussian_mixture& m) : slopes_(m) {
    for (std::size_t k = 0; k < m.n_components(); ++k) {
      const std::size_t found = descend(m.components()[k].mean);
      modes_[found].components.push_back(k);
      mode_of_.push_back(found);
    }
  }

  [[nodiscard]] std::span<const mode> modes() const noexcept { return modes_; }
  [[nodiscard]] std::size_t mode_of_component(std::size_t k) const noexcept { return mode_of_[k]; }
  [[nodiscard]] const mixture_slopes& slopes() const noexcept { return slopes_; }

  /// Which mode the walk down from x ends in. A mode that no component's mean led to is added.
  std::size_t descend(std::span<const double> x) {
    const gaussian_mixture& m = slopes_.mixture();
    std::vector<double> at(x.begin(), x.end());
    constexpr int most_steps = 20000;
    for (int i = 0; i < most_steps; ++i) {
      // Close to a known mode, and inside its cone of positive curvature, the rest is known.
      if (i % 4 == 0) {
        for (std::size_t b = 0; b < modes_.size(); ++b) {
          if (distance(at, modes_[b].at) < settled) return b;
        }
      }
      const std::vector<double> step = slopes_.downhill(at);
      for (std::size_t j = 0; j < at.size(); ++j) at[j] += step[j];
      if (length(step, at) < 1e-3 * settled) break;
    }
    for (std::size_t b = 0; b < modes_.size(); ++b) {
      if (distance(at, modes_[b].at) < 10 * settled) return b;
    }
    // A walk that began on a ridge exactly, as between two equal components, rests on a pass.
    if (auto leads = off_the_pass(at)) return descend(*leads);
    modes_.push_back({at, -m.log_density(at), {}});
    return modes_.size() - 1;
  }

 private:
  /// What counts as having arrived, in standard deviations of the components there.
  static constexpr double settled = 1e-4;

  [[nodiscard]] double length(std::span<const double> step, std::span<const double> at) const {
    const std::size_t n = at.size();
    std::vector<double> gradient(n);
    std::vector<double> metric(n * n);
    slopes_.evaluate(at, gradient, metric);
    double square = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) square += step[i] * metric[i * n + j] * step[j];
    }
    return std::sqrt(std::max(0.0, square));
  }
  [[nodiscard]] double distance(std::span<const double> a, std::span<const double> b) const {
    std::vector<double> gap(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) gap[i] = a[i] - b[i];
    return length(gap, b);
  }
  /// A place a little way down from a point of rest that is no bottom; nothing at a bottom.
  [[nodiscard]] std::optional<std::vector<double>> off_the_pass(std::span<const double> at) const {
    const std::size_t n = at.size();
    std::vector<double> curvature(n * n);
    slopes_.curvature(at, curvature);
    if (linalg::cholesky::factor({curvature.data(), n, n})) return std::nullopt;
    // Power iteration on bound * I - curvature finds the direction that curves down most.
    double bound = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double row = 0;
      for (std::size_t j = 0; j < n; ++j) row += std::abs(curvature[i * n + j]);
      bound = std::max(bound, row);
    }
    std::vector<double> v(n);
    for (std::size_t i = 0; i < n; ++i) v[i] = 1 + 0.1 * static_cast<double>(i);
    for (int turn = 0; turn < 500; ++turn) {
      std::vector<double> next(n);
      double norm = 0;
      for (std::size_t i = 0; i < n; ++i) {
        next[i] = bound * v[i];
        for (std::size_t j = 0; j < n; ++j) next[i] -= curvature[i * n + j] * v[j];
        norm += next[i] * next[i];
      }
      if (!(norm > 0)) return std::nullopt;
      for (std::size_t i = 0; i < n; ++i) v[i] = next[i] / std::sqrt(norm);
    }
    double bend = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) bend += v[i] * curvature[i * n + j] * v[j];
    }
    if (!(bend < 0)) return std::nullopt;  // flat to rounding: two modes are merging here
    const double step = 0.01 / length(v, at);
    std::vector<double> moved(at.begin(), at.end());
    for (std::size_t i = 0; i < n; ++i) moved[i] += step * v[i];
    if (!(slopes_.energy(moved) < slopes_.energy(at))) return std::nullopt;
    return moved;
  }

  mixture_slopes slopes_;
  std::vector<mode> modes_;
  std::vector<std::size_t> mode_of_;  // (n_components)
};

}  // namespace multitudes::stats
