// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/stats/interval.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace multitudes::stats {

/// Where a falling share passes one half; infinite if it never does.
struct half_radius {
  double radius = std::numeric_limits<double>::infinity();
  interval between{0, std::numeric_limits<double>::infinity()};
  std::vector<double> shares = {};  ///< at each radius
};

namespace detail {

/// The share at radius 0 is 1; between radii it is taken to fall along a line.
inline double first_half(std::span<const double> radii, std::span<const double> shares) noexcept {
  double radius = 0;
  double share = 1;
  for (std::size_t i = 0; i < radii.size(); ++i) {
    if (shares[i] < 0.5) {
      return radius + (radii[i] - radius) * (share - 0.5) / (share - shares[i]);
    }
    radius = radii[i];
    share = shares[i];
  }
  return std::numeric_limits<double>::infinity();
}

/// The value of which a share q lies below, without interpolating, which infinity does not allow.
inline double order_quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  return values[std::min(static_cast<std::size_t>(place + 0.5), values.size() - 1)];
}

}  // namespace detail

/// The radius at which half of the starts no longer stay, with a bootstrap interval over starts.
///
/// Shapes:  radii rise; stays (n_starts, pushes, n_radii), 1 or 0.
/// Errors:  infinite, between 0 and infinity, without starts, pushes or radii.
/// Cost:    resamples passes over the table.
inline half_radius find_half_radius(std::span<const double> radii,
                                    std::span<const std::uint8_t> stays, double confidence,
                                    int resamples, philox& random, std::size_t pushes = 1) {
  half_radius result;
  const std::size_t width = radii.size() * pushes;
  if (width == 0 || stays.size() < width) return result;
  const std::size_t n = stays.size() / width;
  std::vector<double> shares(radii.size(), 0.0);
  const auto add = [&](std::size_t start) {
    for (std::size_t i = 0; i < width; ++i) shares[i % radii.size()] += stays[start * width + i];
  };
  const auto divide = [&] {
    for (double& share : shares) share /= static_cast<double>(n * pushes);
  };
  for (std::size_t i = 0; i < n; ++i) add(i);
  divide();
  result.shares = shares;
  result.radius = detail::first_half(radii, shares);
  if (n < 2 || resamples < 1 || !(confidence > 0 && confidence < 1)) return result;
  std::vector<double> found;
  for (int i = 0; i < resamples; ++i) {
    std::fill(shares.begin(), shares.end(), 0.0);
    for (std::size_t j = 0; j < n; ++j) add(random.below(static_cast<std::uint32_t>(n)));
    divide();
    found.push_back(detail::first_half(radii, shares));
  }
  const double tail = (1 - confidence) / 2;
  result.between = {detail::order_quantile(found, tail), detail::order_quantile(found, 1 - tail)};
  return result;
}

}  // namespace multitudes::stats
