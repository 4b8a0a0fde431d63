// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/detail/eigen.hpp>
#include <multitudes/linalg/orthonormal.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace multitudes::linalg {

/// A symmetric matrix as a sum of values[i] * v_i v_i^T, with orthonormal v_i.
struct eigen_system {
  std::vector<double> values;   // (n), largest first
  std::vector<double> vectors;  // (n, n), row i belongs to values[i]

  [[nodiscard]] std::size_t size() const noexcept { return values.size(); }
  [[nodiscard]] std::span<const double> vector(std::size_t i) const noexcept {
    return std::span(vectors).subspan(i * size(), size());
  }
};

namespace detail {

using row_major = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

inline Eigen::Index index_of(std::size_t n) noexcept { return static_cast<Eigen::Index>(n); }

/// Turns a vector so that its entry of largest magnitude is positive, the first of several. What
/// differs by less than 2^-20 counts as equal: otherwise rounding would choose the sign of (1, -1).
inline void fix_sign(std::span<double> v) noexcept {
  double largest = 0;
  for (const double x : v) largest = std::max(largest, std::fabs(x));
  for (const double x : v) {
    if (std::fabs(x) < largest * (1 - 0x1p-20)) continue;
    if (x < 0) {
      for (double& y : v) y = -y;
    }
    return;
  }
}

inline expected<void> check_symmetric(const char* operation, matrix_view<const double> m) {
  if (m.rows() != m.cols()) {
    return fail({.code = errc::shape_mismatch,
                 .operation = operation,
                 .place = {},
                 .found = std::to_string(m.rows()) + " x " + std::to_string(m.cols()),
                 .expected = "as many rows as columns",
                 .remedy = {}});
  }
  if (auto finite = check_finite(operation, m); !finite) return finite;
  double largest = 0;
  for (std::size_t r = 0; r < m.rows(); ++r) {
    for (const double x : m.row(r)) largest = std::max(largest, std::fabs(x));
  }
  for (std::size_t r = 0; r < m.rows(); ++r) {
    for (std::size_t c = 0; c < r; ++c) {
      if (std::fabs(m.row(r)[c] / 2 - m.row(c)[r] / 2) <= 0x1p-30 * largest) continue;
      return fail({.code = errc::invalid_argument,
                   .operation = operation,
                   .place = "row " + std::to_string(r) + ", column " + std::to_string(c),
                   .found = "another number than in row " + std::to_string(c) + ", column " +
                            std::to_string(r),
                   .expected = "a symmetric matrix",
                   .remedy = {}});
    }
  }
  return {};
}

}  // namespace detail

/// Eigenvalues, largest first, and eigenvectors of a symmetric matrix. The sign of a vector is
/// fixed: its entry of largest magnitude is positive, the first one if several are equal to 2^-20.
/// Where eigenvalues are equal, any orthonormal basis of what they span may come out.
///
/// Shapes:  m (n, n).
/// Errors:  shape_mismatch unless m is square; non_finite; invalid_argument unless it is symmetric
///          to 2^-29 of its largest entry (the mean of both halves is used); unsupported if the
///          iteration does not converge, which no finite matrix is known to cause.
/// Cost:    about 9 n^3 multiply-adds.
inline expected<eigen_system> eigen_symmetric(matrix_view<const double> m) {
  constexpr const char* operation = "find eigenvalues";
  if (auto fine = detail::check_symmetric(operation, m); !fine) return forward_error(fine);
  const std::size_t n = m.rows();
  if (n == 0) return eigen_system{};
  Eigen::MatrixXd lower(detail::index_of(n), detail::index_of(n));
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      lower(detail::index_of(r), detail::index_of(c)) = m.row(r)[c] / 2 + m.row(c)[r] / 2;
    }
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(lower);
  if (solved.info() != Eigen::Success) {
    return fail({.code = errc::unsupported,
                 .operation = operation,
                 .place = {},
                 .found = "no convergence",
                 .expected = {},
                 .remedy = {}});
  }
  eigen_system made{std::vector<double>(n), std::vector<double>(n * n)};
  for (std::size_t i = 0; i < n; ++i) {
    const Eigen::Index from = detail::index_of(n - 1 - i);  // the solver sorts the other way
    made.values[i] = solved.eigenvalues()(from);
    const std::span<double> row = std::span(made.vectors).subspan(i * n, n);
    for (std::size_t c = 0; c < n; ++c) {
      row[c] = solved.eigenvectors()(detail::index_of(c), from);
    }
    detail::fix_sign(row);
  }
  return made;
}

/// The matrix whose eigenvectors are the same and whose eigenvalues are f of these: (n, n), e.g.
/// the inverse square root for f(x) = 1 / sqrt(x).
///
/// Errors:  non_finite where f does not give a number.
/// Cost:    n^3 multiply-adds.
template <std::invocable<double> F>
[[nodiscard]] expected<std::vector<double>> symmetric_function(const eigen_system& of, F f) {
  const std::size_t n = of.size();
  const Eigen::Index size = detail::index_of(n);
  std::vector<double> made(n * n);
  if (n == 0) return made;
  const Eigen::Map<const detail::row_major> v(of.vectors.data(), size, size);
  Eigen::VectorXd values(size);
  for (std::size_t i = 0; i < n; ++i) {
    const auto value = static_cast<double>(f(of.values[i]));
    if (!std::isfinite(value)) {
      return fail({.code = errc::non_finite,
                   .operation = "take a function of a symmetric matrix",
                   .place = "eigenvalue " + std::to_string(i) + ", which is " +
                            std::to_string(of.values[i]),
                   .found = std::isnan(value) ? "NaN" : "infinity",
                   .expected = "a finite number",
                   .remedy = "give the function a value there"});
    }
    values(detail::index_of(i)) = value;
  }
  Eigen::Map<detail::row_major>(made.data(), size, size).noalias() =
      v.transpose() * values.asDiagonal() * v;
  return made;
}

}  // namespace multitudes::linalg
