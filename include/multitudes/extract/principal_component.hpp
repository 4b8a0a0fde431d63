// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/extract/extractor.hpp>

#include <cmath>
#include <span>
#include <string_view>
#include <vector>

namespace multitudes {

namespace detail {

/// The leading eigenvector of the differences' second moments about `center`.
inline void leading_difference(const pair_statistics& pairs, std::span<const double> center,
                               double tolerance, std::span<double> out) {
  const auto moments = [&](std::span<const double> x, std::span<double> y) {
    pairs.differences->apply(x, center, y);
  };
  // The mean difference is where the search starts, and which way the result points. A little of
  // everything is added, or what is orthogonal to it would never be found.
  std::vector<double> start(pairs.difference.begin(), pairs.difference.end());
  const double length = std::sqrt(linalg::detail::dot(start, start));
  for (std::size_t e = 0; e < start.size(); ++e) {
    const double sign = (e * 2654435761u >> 7) % 2 == 0 ? 1.0 : -1.0;
    start[e] +=
        (length > 0 ? 1e-3 * length : 1.0) * sign / std::sqrt(static_cast<double>(start.size()));
  }
  const auto found = linalg::leading_eigenvectors(moments, 1, start, {.tolerance = tolerance});
  for (std::size_t e = 0; e < out.size(); ++e) out[e] = found[0].vector[e];
}

}  // namespace detail

/// The direction along which the pairs' differences are longest, in the mean of squares: the
/// leading eigenvector of the sum of d d' over the differences d, about zero. It is what repeng
/// calls `pca_center` (both texts of each pair, taken from their midpoint). It finds a trait whose
/// strength varies, and even one whose sign does; a nuisance that differs within pairs by more
/// than the trait does takes its place.
///
/// Cost:    some tens of passes over the rows, or over the matrix once there are more pairs than
///          elements; never a full decomposition.
/// Source:  Zou et al. 2023, arXiv:2310.01405.
struct principal_component {
  static constexpr looks_at needs = looks_at::differences;
  static constexpr std::string_view name = "principal component";
  double tolerance = 1e-9;  ///< of the eigenvector, see lanczos_options

  void operator()(const pair_statistics& pairs, std::span<double> out) const {
    detail::leading_difference(pairs, {}, tolerance, out);
  }
};

/// The leading eigenvector of the differences about their mean: repeng's `pca_diff`, only for
/// comparing with vectors that were made so.
///
/// Known defect: what all differences have in common is the trait, and centring takes away just
/// that. What is left is how the pairs vary, mostly nuisance. Against a planted direction its
/// cosine is at most 0.08 where the uncentred one has 0.93 (tests/extract/extractors.cpp). Use
/// `principal_component` or `mean_difference`.
struct centered_principal_component {
  static constexpr looks_at needs = looks_at::differences;
  static constexpr std::string_view name = "centered principal component (pca_diff)";
  double tolerance = 1e-9;

  void operator()(const pair_statistics& pairs, std::span<double> out) const {
    detail::leading_difference(pairs, pairs.difference, tolerance, out);
  }
};

static_assert(extractor<principal_component> && extractor<centered_principal_component>);

}  // namespace multitudes
