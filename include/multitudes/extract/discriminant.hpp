// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/extract/extractor.hpp>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

namespace multitudes {

namespace detail {

/// `out` = (S + penalty I)^-1 difference, with S the sum of squares of all texts about their mean.
inline void solve_against_texts(const pair_statistics& pairs, double penalty,
                                std::span<double> out) {
  const auto penalized = [&](std::span<const double> x, std::span<double> y) {
    pairs.texts->apply(x, pairs.midpoint, y);
    for (std::size_t e = 0; e < y.size(); ++e) y[e] += penalty * x[e];
  };
  linalg::conjugate_gradients(penalized, pairs.difference, out, 1e-8, 500);
}

}  // namespace detail

/// Least squares: the weights that come nearest to +1 on positive and -1 on negative texts, with a
/// penalty on their squares. Where a nuisance is strong, the weights turn away from it, so that
/// they tell texts apart better than they describe what the trait adds: read with it, and think
/// twice before steering with it.
///
/// Source:  Hoerl and Kennard 1970, "Ridge regression".
struct ridge {
  static constexpr looks_at needs = looks_at::texts;
  static constexpr std::string_view name = "ridge";
  double penalty = 1;  ///< in units of the rows' mean variance along an axis, times the rows

  void operator()(const pair_statistics& pairs, std::span<double> out) const {
    const double axis = pairs.texts->trace(pairs.midpoint) / static_cast<double>(out.size());
    detail::solve_against_texts(pairs, penalty * axis, out);
  }
};

/// The linear discriminant: the inverse of the covariance within the two kinds of text, times the
/// mean difference; best where both kinds are normal with one covariance. The covariance of few
/// rows is drawn towards a multiple of the identity by the share that is best for normal rows, so
/// that there is nothing to choose. For as many positive as negative texts it is `ridge` with
/// another penalty, and the same holds of steering with it.
///
/// Source:  Fisher 1936; Chen, Wiesel, Eldar and Hero 2010, arXiv:0907.4698 (the share).
struct linear_discriminant {
  static constexpr looks_at needs = looks_at::texts;
  static constexpr std::string_view name = "linear discriminant";

  void operator()(const pair_statistics& pairs, std::span<double> out) const {
    const auto width = static_cast<double>(out.size());
    const auto n = static_cast<double>(pairs.texts->n_rows());
    // The sum of squares within is that about the common mean, less what the means' distance
    // makes: n/4 difference difference'. Its inverse turns the difference the same way.
    std::vector<double> image(out.size());
    pairs.texts->apply(pairs.difference, pairs.midpoint, image);
    const double length = linalg::detail::dot(pairs.difference, pairs.difference);
    const double trace = (pairs.texts->trace(pairs.midpoint) - n / 4 * length) / n;
    const double squares =
        (pairs.texts->squared_size(pairs.midpoint) -
         n / 2 * linalg::detail::dot(pairs.difference, image) + n * n / 16 * length * length) /
        (n * n);
    const double above = (1 - 2 / width) * squares + trace * trace;
    const double below = (n - 1 - 2 / width) * (squares - trace * trace / width);
    // At least a little, so that the system can be solved whatever the rows are.
    const double share = below > 0 ? std::clamp(above / below, 1e-6, 1 - 1e-6) : 1 - 1e-6;
    detail::solve_against_texts(pairs, n * share / (1 - share) * trace / width, out);
  }
};

static_assert(extractor<ridge> && extractor<linear_discriminant>);

}  // namespace multitudes
