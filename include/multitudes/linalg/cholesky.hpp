// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/view.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace multitudes::linalg {

/// The lower triangular L of a covariance A = L Lᵀ. Meant for small matrices: loops that any
/// reader can follow, and the same bits everywhere.
class cholesky {
 public:
  /// Reads the lower half of a symmetric matrix.
  ///
  /// Errors:  nothing unless the matrix is square and positive definite beyond rounding.
  /// Cost:    n³ / 6 multiply-adds.
  static std::optional<cholesky> factor(matrix_view<const double> a) {
    const std::size_t n = a.rows();
    if (n != a.cols()) return std::nullopt;
    cholesky made;
    made.n_ = n;
    made.lower_.assign(n * n, 0.0);
    const double least = static_cast<double>(n) * std::numeric_limits<double>::epsilon();
    for (std::size_t i = 0; i < n; ++i) {
      double* row = made.lower_.data() + i * n;
      for (std::size_t j = 0; j <= i; ++j) {
        const double* other = made.lower_.data() + j * n;
        double sum = a.row(i)[j];
        for (std::size_t k = 0; k < j; ++k) sum -= row[k] * other[k];
        if (i != j) {
          row[j] = sum / other[j];
          continue;
        }
        // A pivot that is rounding beside its own entry says that the matrix is singular.
        if (!(sum > least * a.row(i)[i]) || !std::isfinite(sum)) return std::nullopt;
        row[i] = std::sqrt(sum);
      }
    }
    return made;
  }

  [[nodiscard]] std::size_t size() const noexcept { return n_; }
  /// L itself: (n, n), zeros above the diagonal.
  [[nodiscard]] matrix_view<const double> lower() const noexcept { return {lower_.data(), n_, n_}; }
  /// The logarithm of the determinant of A.
  [[nodiscard]] double log_determinant() const noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < n_; ++i) sum += std::log(lower_[i * n_ + i]);
    return 2 * sum;
  }
  /// Replaces b by L⁻¹ b: what has covariance A then has the identity.
  void solve_lower(std::span<double> b) const noexcept {
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j < i; ++j) b[i] -= lower_[i * n_ + j] * b[j];
      b[i] /= lower_[i * n_ + i];
    }
  }
  /// Replaces b by L⁻ᵀ b.
  void solve_upper(std::span<double> b) const noexcept {
    for (std::size_t i = n_; i-- > 0;) {
      for (std::size_t j = i + 1; j < n_; ++j) b[i] -= lower_[j * n_ + i] * b[j];
      b[i] /= lower_[i * n_ + i];
    }
  }
  /// Replaces b by A⁻¹ b.
  void solve(std::span<double> b) const noexcept {
    solve_lower(b);
    solve_upper(b);
  }
  /// L z: of standard normal z, a draw with covariance A.
  ///
  /// Shapes:  z and out (n), different memory.
  void multiply(std::span<const double> z, std::span<double> out) const noexcept {
    for (std::size_t i = 0; i < n_; ++i) {
      out[i] = 0;
      for (std::size_t j = 0; j <= i; ++j) out[i] += lower_[i * n_ + j] * z[j];
    }
  }
  /// L⁻¹ : (n, n), zeros above the diagonal.
  [[nodiscard]] std::vector<double> inverse_lower() const {
    std::vector<double> inverse(n_ * n_, 0.0);
    for (std::size_t c = 0; c < n_; ++c) {
      for (std::size_t i = c; i < n_; ++i) {
        double sum = i == c ? 1.0 : 0.0;
        for (std::size_t j = c; j < i; ++j) sum -= lower_[i * n_ + j] * inverse[j * n_ + c];
        inverse[i * n_ + c] = sum / lower_[i * n_ + i];
      }
    }
    return inverse;
  }

 private:
  cholesky() = default;

  std::size_t n_ = 0;
  std::vector<double> lower_;  // (n, n)
};

}  // namespace multitudes::linalg
