// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/cholesky.hpp>
#include <multitudes/linalg/principal_axes.hpp>
#include <multitudes/stats/shrinkage.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::stats {

/// The few coordinates of points in which classes lie apart: y = axes (x - middle).
struct discriminant_axes {
  std::size_t dim = 0;          ///< of the points
  std::vector<double> middle;   ///< (dim)
  std::vector<double> axes;     ///< (n_axes, dim), the most telling first
  std::vector<double> between;  ///< (n_axes): variance of the class means, within-class being 1

  [[nodiscard]] std::size_t size() const noexcept { return between.size(); }
  [[nodiscard]] std::span<const double> axis(std::size_t i) const noexcept {
    return std::span(axes).subspan(i * dim, dim);
  }
  /// Shapes:  x (dim), out (size()).
  template <class T>
  void project(std::span<const T> x, std::span<double> out) const noexcept {
    for (std::size_t a = 0; a < size(); ++a) {
      const auto row = axis(a);
      double sum = 0;
      for (std::size_t i = 0; i < dim; ++i) sum += row[i] * (static_cast<double>(x[i]) - middle[i]);
      out[a] = sum;
    }
  }
};

/// The axes along which class means differ most in units of the spread within classes (Fisher's
/// discriminants, at most n_classes - 1). Along each, the points of a class have a variance of
/// about 1, and coordinates of different axes do not go together. The spread is shrunk (see
/// shrink_covariance), so that there may be fewer points than dimensions.
///
/// Shapes:  points (n, dim); labels (n), below n_classes.
/// Errors:  invalid_argument for fewer than two classes, a class without a point, no axes, labels
///          out of range, or points without spread; shape_mismatch; non_finite.
/// Cost:    2 n dim² + dim³ / 6 multiply-adds.
/// Source:  Rao 1948, "The utilization of multiple measurements in problems of biological
///          classification".
inline expected<discriminant_axes> find_discriminant_axes(matrix_view<const double> points,
                                                          std::span<const std::size_t> labels,
                                                          std::size_t n_classes,
                                                          std::size_t n_axes) {
  const auto refuse = [](errc code, std::string place, std::string found, std::string wanted) {
    return fail({.code = code,
                 .operation = "find discriminant axes",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  };
  if (labels.size() != points.rows()) {
    return refuse(errc::shape_mismatch, "labels", std::to_string(labels.size()),
                  std::to_string(points.rows()));
  }
  if (n_classes < 2 || n_axes == 0) {
    return refuse(errc::invalid_argument, n_classes < 2 ? "classes" : "axes",
                  std::to_string(n_classes < 2 ? n_classes : n_axes),
                  n_classes < 2 ? "at least two" : "at least one");
  }
  const std::size_t dim = points.cols();
  discriminant_axes result;
  result.dim = dim;
  result.middle.assign(dim, 0.0);
  std::vector<double> means(n_classes * dim, 0.0);
  std::vector<double> counts(n_classes, 0.0);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= n_classes) {
      return refuse(errc::invalid_argument, "label " + std::to_string(i), std::to_string(labels[i]),
                    "less than " + std::to_string(n_classes));
    }
    ++counts[labels[i]];
    for (std::size_t j = 0; j < dim; ++j) means[labels[i] * dim + j] += points.row(i)[j];
  }
  for (std::size_t k = 0; k < n_classes; ++k) {
    if (counts[k] == 0) {
      return refuse(errc::invalid_argument, "class " + std::to_string(k), "no points",
                    "at least one");
    }
    for (std::size_t j = 0; j < dim; ++j) {
      means[k * dim + j] /= counts[k];
      // Classes count alike, however many points were read of each.
      result.middle[j] += means[k * dim + j] / static_cast<double>(n_classes);
    }
  }
  std::vector<double> centered(points.rows() * dim);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (std::size_t j = 0; j < dim; ++j) {
      const double x = points.row(i)[j] - means[labels[i] * dim + j];
      if (!std::isfinite(x)) {
        return refuse(errc::non_finite, "point " + std::to_string(i), "NaN or infinity",
                      "finite numbers");
      }
      centered[i * dim + j] = x;
    }
  }
  const auto within = shrink_covariance({centered.data(), points.rows(), dim}, n_classes);
  if (!within) {
    return refuse(errc::invalid_argument, "points", "no spread within classes",
                  "points of a class that differ");
  }
  const auto factor = linalg::cholesky::factor({within->matrix.data(), dim, dim});
  if (!factor) {
    return refuse(errc::invalid_argument, "points", "a singular covariance",
                  "spread in every direction");
  }
  for (std::size_t k = 0; k < n_classes; ++k) {
    const auto row = std::span(means).subspan(k * dim, dim);
    for (std::size_t j = 0; j < dim; ++j) row[j] -= result.middle[j];
    factor->solve_lower(row);
  }
  const auto found = linalg::principal_axes({means.data(), n_classes, dim});
  if (!found) return unexpected<error>(found.error());
  for (std::size_t a = 0; a < std::min({n_axes, found->size(), n_classes - 1}); ++a) {
    std::vector<double> axis(found->axis(a).begin(), found->axis(a).end());
    factor->solve_upper(axis);
    result.axes.insert(result.axes.end(), axis.begin(), axis.end());
    result.between.push_back(found->mean_squares[a]);
  }
  if (result.between.empty()) {
    return refuse(errc::invalid_argument, "class means", "no difference", "means that differ");
  }
  return result;
}

}  // namespace multitudes::stats
