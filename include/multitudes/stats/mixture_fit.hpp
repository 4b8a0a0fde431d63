// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/stats/gaussian_mixture.hpp>
#include <multitudes/stats/shrinkage.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::stats {

/// What the components' covariances have in common.
enum class covariance_form : std::uint8_t {
  shared,    ///< one for all, of the points less their class means: steady with few points
  diagonal,  ///< each class its own variances along the axes, nothing across
  full,      ///< each class its own; needs several times as many points as dimensions
};

struct mixture_fit_options {
  covariance_form form = covariance_form::shared;
  std::vector<double> weights = {};  ///< one for each class; empty: each class's share of points
};

namespace detail {

inline unexpected<error> bad_fit(errc code, std::string place, std::string found,
                                 std::string wanted, std::string remedy = {}) {
  return fail({.code = code,
               .operation = "fit Gaussian mixture",
               .place = std::move(place),
               .found = std::move(found),
               .expected = std::move(wanted),
               .remedy = std::move(remedy)});
}

inline expected<void> check_points(matrix_view<const double> points) {
  if (points.rows() == 0 || points.cols() == 0) {
    return bad_fit(errc::invalid_argument, "points", "none", "at least two of each class");
  }
  for (std::size_t i = 0; i < points.rows(); ++i) {
    for (const double x : points.row(i)) {
      if (std::isfinite(x)) continue;
      return bad_fit(errc::non_finite, "point " + std::to_string(i), "NaN or infinity",
                     "finite numbers");
    }
  }
  return {};
}

}  // namespace detail

/// One normal distribution for each class of labeled points. Covariances are shrunk (see
/// shrink_covariance; the diagonal form towards the class's mean variance by as much), so that
/// few points do not make a class look sure of itself.
///
/// Shapes:  points (n, dim); labels (n), each below n_classes.
/// Errors:  invalid_argument if a class has fewer than two points or a label or weight is out of
///          range, or if points have no spread; shape_mismatch; non_finite.
/// Cost:    2 * n * dim² multiply-adds.
inline expected<gaussian_mixture> fit_labeled_mixture(matrix_view<const double> points,
                                                      std::span<const std::size_t> labels,
                                                      std::size_t n_classes,
                                                      const mixture_fit_options& how = {}) {
  if (auto ok = detail::check_points(points); !ok) return forward_error(ok);
  if (labels.size() != points.rows()) {
    return detail::bad_fit(errc::shape_mismatch, "labels", std::to_string(labels.size()),
                           std::to_string(points.rows()));
  }
  if (!how.weights.empty() && how.weights.size() != n_classes) {
    return detail::bad_fit(errc::shape_mismatch, "weights", std::to_string(how.weights.size()),
                           std::to_string(n_classes) + " or none");
  }
  const std::size_t dim = points.cols();
  std::vector<gaussian> parts(n_classes);
  std::vector<std::size_t> counts(n_classes, 0);
  for (gaussian& part : parts) part.mean.assign(dim, 0.0);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= n_classes) {
      return detail::bad_fit(errc::invalid_argument, "label " + std::to_string(i),
                             std::to_string(labels[i]), "less than " + std::to_string(n_classes));
    }
    ++counts[labels[i]];
    for (std::size_t j = 0; j < dim; ++j) parts[labels[i]].mean[j] += points.row(i)[j];
  }
  for (std::size_t k = 0; k < n_classes; ++k) {
    if (counts[k] < 2) {
      return detail::bad_fit(errc::invalid_argument, "class " + std::to_string(k),
                             std::to_string(counts[k]) + " points", "at least two",
                             "read more texts of it, or leave it out");
    }
    for (double& x : parts[k].mean) x /= static_cast<double>(counts[k]);
    parts[k].weight = how.weights.empty()
                          ? static_cast<double>(counts[k]) / static_cast<double>(labels.size())
                          : how.weights[k];
  }
  // Sorted by class, so that one class's rows are together.
  std::vector<double> centered(points.rows() * dim);
  std::vector<std::size_t> first(n_classes + 1, 0);
  for (std::size_t k = 0; k < n_classes; ++k) first[k + 1] = first[k] + counts[k];
  std::vector<std::size_t> next(first.begin(), first.end() - 1);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::size_t at = next[labels[i]]++;
    for (std::size_t j = 0; j < dim; ++j) {
      centered[at * dim + j] = points.row(i)[j] - parts[labels[i]].mean[j];
    }
  }
  const bool is_shared = how.form == covariance_form::shared;
  for (std::size_t k = 0; k < (is_shared ? 1 : n_classes); ++k) {
    const std::size_t from = is_shared ? 0 : first[k];
    const std::size_t count = is_shared ? labels.size() : counts[k];
    auto found =
        shrink_covariance({centered.data() + from * dim, count, dim}, is_shared ? n_classes : 1);
    if (!found) {
      return detail::bad_fit(errc::invalid_argument,
                             is_shared ? "all classes" : "class " + std::to_string(k),
                             "points without spread", "points that differ");
    }
    if (how.form == covariance_form::diagonal) {
      for (std::size_t i = 0; i < dim * dim; ++i) {
        if (i / dim != i % dim) found->matrix[i] = 0;
      }
    }
    if (!is_shared) {
      parts[k].covariance = std::move(found->matrix);
      continue;
    }
    for (gaussian& part : parts) part.covariance = found->matrix;
  }
  return gaussian_mixture::make(std::move(parts));
}

}  // namespace multitudes::stats
