// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/extract/extractor.hpp>

#include <algorithm>
#include <span>
#include <string_view>

namespace multitudes {

/// Logistic regression with a quadratic penalty: the weights under which the labels of the texts
/// are likeliest. It heeds the texts near the border and forgets those that are clear, so that
/// outliers move it less than they move `ridge`. All rows are kept in memory, because the fit
/// passes over them many times.
///
/// Source:  Cox 1958, "The regression analysis of binary sequences".
struct logistic {
  static constexpr looks_at needs = looks_at::rows;
  static constexpr std::string_view name = "logistic";
  double penalty = 0.1;  ///< in units of the rows' mean variance along an axis

  void operator()(const pair_statistics& pairs, std::span<double> out) const {
    std::fill(out.begin(), out.end(), 0.0);
    // Without a mean difference the best weights are zero, and an iteration would chase rounding.
    if (!(linalg::detail::dot(pairs.difference, pairs.difference) > 0)) return;
    double squares = 0;
    for (const auto side : {pairs.rows.positive, pairs.rows.negative}) {
      for (const std::span<const float> row : side) {
        for (std::size_t e = 0; e < row.size(); ++e) {
          const double d = static_cast<double>(row[e]) - pairs.midpoint[e];
          squares += d * d;
        }
      }
    }
    const double axis = squares / static_cast<double>(2 * pairs.n_pairs * out.size());
    const auto plane = linalg::logistic_regression(pairs.rows, pairs.midpoint, penalty * axis);
    for (std::size_t e = 0; e < out.size(); ++e) out[e] = plane.weights[e];
  }
};

static_assert(extractor<logistic>);

}  // namespace multitudes
