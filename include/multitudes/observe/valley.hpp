// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/gaussian_mixture.hpp>
#include <multitudes/stats/half_radius.hpp>
#include <multitudes/stats/mixture_modes.hpp>
#include <multitudes/stats/mixture_passes.hpp>
#include <multitudes/stats/proportion.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

struct valley_options {
  std::size_t n_draws = 4000;  ///< from the population, to measure masses by
  std::size_t n_starts = 200;  ///< draws in each valley that are pushed, to measure radii by
  std::vector<double> radii = {0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.4, 2.0, 3.0, 4.0};
  double unit_radius = 0;  ///< what radius 1 is; 0: the population's distance from its mean (RMS)
  double confidence = 0.95;
  int resamples = 400;
  stats::path_options paths = {};
};

/// A basin of the population's energy E(x) = -log density: all places from which the walk downhill
/// ends in the same bottom.
struct valley {
  std::vector<std::size_t> personas;  ///< whose means lie in it, by prevalence; or none
  std::vector<double> bottom;         ///< (dim)
  double energy = 0;                  ///< at the bottom, nats
  /// How far the lowest pass to any other valley lies above the bottom, nats; infinite for the
  /// only one.
  double depth = std::numeric_limits<double>::infinity();
  std::size_t leads_to = 0;  ///< the valley behind that pass
  std::vector<double> pass;  ///< (dim); empty for the only valley
  double mass = 0;           ///< the share of the population that it holds
  stats::interval mass_between{0, 1};
  stats::half_radius radius;  ///< at which half of random pushes leave it, in unit radii
};

/// A persona of the population and the valley that its mean lies in.
struct persona_place {
  std::string label;
  double prevalence = 0;
  std::size_t valley = 0;
  double own_share = 0;  ///< of its own states, how many lie in that valley
  /// Nats from the valley's bottom to the lowest pass behind which another persona's mean lies; 0
  /// if one shares the valley; infinite if there is no other.
  double depth = std::numeric_limits<double>::infinity();
  std::size_t rival = 0;  ///< that other persona; itself if there is none
};

/// The valleys of a population.
struct valley_landscape {
  std::vector<valley> valleys;
  std::vector<persona_place> personas;
  stats::pass_table passes;  ///< between the valleys that hold persona means
  std::vector<double> radii;
  double unit_radius = 1;
  bool converged = true;  ///< all passes are exact; else some depths may be too large
};

namespace detail {

inline double root_mean_square_distance(const stats::gaussian_mixture& m) {
  std::vector<double> mean(m.dim(), 0.0);
  for (const auto& part : m.components()) {
    for (std::size_t i = 0; i < m.dim(); ++i) mean[i] += part.weight * part.mean[i];
  }
  double square = 0;
  for (const auto& part : m.components()) {
    for (std::size_t i = 0; i < m.dim(); ++i) {
      const double gap = part.mean[i] - mean[i];
      square += part.weight * (part.covariance[i * m.dim() + i] + gap * gap);
    }
  }
  return std::sqrt(square);
}

inline void push(std::span<const double> from, double size, philox& random, std::span<double> out) {
  double square = 0;
  for (double& x : out) {
    x = static_cast<double>(random.normal());
    square += x * x;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = from[i] + out[i] * size / std::sqrt(std::max(square, 1e-300));
  }
}

inline void place_personas(const stats::gaussian_mixture& population,
                           const stats::mixture_modes& found, valley_landscape& land) {
  const auto parts = population.components();
  for (std::size_t k = 0; k < parts.size(); ++k) {
    persona_place& who = land.personas[k];
    who.prevalence = parts[k].weight;
    who.valley = found.mode_of_component(k);
    who.rival = k;
    for (std::size_t other = 0; other < parts.size(); ++other) {
      if (other == k) continue;
      const std::size_t there = found.mode_of_component(other);
      const double climb = there == who.valley
                               ? 0
                               : std::max(0.0, land.passes.height(who.valley, there) -
                                                   land.valleys[who.valley].energy);
      if (climb < who.depth) {
        who.depth = climb;
        who.rival = other;
      }
    }
  }
}

}  // namespace detail

