// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/linalg/symmetric.hpp>
#include <multitudes/stats/mixture_modes.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::stats {

struct path_options {
  std::size_t n_points = 25;  ///< of a path, both ends included
  int max_iterations = 2000;
  double tolerance = 1e-6;    ///< nats by which the highest point may still fall in a step
  std::size_t neighbors = 8;  ///< paths are sought from a mode to so many others, the easiest
};

/// A way from one mode to another along which the energy rises as little as it must nearby.
struct energy_path {
  std::vector<double> points;  ///< (n_points, dim)
  std::vector<double> pass;    ///< (dim), its highest point
  double height = 0;           ///< the energy there, nats; too high, if anything, unless converged
  bool converged = false;      ///< the pass is a point of rest, found to rounding
};

namespace detail {

inline double gap_between(std::span<const double> a, std::span<const double> b) noexcept {
  double square = 0;
  for (std::size_t i = 0; i < a.size(); ++i) square += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(square);
}

/// Spreads the points of a path evenly along it again.
inline void even_out(std::vector<double>& points, std::size_t dim) {
  const std::size_t n = points.size() / dim;
  const auto point = [&](std::size_t i) { return std::span(points).subspan(i * dim, dim); };
  std::vector<double> along(n, 0.0);
  for (std::size_t i = 1; i < n; ++i) along[i] = along[i - 1] + gap_between(point(i), point(i - 1));
  const std::vector<double> old = points;
  std::size_t piece = 1;
  for (std::size_t i = 1; i + 1 < n; ++i) {
    const double at = along.back() * static_cast<double>(i) / static_cast<double>(n - 1);
    while (piece + 1 < n && along[piece] < at) ++piece;
    const double width = along[piece] - along[piece - 1];
    const double share = width > 0 ? (at - along[piece - 1]) / width : 0;
    for (std::size_t j = 0; j < dim; ++j) {
      points[i * dim + j] = old[(piece - 1) * dim + j] * (1 - share) + old[piece * dim + j] * share;
    }
  }
}

/// The highest place of a path. Between its points it is higher than on them: where two far
/// components meet, the pass is a sharp ridge that points rarely hit.
inline double find_crest(const mixture_slopes& slopes, std::span<const double> points,
                         std::size_t dim, std::vector<double>& crest, std::size_t& top) {
  const std::size_t n = points.size() / dim;
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i) {
    const double e = slopes.energy(points.subspan(i * dim, dim));
    if (e > most) top = i;
    most = std::max(most, e);
  }
  crest.assign(points.begin() + static_cast<std::ptrdiff_t>(top * dim),
               points.begin() + static_cast<std::ptrdiff_t>((top + 1) * dim));
  if (top == 0 || top + 1 == n) return most;
  std::vector<double> at(dim);
  const auto energy_at = [&](double place) {  // from -1, the point before, to 1, the one after
    const std::size_t first = place < 0 ? top - 1 : top;
    const double share = place < 0 ? place + 1 : place;
    for (std::size_t j = 0; j < dim; ++j) {
      at[j] = points[first * dim + j] * (1 - share) + points[(first + 1) * dim + j] * share;
    }
    return slopes.energy(at);
  };
  constexpr double golden = 0.6180339887498949;
  double low = -1;
  double high = 1;
  double left = high - golden * (high - low);
  double right = low + golden * (high - low);
  double at_left = energy_at(left);
  double at_right = energy_at(right);
  for (int i = 0; i < 36; ++i) {
    if (at_left > at_right) {
      high = right;
      right = left;
      at_right = at_left;
      left = high - golden * (high - low);
      at_left = energy_at(left);
    } else {
      low = left;
      left = right;
      at_left = at_right;
      right = low + golden * (high - low);
      at_right = energy_at(right);
    }
  }
  const double found = energy_at((low + high) / 2);
  if (found > most) crest = at;
  return std::max(most, found);
}

