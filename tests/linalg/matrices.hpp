// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/core/view.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace multitudes_test {

/// A matrix that owns its elements.
struct matrix {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<double> values;

  [[nodiscard]] multitudes::matrix_view<double> view() { return {values.data(), rows, cols}; }
  [[nodiscard]] multitudes::matrix_view<const double> view() const {
    return {values.data(), rows, cols};
  }
};

inline matrix random_matrix(multitudes::philox& random, std::size_t rows, std::size_t cols) {
  matrix m{rows, cols, std::vector<double>(rows * cols)};
  for (double& x : m.values) x = static_cast<double>(random.normal());
  return m;
}

inline double product(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The largest deviation of the rows from orthonormal ones.
inline double deviation(multitudes::matrix_view<const double> rows) {
  double worst = 0;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double wanted = i == j ? 1 : 0;
      worst = std::max(worst, std::fabs(product(rows.row(i), rows.row(j)) - wanted));
    }
  }
  return worst;
}

/// The largest difference between two lists of the same length.
inline double distance(std::span<const double> a, std::span<const double> b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    worst = std::max(worst, std::fabs(a[i] - b[i]));
  }
  return worst;
}

}  // namespace multitudes_test
