// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/detail/eigen.hpp>
#include <multitudes/linalg/orthonormal.hpp>
#include <multitudes/linalg/symmetric.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::linalg {

/// Along which orthonormal axes a cloud is long, longest first.
struct cloud_axes {
  std::vector<double> mean_squares;  // (k), of the cloud's components along each axis
  std::vector<double> axes;          // (k, width)
  std::size_t width = 0;

  [[nodiscard]] std::size_t size() const noexcept { return mean_squares.size(); }
  [[nodiscard]] std::span<const double> axis(std::size_t i) const noexcept {
    return std::span(axes).subspan(i * width, width);
  }
};

/// The eigenvectors and eigenvalues of the mean of x x^T over the rows x, uncentred: subtract the
/// mean first for principal components. Axes along which the mean square is at most 2^-36 of the
/// largest are left out: rows of floats do not determine them. Signs are fixed as in
/// `eigen_symmetric`.
///
/// Shapes:  rows (n, width).
/// Errors:  non_finite, also where squares leave the range of doubles.
/// Cost:    with m the smaller of n and width: n * width * m multiply-adds and about 9 m^3; a copy
///          of the rows.
inline expected<cloud_axes> principal_axes(matrix_view<const double> rows) {
  if (auto finite = detail::check_finite("find principal axes", rows); !finite) {
    return forward_error(finite);
  }
  const std::size_t n = rows.rows(), width = rows.cols();
  cloud_axes made;
  made.width = width;
  if (n == 0 || width == 0) return made;
  const Eigen::Map<const detail::row_major, 0, Eigen::OuterStride<>> x(
      rows.data(), detail::index_of(n), detail::index_of(width),
      Eigen::OuterStride<>(detail::index_of(rows.stride())));
  const bool few = n < width;
  const auto count = static_cast<double>(n);
  detail::row_major moments;
  if (few) {
    moments = x * x.transpose() / count;
  } else {
    moments = x.transpose() * x / count;
  }
  const std::size_t m = std::min(n, width);
  auto system = eigen_symmetric({moments.data(), m, m});
  if (!system) return forward_error(system);
  for (const double value : system->values) {
    if (!(value > 0) || value <= 0x1p-36 * system->values[0]) break;
    made.mean_squares.push_back(value);
  }
  const std::size_t k = made.mean_squares.size();
  system->vectors.resize(k * m);
  made.axes = std::move(system->vectors);
  if (!few || k == 0) return made;
  // The rows' own inner products have the same eigenvalues; their eigenvectors say how much of
  // each row an axis takes.
  const Eigen::Map<const detail::row_major> takes(made.axes.data(), detail::index_of(k),
                                                  detail::index_of(m));
  const detail::row_major mixed = takes * x;
  made.axes.assign(mixed.data(), mixed.data() + mixed.size());
  if (auto rank = gram_schmidt({made.axes.data(), k, width}, 0); !rank) return forward_error(rank);
  for (std::size_t i = 0; i < k; ++i) {
    detail::fix_sign(std::span(made.axes).subspan(i * width, width));
  }
  return made;
}

}  // namespace multitudes::linalg
