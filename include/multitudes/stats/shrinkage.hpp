// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/view.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

namespace multitudes::stats {

/// A covariance pulled towards the same variance in every direction.
struct shrunk_covariance {
  std::vector<double> matrix;  ///< (dim, dim)
  double shrinkage = 0;        ///< 0: the sample's own; 1: a sphere
};

/// The covariance of few points, which is positive definite also where there are fewer points
/// than dimensions: (1 - s) S + s (trace S / dim) I, with the s that costs least expected squared
/// error, in closed form. The target is a sphere, so measure the coordinates in like units.
///
/// Shapes:  centered (n, dim): points less their mean, or each less the mean of its own class.
/// Units:   S divides by n - n_means, for the means that were taken off.
/// Errors:  nothing without points to spare, if all are equal, or if a number is not finite.
/// Cost:    2 * n * dim² multiply-adds.
/// Source:  Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance
///          matrices", lemma 3.2 and section 3.2.
inline std::optional<shrunk_covariance> shrink_covariance(matrix_view<const double> centered,
                                                          std::size_t n_means = 1) {
  const std::size_t n = centered.rows();
  const std::size_t dim = centered.cols();
  if (n <= n_means || dim == 0) return std::nullopt;
  shrunk_covariance result;
  std::vector<double>& s = result.matrix;
  s.assign(dim * dim, 0.0);
  // The mean over points of |x xᵀ - S|² is that of |x|⁴ less |S|².
  double fourth = 0;
  for (std::size_t p = 0; p < n; ++p) {
    const auto x = centered.row(p);
    double square = 0;
    for (std::size_t i = 0; i < dim; ++i) {
      square += x[i] * x[i];
      for (std::size_t j = 0; j <= i; ++j) s[i * dim + j] += x[i] * x[j];
    }
    fourth += square * square;
  }
  const auto count = static_cast<double>(n);
  double trace = 0;
  double squares = 0;
  for (std::size_t i = 0; i < dim; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      s[i * dim + j] /= count;
      s[j * dim + i] = s[i * dim + j];
      squares += s[i * dim + j] * s[i * dim + j] * (i == j ? 1 : 2);
    }
    trace += s[i * dim + i];
  }
  const double mean_variance = trace / static_cast<double>(dim);
  if (!(mean_variance > 0) || !std::isfinite(fourth) || !std::isfinite(squares)) {
    return std::nullopt;
  }
  const double distance = squares - mean_variance * trace;  // |S - m I|²
  const double noise = std::max(0.0, fourth / count - squares) / count;
  result.shrinkage = distance > 0 ? std::min(1.0, noise / distance) : 1.0;
  const double unbiased = count / (count - static_cast<double>(n_means));
  for (std::size_t i = 0; i < dim; ++i) {
    for (std::size_t j = 0; j < dim; ++j) {
      double& element = s[i * dim + j];
      element *= (1 - result.shrinkage) * unbiased;
      if (i == j) element += result.shrinkage * mean_variance * unbiased;
    }
  }
  return result;
}

}  // namespace multitudes::stats
