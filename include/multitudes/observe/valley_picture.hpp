// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/observe/valley_measures.hpp>
#include <multitudes/report/number.hpp>
#include <multitudes/report/scatter.hpp>
#include <multitudes/report/valley_map.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// A conversation as states along the axes of a landscape.
struct valley_walk {
  std::string label;
  std::vector<double> points;  ///< (n, dim)
};

/// The landscape in the plane of its first two axes: the energy of these two alone, bottoms and
/// passes where they lie in it, and conversations walking through. With more than two axes, what
/// the picture shows as one valley may be two, one behind the other.
///
/// Errors:  invalid_argument for a population of one dimension; shape_mismatch for walks of
///          another.
/// Cost:    cells² densities.
inline expected<report::valley_map> draw_valleys(const stats::gaussian_mixture& population,
                                                 const valley_landscape& land,
                                                 std::span<const valley_walk> walks = {},
                                                 std::size_t cells = 80) {
  const std::size_t dim = population.dim();
  const auto refuse = [](errc code, std::string place, std::string found, std::string wanted) {
    return fail({.code = code,
                 .operation = "draw valleys",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  };
  if (dim < 2) return refuse(errc::invalid_argument, "axes", std::to_string(dim), "at least two");
  for (const valley_walk& walk : walks) {
    if (walk.points.size() % dim == 0) continue;
    return refuse(errc::shape_mismatch, "walk " + walk.label,
                  std::to_string(walk.points.size()) + " numbers",
                  "a multiple of " + std::to_string(dim));
  }
  const std::size_t plane[] = {0, 1};
  const auto flat = population.marginal(plane);
  if (!flat) return unexpected<error>(flat.error());
  report::valley_map map;
  double low[2] = {std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  double high[2] = {-low[0], -low[1]};
  for (const auto& part : flat->components()) {
    for (std::size_t a = 0; a < 2; ++a) {
      const double reach = 3.2 * std::sqrt(part.covariance[3 * a]);
      low[a] = std::min(low[a], part.mean[a] - reach);
      high[a] = std::max(high[a], part.mean[a] + reach);
    }
  }
  map.x_low = low[0];
  map.x_high = high[0];
  map.y_low = low[1];
  map.y_high = high[1];
  map.columns = map.rows = std::max<std::size_t>(cells, 2);
  for (std::size_t r = 0; r < map.rows; ++r) {
    for (std::size_t c = 0; c < map.columns; ++c) {
      const auto share = [&](std::size_t i) {
        return static_cast<double>(i) / static_cast<double>(map.rows - 1);
      };
      const double at[] = {low[0] + share(c) * (high[0] - low[0]),
                           low[1] + share(r) * (high[1] - low[1])};
      map.energy.push_back(-flat->log_density(at));
    }
  }
  for (const valley& v : land.valleys) {
    std::string label;
    for (const std::size_t k : v.personas) {
      label += (label.empty() ? "" : " + ") + land.personas[k].label;
    }
    map.valleys.push_back({std::move(label), v.bottom[0], v.bottom[1]});
    if (v.pass.empty()) continue;
    map.passes.push_back({report::fixed(v.depth, 1) + " nats", v.pass[0], v.pass[1]});
  }
  for (const valley_walk& walk : walks) {
    report::map_walk& drawn = map.walks.emplace_back();
    drawn.label = walk.label;
    for (std::size_t i = 0; i < walk.points.size(); i += dim) {
      drawn.x.push_back(walk.points[i]);
      drawn.y.push_back(walk.points[i + 1]);
    }
  }
  return map;
}

/// One stage of a model (base, tuned, ...) and what was measured there.
struct valley_stage {
  std::string label;
  std::vector<valley_measure> personas;
};

/// Depth against mass for all personas, stage by stage, each persona's points joined.
inline report::scatter_chart depth_against_width(std::span<const valley_stage> stages,
                                                 std::string title) {
  report::scatter_chart chart;
  chart.title = std::move(title);
  chart.x_label = "width: share of the population in the valley";
  chart.y_label = "depth (nats to the lowest pass)";
  chart.joined = true;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    if (stages.size() > 1) chart.series.push_back(stages[s].label);
    for (const valley_measure& m : stages[s].personas) {
      chart.points.push_back({.label = m.label,
                              .x = m.mass.value,
                              .y = m.depth.value,
                              .x_between = {m.mass.between.low, m.mass.between.high},
                              .y_between = {m.depth.between.low, m.depth.between.high},
                              .series = s});
    }
  }
  return chart;
}

}  // namespace multitudes
