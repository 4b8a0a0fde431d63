// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/linalg/regression.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace multitudes {

/// Mean and covariance of rows that pass by once. While there are fewer rows than a row has
/// elements, the rows themselves are kept, which is smaller than the matrix; beyond that, the
/// matrix. So memory is bounded by the width, however many rows come.
///
/// Laws:    what is computed depends on the rows and their order, not on the moments in between
///          at which somebody looked; merging is adding the other's rows, up to rounding.
/// Cost:    at most width * (width + 32) doubles, and twice that while a block is added; once there
///          are more rows than width, width² / 2 multiply-adds a row.
/// Source:  Chan, Golub and LeVeque 1983, on merging.
class second_moments {
 public:
  second_moments() = default;
  explicit second_moments(std::size_t width) : width_(width), sum_(width, 0.0) {}

  [[nodiscard]] std::size_t width() const noexcept { return width_; }
  [[nodiscard]] std::size_t n_rows() const noexcept { return n_folded_ + n_kept(); }

  void add(std::span<const float> row) {
    kept_.insert(kept_.end(), row.begin(), row.end());
    for (std::size_t e = 0; e < width_; ++e) sum_[e] += static_cast<double>(row[e]);
    const bool room = matrix_.empty() ? n_kept() <= width_ : n_kept() < block;
    if (!room) fold();
  }
  /// Adds what another has seen.
  void merge(const second_moments& other) {
    if (!other.matrix_.empty()) {
      fold();
      absorb(other.n_folded_, other.mean_, other.matrix_);
      for (std::size_t e = 0; e < width_; ++e) {
        sum_[e] += static_cast<double>(other.n_folded_) * other.mean_[e];
      }
    }
    for (std::size_t i = 0; i < other.n_kept(); ++i) add(other.kept(i));
  }

  /// The mean of the rows: (width).
  [[nodiscard]] std::vector<double> mean() const {
    std::vector<double> mean(sum_);
    for (double& e : mean) e /= static_cast<double>(std::max<std::size_t>(n_rows(), 1));
    return mean;
  }
  /// `out` = the sum over rows of (row . x) row, about zero.
  void apply(std::span<const double> x, std::span<double> out) const { apply(x, {}, out); }
  /// The same about a center, which should be the mean.
  void apply(std::span<const double> x, std::span<const double> center,
             std::span<double> out) const {
    std::fill(out.begin(), out.end(), 0.0);
    const double shift = center.empty() ? 0 : linalg::detail::dot(center, x);
    double total = 0;
    for (std::size_t i = 0; i < n_kept(); ++i) {
      const double share = linalg::detail::dot(kept(i), x) - shift;
      linalg::detail::axpy(share, kept(i), out);
      total += share;
    }
    for (std::size_t e = 0; e < center.size(); ++e) out[e] -= total * center[e];
    if (matrix_.empty()) return;
    // About any center c: the matrix is about its own rows' mean m, so n (m - c)(m - c)' is added.
    const double away = linalg::detail::dot(mean_, x) - shift;
    const double n = static_cast<double>(n_folded_);
    for (std::size_t e = 0; e < width_; ++e) {
      const auto row = std::span(matrix_).subspan(e * width_, width_);
      out[e] +=
          linalg::detail::dot(row, x) + n * away * (mean_[e] - (center.empty() ? 0.0 : center[e]));
    }
  }
  /// The sum of the squared distances of the rows from a center, which should be the mean.
  [[nodiscard]] double trace(std::span<const double> center) const {
    double sum = 0;
    for (std::size_t i = 0; i < n_kept(); ++i) {
      const auto row = kept(i);
      for (std::size_t e = 0; e < width_; ++e) {
        const double d = static_cast<double>(row[e]) - center[e];
        sum += d * d;
      }
    }
    if (matrix_.empty()) return sum;
    for (std::size_t e = 0; e < width_; ++e) {
      const double d = mean_[e] - center[e];
      sum += matrix_[e * width_ + e] + static_cast<double>(n_folded_) * d * d;
    }
    return sum;
  }
  /// The sum of the squared elements of the matrix about the mean, of which `trace` is the trace.
  ///
  /// Cost:    while rows are kept, their products with each other: rows² * width / 2.
  [[nodiscard]] double squared_size(std::span<const double> center) const {
    if (!matrix_.empty()) {
      second_moments whole = *this;
      whole.fold();
      return linalg::detail::dot(whole.matrix_, whole.matrix_);
    }
    double sum = 0;
    std::vector<double> row(width_);
    const double middle = linalg::detail::dot(center, center);
    std::vector<double> along(n_kept());
    for (std::size_t i = 0; i < n_kept(); ++i) along[i] = linalg::detail::dot(kept(i), center);
    for (std::size_t i = 0; i < n_kept(); ++i) {
      row.assign(kept(i).begin(), kept(i).end());
      for (std::size_t j = 0; j <= i; ++j) {
        const double product = linalg::detail::dot(kept(j), row) - along[i] - along[j] + middle;
        sum += (i == j ? 1 : 2) * product * product;
      }
    }
    return sum;
  }