/// Moves every point of a path downhill across it, and spreads them evenly again.
inline void slide(const mixture_slopes& slopes, std::vector<double>& points, std::size_t dim) {
  const std::vector<double> old = points;
  for (std::size_t i = 1; i + 1 < old.size() / dim; ++i) {
    const auto before = std::span(old).subspan((i - 1) * dim, dim);
    const auto after = std::span(old).subspan((i + 1) * dim, dim);
    const double chord = gap_between(before, after);
    std::vector<double> step = slopes.downhill(std::span(old).subspan(i * dim, dim));
    double along = 0;
    for (std::size_t j = 0; j < dim && chord > 0; ++j) {
      along += step[j] * (after[j] - before[j]) / chord;
    }
    double square = 0;
    for (std::size_t j = 0; j < dim; ++j) {
      if (chord > 0) step[j] -= along * (after[j] - before[j]) / chord;
      square += step[j] * step[j];
    }
    // No further than neighbors are apart, or the line would fold.
    const double scale = std::min(0.5, 0.5 * chord / std::max(std::sqrt(square), 1e-300));
    for (std::size_t j = 0; j < dim; ++j) points[i * dim + j] += scale * step[j];
  }
  even_out(points, dim);
}

/// Follows the gradient to the pass near `at`: uphill along the direction that curves down most,
/// downhill along all others. False if it does not come to rest at a pass.
inline bool settle_on_pass(const mixture_slopes& slopes, std::vector<double>& at) {
  const std::size_t n = at.size();
  std::vector<double> gradient(n);
  std::vector<double> scratch(n * n);
  for (int turn = 0; turn < 100; ++turn) {
    slopes.curvature(at, scratch);
    const auto bends = linalg::eigen_symmetric({scratch.data(), n, n});
    if (!bends) return false;
    slopes.evaluate(at, gradient, scratch);  // uphill in density, so downhill in energy
    double metric = 0;                       // a typical squared precision, for lengths
    for (std::size_t i = 0; i < n; ++i) metric = std::max(metric, scratch[i * n + i]);
    double length = 0;
    std::vector<double> step(n, 0.0);
    for (std::size_t e = 0; e < n; ++e) {
      const auto v = bends->vector(e);
      double slope = 0;
      for (std::size_t i = 0; i < n; ++i) slope += gradient[i] * v[i];
      const bool lowest = e + 1 == n;
      const double bend = std::max(std::abs(bends->values[e]), 1e-9 * metric);
      const double move = (lowest ? -slope : slope) / bend;
      length += move * move;
      for (std::size_t i = 0; i < n; ++i) step[i] += move * v[i];
    }
    length = std::sqrt(length * metric);
    if (!std::isfinite(length)) return false;
    const double scale = length > 0.1 ? 0.1 / length : 1;
    for (std::size_t i = 0; i < n; ++i) at[i] += scale * step[i];
    if (length < 1e-10) {
      return bends->values[n - 1] < 0 && (n == 1 || bends->values[n - 2] > 0);
    }
  }
  return false;
}

}  // namespace detail

/// A lowest way between two points, by the string method: a straight line at first, every point of
/// which slides downhill across the line until none does. Then the highest point is moved onto the
/// pass itself. It finds the pass that the straight line leads to; a lower one far away from the
/// line, which leads through no third basin, is missed.
///
/// Cost:    iterations * n_points * n_components * dim².
/// Source:  E, Ren and Vanden-Eijnden 2007, "Simplified and improved string method for computing
///          the minimum energy paths in barrier-crossing events".
inline energy_path find_path(const mixture_slopes& slopes, std::span<const double> from,
                             std::span<const double> to, const path_options& how = {}) {
  const std::size_t dim = from.size();
  const std::size_t n = std::max<std::size_t>(how.n_points, 3);
  energy_path path;
  for (std::size_t i = 0; i < n; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(n - 1);
    for (std::size_t j = 0; j < dim; ++j) {
      path.points.push_back(from[j] * (1 - share) + to[j] * share);
    }
  }
  std::size_t top = 0;
  const auto highest = [&] { return detail::find_crest(slopes, path.points, dim, path.pass, top); };
  path.height = highest();
  std::vector<double> settled;
  double settled_height = std::numeric_limits<double>::infinity();
  for (int turn = 1; turn <= how.max_iterations; ++turn) {
    detail::slide(slopes, path.points, dim);
    if (turn % 10 != 0 && turn != how.max_iterations) continue;
    path.height = highest();
    if (top == 0 || top + 1 == n) {  // no pass: the ends share a basin
      path.converged = true;
      return path;
    }
    // Done when the crest leads to the same pass twice and is hardly above it.
    const double before = settled_height;
    settled = path.pass;
    const bool rests = detail::settle_on_pass(slopes, settled);
    settled_height = rests ? slopes.energy(settled) : std::numeric_limits<double>::infinity();
    const double climb = path.height - slopes.energy(from);
    path.converged = std::abs(settled_height - before) < how.tolerance &&
                     std::abs(path.height - settled_height) < 0.02 * (1 + climb);
    if (path.converged) break;
  }
  if (path.converged) {
    path.pass = std::move(settled);
    path.height = settled_height;
  }
  return path;
}