/// Measures the valleys of a population of personas, one component each, in a space of few
/// dimensions. Distances, and with them radii, are in the units of that space; depths and masses
/// do not depend on them.
///
/// Two personas may share one valley: merged, their means lead to the same bottom, and nothing
/// has to be climbed between them. Valleys where no persona's mean lies, which only draws find,
/// count with their mass but have no depth.
///
/// Shapes:  labels (n_components).
/// Errors:  shape_mismatch for another number of labels; invalid_argument if radii do not rise from
///          above 0, or without draws.
/// Cost:    a walk of tens of steps of n_components * dim² for each draw and each push; paths
///          between valleys as in find_passes.
inline expected<valley_landscape> find_valleys(const stats::gaussian_mixture& population,
                                               std::span<const std::string> labels,
                                               const valley_options& how, philox& random) {
  const auto refuse = [](errc code, std::string place, std::string found, std::string wanted) {
    return fail({.code = code,
                 .operation = "find valleys",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  };
  if (labels.size() != population.n_components()) {
    return refuse(errc::shape_mismatch, "labels", std::to_string(labels.size()),
                  std::to_string(population.n_components()));
  }
  double last = 0;
  for (const double r : how.radii) {
    if (!(r > last) || !std::isfinite(r)) {
      return refuse(errc::invalid_argument, "radii", std::to_string(r), "rising positive numbers");
    }
    last = r;
  }
  if (how.n_draws == 0 || !(how.unit_radius >= 0) || !std::isfinite(how.unit_radius)) {
    return refuse(errc::invalid_argument, how.n_draws == 0 ? "n_draws" : "unit_radius",
                  "zero or less", "a positive number");
  }
  stats::mixture_modes found(population);
  valley_landscape land;
  land.passes = stats::find_passes(found, how.paths);
  land.converged = land.passes.converged;
  land.radii = how.radii;
  land.unit_radius =
      how.unit_radius > 0 ? how.unit_radius : detail::root_mean_square_distance(population);

  const std::size_t dim = population.dim();
  const std::size_t with_passes = found.modes().size();
  std::vector<double> draws(how.n_draws * dim);
  std::vector<std::size_t> basin_of(how.n_draws);
  std::vector<std::size_t> drawn_of(labels.size(), 0);
  std::vector<std::size_t> at_home(labels.size(), 0);
  for (std::size_t i = 0; i < how.n_draws; ++i) {
    const auto x = std::span(draws).subspan(i * dim, dim);
    const std::size_t k = population.sample(random, x);
    basin_of[i] = found.descend(x);
    ++drawn_of[k];
    if (basin_of[i] == found.mode_of_component(k)) ++at_home[k];
  }
  land.valleys.resize(found.modes().size());
  std::vector<std::vector<std::uint8_t>> stays(land.valleys.size());
  std::vector<double> pushed(dim);
  for (std::size_t i = 0; i < how.n_draws; ++i) {
    auto& table = stays[basin_of[i]];
    land.valleys[basin_of[i]].mass += 1;
    if (table.size() >= how.n_starts * how.radii.size()) continue;
    for (const double r : how.radii) {
      detail::push(std::span(draws).subspan(i * dim, dim), r * land.unit_radius, random, pushed);
      table.push_back(found.descend(pushed) == basin_of[i] ? 1 : 0);
    }
  }
  for (std::size_t v = 0; v < land.valleys.size(); ++v) {
    valley& here = land.valleys[v];
    const auto& mode = found.modes()[v];
    here.personas = mode.components;
    std::stable_sort(here.personas.begin(), here.personas.end(), [&](std::size_t a, std::size_t b) {
      return population.components()[a].weight > population.components()[b].weight;
    });
    here.bottom = mode.at;
    here.energy = mode.energy;
    const auto count = static_cast<std::size_t>(here.mass);
    here.mass /= static_cast<double>(how.n_draws);
    here.mass_between = stats::proportion_interval(count, how.n_draws, how.confidence);
    here.radius =
        stats::find_half_radius(how.radii, stays[v], how.confidence, how.resamples, random);
    for (std::size_t other = 0; v < with_passes && other < with_passes; ++other) {
      if (other == v) continue;
      const double climb = std::max(0.0, land.passes.height(v, other) - here.energy);
      if (!(climb < here.depth)) continue;
      here.depth = climb;
      here.leads_to = other;
      here.pass = land.passes.deciding(v, other).pass;
    }
  }
  for (std::size_t k = 0; k < labels.size(); ++k) {
    land.personas.push_back({labels[k], 0, 0, 0, std::numeric_limits<double>::infinity(), k});
    if (drawn_of[k] != 0) {
      land.personas[k].own_share =
          static_cast<double>(at_home[k]) / static_cast<double>(drawn_of[k]);
    }
  }
  detail::place_personas(population, found, land);
  return land;
}

}  // namespace multitudes