 private:
  static constexpr std::size_t block = 32;  // rows that go into the matrix together

  [[nodiscard]] std::size_t n_kept() const noexcept {
    return width_ == 0 ? 0 : kept_.size() / width_;
  }
  [[nodiscard]] std::span<const float> kept(std::size_t i) const noexcept {
    return std::span(kept_).subspan(i * width_, width_);
  }

  /// Moves the kept rows into the matrix, block by block.
  void fold() {
    const std::size_t n = n_kept();
    if (matrix_.empty()) {
      matrix_.assign(width_ * width_, 0.0);
      mean_.assign(width_, 0.0);
    }
    std::vector<double> mean(width_);
    std::vector<double> rows;
    std::vector<double> squares(width_ * width_);
    for (std::size_t first = 0; first < n; first += block) {
      const std::size_t count = std::min(block, n - first);
      rows.assign(kept_.begin() + static_cast<std::ptrdiff_t>(first * width_),
                  kept_.begin() + static_cast<std::ptrdiff_t>((first + count) * width_));
      std::fill(mean.begin(), mean.end(), 0.0);
      for (std::size_t i = 0; i < rows.size(); ++i) mean[i % width_] += rows[i];
      for (double& e : mean) e /= static_cast<double>(count);
      for (std::size_t i = 0; i < rows.size(); ++i) rows[i] -= mean[i % width_];
      std::fill(squares.begin(), squares.end(), 0.0);
      for (std::size_t e = 0; e < width_; ++e) {
        double* out = squares.data() + e * width_;
        for (std::size_t i = 0; i < count; ++i) {
          const double* row = rows.data() + i * width_;
          for (std::size_t k = 0; k < width_; ++k) out[k] += row[e] * row[k];
        }
      }
      absorb(count, mean, squares);
    }
    kept_.clear();
  }
  /// Adds n rows, given by their mean and the matrix about it.
  void absorb(std::size_t n, std::span<const double> mean, std::span<const double> matrix) {
    const double before = static_cast<double>(n_folded_);
    const double now = before + static_cast<double>(n);
    const double weight = before * static_cast<double>(n) / now;
    for (std::size_t e = 0; e < width_; ++e) {
      const double away = weight * (mean[e] - mean_[e]);
      for (std::size_t k = 0; k < width_; ++k) {
        matrix_[e * width_ + k] += matrix[e * width_ + k] + away * (mean[k] - mean_[k]);
      }
    }
    for (std::size_t e = 0; e < width_; ++e) {
      mean_[e] += static_cast<double>(n) / now * (mean[e] - mean_[e]);
    }
    n_folded_ += n;
  }

  std::size_t width_ = 0;
  std::size_t n_folded_ = 0;
  std::vector<double> sum_;     // (width), of all rows
  std::vector<float> kept_;     // (rows, width), not in the matrix yet
  std::vector<double> mean_;    // (width), of the rows in the matrix
  std::vector<double> matrix_;  // (width, width), about that mean; empty until rows outgrow it
};

}  // namespace multitudes
