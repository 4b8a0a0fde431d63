// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/symmetric.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

namespace multitudes::linalg {

/// Makes rows orthonormal without preferring any: the nearest orthonormal set, whose summed squared
/// distance from the rows is least (with S the inner products of the rows A, it is S^(-1/2) A;
/// computed from singular vectors, which does not square the condition of A).
///
/// Shapes:  rows (n, width), in/out.
/// Laws:    permuting the rows permutes the result, and what is orthonormal stays, to rounding.
/// Errors:  non_finite; invalid_argument if the rows are not independent, that is, if the smallest
///          singular value is at most `tolerance` times the largest: then no set is nearest. Rows
///          are then unchanged.
/// Cost:    about 4 * n^2 * width multiply-adds; a few copies.
/// Source:  Löwdin 1950, "On the non-orthogonality problem".
inline expected<void> lowdin(matrix_view<double> rows, double tolerance = rank_tolerance) {
  constexpr const char* operation = "orthonormalize rows symmetrically";
  if (auto finite = detail::check_finite(operation, rows); !finite) return finite;
  const std::size_t n = rows.rows();
  if (n == 0) return {};
  const auto dependent = [&](std::string found) {
    return fail({.code = errc::invalid_argument,
                 .operation = operation,
                 .place = {},
                 .found = std::move(found),
                 .expected = "independent rows",
                 .remedy = "leave out rows that are combinations of others"});
  };
  if (n > rows.cols()) {
    return dependent(std::to_string(n) + " rows of " + std::to_string(rows.cols()) + " elements");
  }
  Eigen::MatrixXd columns(detail::index_of(rows.cols()), detail::index_of(n));
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < rows.cols(); ++c) {
      columns(detail::index_of(c), detail::index_of(i)) = rows.row(i)[c];
      largest = std::max(largest, std::fabs(rows.row(i)[c]));
    }
  }
  if (largest == 0) return dependent("zeros");
  columns /= largest;
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(columns, Eigen::ComputeThinU | Eigen::ComputeThinV);
  const auto& singular = svd.singularValues();
  const double ratio = singular(singular.size() - 1) / singular(0);
  if (!(ratio > tolerance)) {
    return dependent("a smallest singular value of " + std::to_string(ratio) + " of the largest");
  }
  const Eigen::MatrixXd nearest = svd.matrixU() * svd.matrixV().transpose();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < rows.cols(); ++c) {
      rows.row(i)[c] = nearest(detail::index_of(c), detail::index_of(i));
    }
  }
  return {};
}

}  // namespace multitudes::linalg