/// From each mode to each other: how high one must go, by any way that leads over found passes.
struct pass_table {
  std::size_t n_modes = 0;
  std::vector<energy_path> paths;  ///< those that were sought
  std::vector<double> heights;     ///< (n_modes, n_modes), nats; infinite on the diagonal
  std::vector<std::size_t> first;  ///< (n_modes, n_modes): the path whose pass is that height
  bool converged = true;           ///< every path did

  [[nodiscard]] double height(std::size_t a, std::size_t b) const noexcept {
    return heights[a * n_modes + b];
  }
  /// The path over the pass that decides the way from a to b.
  [[nodiscard]] const energy_path& deciding(std::size_t a, std::size_t b) const noexcept {
    return paths[first[a * n_modes + b]];
  }
};

/// Cost:    a path for each pair of modes, or for the easiest `neighbors` of each.
inline pass_table find_passes(const mixture_modes& found, const path_options& how = {}) {
  const auto modes = found.modes();
  const std::size_t n = modes.size();
  pass_table table;
  table.n_modes = n;
  table.heights.assign(n * n, std::numeric_limits<double>::infinity());
  table.first.assign(n * n, 0);
  // How high the straight line goes says which pairs are worth a path.
  std::vector<double> straight(n * n, 0.0);
  std::vector<double> at(n == 0 ? 0 : modes[0].at.size());
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      double most = -std::numeric_limits<double>::infinity();
      for (int i = 1; i < 16; ++i) {
        for (std::size_t j = 0; j < at.size(); ++j) {
          at[j] = modes[a].at[j] + (modes[b].at[j] - modes[a].at[j]) * i / 16.0;
        }
        most = std::max(most, found.slopes().energy(at));
      }
      straight[a * n + b] = straight[b * n + a] = most;
    }
  }
  std::vector<std::size_t> others;
  for (std::size_t a = 0; a < n; ++a) {
    others.clear();
    for (std::size_t b = 0; b < n; ++b) {
      if (b != a) others.push_back(b);
    }
    std::stable_sort(others.begin(), others.end(), [&](std::size_t x, std::size_t y) {
      return straight[a * n + x] < straight[a * n + y];
    });
    if (others.size() > how.neighbors) others.resize(how.neighbors);
    for (const std::size_t b : others) {
      if (std::isfinite(table.heights[a * n + b])) continue;
      energy_path path = find_path(found.slopes(), modes[a].at, modes[b].at, how);
      table.converged = table.converged && path.converged;
      table.heights[a * n + b] = table.heights[b * n + a] = path.height;
      table.first[a * n + b] = table.first[b * n + a] = table.paths.size();
      table.paths.push_back(std::move(path));
    }
  }
  // A way through a third basin counts as high as the higher of its parts.
  for (std::size_t via = 0; via < n; ++via) {
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = 0; b < n; ++b) {
        if (a == b || a == via || b == via) continue;
        const double first = table.heights[a * n + via];
        const double second = table.heights[via * n + b];
        if (!(std::max(first, second) < table.heights[a * n + b])) continue;
        table.heights[a * n + b] = std::max(first, second);
        table.first[a * n + b] =
            first >= second ? table.first[a * n + via] : table.first[via * n + b];
      }
    }
  }
  return table;
}

}  // namespace multitudes::stats
