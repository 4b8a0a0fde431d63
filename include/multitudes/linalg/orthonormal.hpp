// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>

namespace multitudes::linalg {

/// How much of a row must be left, relative to its length, when the rows before it are taken out,
/// for it to count as one of its own. Rows that came from floats are known to 2^-24: a combination
/// of others that was rounded to float leaves about that much, and 2^-20 is a safe distance away.
inline constexpr double rank_tolerance = 0x1p-20;

namespace detail {

/// In a fixed order of 8 partial sums, which compilers may vectorise.
inline double dot(std::span<const double> a, std::span<const double> b) noexcept {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  const std::size_t whole = a.size() / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes) {
    for (std::size_t k = 0; k < lanes; ++k) sums[k] += a[i + k] * b[i + k];
  }
  for (std::size_t i = whole; i < a.size(); ++i) sums[0] += a[i] * b[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/// The place of the first element that is not finite.
inline expected<void> check_finite(const char* operation, matrix_view<const double> m) {
  for (std::size_t r = 0; r < m.rows(); ++r) {
    for (std::size_t c = 0; c < m.cols(); ++c) {
      if (std::isfinite(m.row(r)[c])) continue;
      return fail({.code = errc::non_finite,
                   .operation = operation,
                   .place = "row " + std::to_string(r) + ", column " + std::to_string(c),
                   .found = std::isnan(m.row(r)[c]) ? "NaN" : "infinity",
                   .expected = "a finite number",
                   .remedy = {}});
    }
  }
  return {};
}

/// Brings the largest magnitude to 1/2 or more and below 1, exactly, so that squares neither
/// overflow nor vanish.
inline void scale_to_one(std::span<double> row) noexcept {
  double largest = 0;
  for (const double x : row) largest = std::max(largest, std::fabs(x));
  if (largest == 0) return;
  int exponent = 0;
  static_cast<void>(std::frexp(largest, &exponent));
  for (double& x : row) x = std::ldexp(x, -exponent);
}

}  // namespace detail

/// Makes rows orthonormal in their order: each row keeps what the rows before it do not have, at
/// unit length. A row that has no more than `tolerance` of its length left becomes zeros. Returns
/// how many rows are left. Every row is cleaned twice, so that also what is barely independent
/// ends orthogonal to rounding.
///
/// Shapes:  rows (n, width), in/out; n may exceed the width, but no more than width rows stay.
/// Laws:    inner products of kept rows are those of unit vectors to width * 2^-50; each kept row
///          has a positive inner product with what it was made of.
/// Errors:  non_finite; rows are then unchanged.
/// Cost:    2 * n^2 * width multiply-adds; no allocation.
/// Source:  Giraud, Langou, Rozloznik and van den Eshof 2005, on why twice is enough.
inline expected<std::size_t> gram_schmidt(matrix_view<double> rows,
                                          double tolerance = rank_tolerance) {
  if (auto finite = detail::check_finite("orthonormalize rows", rows); !finite) {
    return forward_error(finite);
  }
  std::size_t rank = 0;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const std::span<double> row = rows.row(i);
    detail::scale_to_one(row);
    const double length = std::sqrt(detail::dot(row, row));
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t j = 0; j < i; ++j) {
        const std::span<const double> before = rows.row(j);
        const double share = detail::dot(before, row);
        for (std::size_t c = 0; c < row.size(); ++c) row[c] -= share * before[c];
      }
    }
    const double left = std::sqrt(detail::dot(row, row));
    const bool kept = rank < rows.cols() && left > tolerance * length;
    for (double& x : row) x = kept ? x / left : 0.0;
    rank += kept;
  }
  return rank;
}

}  // namespace multitudes::linalg
