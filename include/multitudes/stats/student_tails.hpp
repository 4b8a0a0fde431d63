// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace multitudes::stats {

/// How fast densities fall with distance: Student's t in `dim` dimensions, of which the normal
/// distribution is the limit of many degrees of freedom.
///
/// Far from every mean, normal densities differ by ever more nats, as if the surer the stranger
/// the point; with heavier tails, what resembles nobody says little about who it was.
struct student_tails {
  static constexpr double most_degrees = 1000;  ///< from there on as good as normal

  std::size_t dim = 1;
  double degrees = most_degrees;
  double scale = 1;  ///< what squared distances are divided by

  /// The logarithm of the density, less that at distance 0.
  [[nodiscard]] double log_fall(double square_distance) const noexcept {
    return -0.5 * (degrees + static_cast<double>(dim)) *
           std::log1p(square_distance / (scale * degrees));
  }
};

/// The tails under which squared distances (of points from their own mean, in units of the
/// covariance) are likeliest. Without a positive one, normal tails.
///
/// Cost:    some thousand passes over the distances.
/// Source:  Lange, Little and Taylor 1989, "Robust statistical modeling using the t distribution".
inline student_tails fit_student_tails(std::span<const double> square_distances, std::size_t dim) {
  student_tails best{.dim = dim};
  std::vector<double> squares;
  for (const double q : square_distances) {
    if (std::isfinite(q) && q >= 0) squares.push_back(q);
  }
  if (dim == 0 || std::none_of(squares.begin(), squares.end(), [](double q) { return q > 0; })) {
    return best;
  }
  const auto n = static_cast<double>(squares.size());
  const auto d = static_cast<double>(dim);
  const auto likelihood = [&](student_tails& t) {
    for (int i = 0; i < 30; ++i) {
      double sum = 0;
      for (const double q : squares) sum += (t.degrees + d) * q / (t.degrees + q / t.scale);
      const double next = sum / (n * d);
      const bool done = std::abs(next - t.scale) < 1e-9 * next;
      t.scale = next;
      if (done || !(t.scale > 0)) break;
    }
    double total = n * (std::lgamma((t.degrees + d) / 2) - std::lgamma(t.degrees / 2) -
                        d / 2 * std::log(t.degrees * t.scale));
    for (const double q : squares) total += t.log_fall(q);
    return total;
  };
  constexpr double golden = 0.6180339887498949;
  double low = 0;  // one degree: heavier tails than any that were seen in readings
  double high = std::log(student_tails::most_degrees);
  const auto at = [&](double log_degrees, student_tails& t) {
    t = {.dim = dim, .degrees = std::exp(log_degrees), .scale = best.scale};
    const double found = likelihood(t);
    best.scale = t.scale;
    return found;
  };
  student_tails left;
  student_tails right;
  double a = high - golden * (high - low);
  double b = low + golden * (high - low);
  double at_a = at(a, left);
  double at_b = at(b, right);
  while (high - low > 1e-3) {
    if (at_a > at_b) {
      high = b;
      b = a;
      at_b = at_a;
      right = left;
      a = high - golden * (high - low);
      at_a = at(a, left);
    } else {
      low = a;
      a = b;
      at_a = at_b;
      left = right;
      b = low + golden * (high - low);
      at_b = at(b, right);
    }
  }
  return at_a > at_b ? left : right;
}

}  // namespace multitudes::stats
