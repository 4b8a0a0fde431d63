// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/stats/summary.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

namespace multitudes::stats {

/// z = intercept + x_slope * x + y_slope * y, and how well it holds.
struct plane {
  double intercept = 0;
  double x_slope = 0;
  double y_slope = 0;
  double r_squared = 0;  ///< share of z's variance on the plane; 0 where z has no variance

  [[nodiscard]] double at(double x, double y) const noexcept {
    return intercept + x_slope * x + y_slope * y;
  }
};

/// The plane that leaves the least sum of squared distances in z.
///
/// Shapes:  x, y and z hold equally many numbers; z[i] was measured at (x[i], y[i]).
/// Errors:  nothing if the lengths differ, for fewer than four points (three leave nothing to
///          judge the plane by), if x and y lie on one line, or if a number or a result is not
///          finite.
inline std::optional<plane> fit_plane(std::span<const double> x, std::span<const double> y,
                                      std::span<const double> z) noexcept {
  if (x.size() != y.size() || x.size() != z.size() || x.size() < 4) return std::nullopt;
  const double x_mean = detail::mean_of_some(x);
  const double y_mean = detail::mean_of_some(y);
  const double z_mean = detail::mean_of_some(z);
  const double xx = detail::squared_spread(x);
  const double yy = detail::squared_spread(y);
  const double zz = detail::squared_spread(z);
  double xy = 0;
  double xz = 0;
  double yz = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - x_mean) * (y[i] - y_mean);
    xz += (x[i] - x_mean) * (z[i] - z_mean);
    yz += (y[i] - y_mean) * (z[i] - z_mean);
  }
  // One minus the squared correlation of x and y: where it is lost in rounding, they are one.
  if (!(xx > 0 && yy > 0)) return std::nullopt;
  const double apart = 1 - (xy / xx) * (xy / yy);
  if (!(apart > 1e-12)) return std::nullopt;

  plane fit;
  fit.x_slope = (xz / xx - (xy / xx) * (yz / yy)) / apart;
  fit.y_slope = (yz / yy - (xy / yy) * (xz / xx)) / apart;
  fit.intercept = z_mean - fit.x_slope * x_mean - fit.y_slope * y_mean;
  double left_over = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double residual =
        (z[i] - z_mean) - fit.x_slope * (x[i] - x_mean) - fit.y_slope * (y[i] - y_mean);
    left_over += residual * residual;
  }
  fit.r_squared = zz > 0 ? std::clamp(1 - left_over / zz, 0.0, 1.0) : 0;
  const bool finite = std::isfinite(fit.intercept) && std::isfinite(fit.x_slope) &&
                      std::isfinite(fit.y_slope) && std::isfinite(fit.r_squared);
  if (!finite) return std::nullopt;
  return fit;
}

}  // namespace multitudes::stats
