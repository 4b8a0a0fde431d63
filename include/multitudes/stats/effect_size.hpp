// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/stats/summary.hpp>

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace multitudes::stats {

/// How far the mean of `a` lies above that of `b`, in standard deviations: Cohen's d, with the
/// two variances pooled by their degrees of freedom. Swapping the samples flips its sign.
///
/// Errors:  nothing if a sample has fewer than two items, if neither has any spread (the effect
///          has then no unit to be measured in, even where the means differ), or if an item or
///          the result is not finite.
/// Source:  Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences", chapter 2.
inline std::optional<double> cohens_d(std::span<const double> a,
                                      std::span<const double> b) noexcept {
  if (a.size() < 2 || b.size() < 2) return std::nullopt;
  const double freedom = static_cast<double>(a.size() - 1) + static_cast<double>(b.size() - 1);
  const double pooled =
      std::sqrt((detail::squared_spread(a) + detail::squared_spread(b)) / freedom);
  if (!(pooled > 0) || !std::isfinite(pooled)) return std::nullopt;
  return detail::if_finite((detail::mean_of_some(a) - detail::mean_of_some(b)) / pooled);
}

/// Cohen's d_z of pairs: the mean of a[i] - b[i] over their standard deviation. It grows with the
/// correlation within pairs, so never compare it with a `cohens_d`.
///
/// Shapes:  a and b hold equally many items; a[i] belongs to b[i].
/// Errors:  nothing if the lengths differ, for fewer than two pairs, if all differences are
///          equal, or if an item or the result is not finite.
/// Cost:    one buffer of differences.
/// Source:  Lakens 2013, doi:10.3389/fpsyg.2013.00863.
inline std::optional<double> cohens_dz(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size() || a.size() < 2) return std::nullopt;
  std::vector<double> differences(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) differences[i] = a[i] - b[i];
  const std::optional<double> spread = standard_deviation(differences);
  if (!spread || !(*spread > 0)) return std::nullopt;
  return detail::if_finite(detail::mean_of_some(differences) / *spread);
}

}  // namespace multitudes::stats
