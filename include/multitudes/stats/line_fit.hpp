// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/stats/summary.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

namespace multitudes::stats {

/// y = intercept + slope * x, and how well it holds.
struct line {
  double slope = 0;
  double intercept = 0;
  double r_squared = 0;    ///< share of y's variance on the line; 0 where y has no variance
  double slope_error = 0;  ///< standard error of the slope; assumes equal, independent noise
};

/// The line that leaves the least sum of squared vertical distances.
///
/// Shapes:  x and y hold equally many numbers; y[i] was measured at x[i].
/// Errors:  nothing if the lengths differ, for fewer than three points (two leave nothing to
///          judge the line by), if all x are equal, or if a number or a result is not finite.
inline std::optional<line> fit_line(std::span<const double> x, std::span<const double> y) noexcept {
  if (x.size() != y.size() || x.size() < 3) return std::nullopt;
  const double x_mean = detail::mean_of_some(x);
  const double y_mean = detail::mean_of_some(y);
  const double xx = detail::squared_spread(x);
  const double yy = detail::squared_spread(y);
  double xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) xy += (x[i] - x_mean) * (y[i] - y_mean);
  if (!(xx > 0) || !std::isfinite(xx + yy + xy)) return std::nullopt;

  line fit;
  fit.slope = xy / xx;
  fit.intercept = y_mean - fit.slope * x_mean;
  // From the residuals and not from yy - slope * xy, which cancels where the fit is good.
  double left_over = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double residual = (y[i] - y_mean) - fit.slope * (x[i] - x_mean);
    left_over += residual * residual;
  }
  fit.r_squared = yy > 0 ? std::clamp(1 - left_over / yy, 0.0, 1.0) : 0;
  fit.slope_error = std::sqrt(left_over / static_cast<double>(x.size() - 2) / xx);
  const bool finite = std::isfinite(fit.slope) && std::isfinite(fit.intercept) &&
                      std::isfinite(fit.r_squared) && std::isfinite(fit.slope_error);
  if (!finite) return std::nullopt;
  return fit;
}

}  // namespace multitudes::stats
