// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/line_chart.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>

namespace multitudes::train {

/// The state of a run after some steps.
struct curve_point {
  std::uint64_t step = 0;
  std::uint64_t n_targets = 0;  ///< tokens learnt from, so far
  double loss = 0;              ///< nats for each target, mean since the last point; or NaN
  double held_out = std::numeric_limits<double>::quiet_NaN();  ///< the same, not trained on
};

/// Loss over tokens learnt from, as an SVG document: training, and held out where it was measured.
inline std::string to_svg(std::span<const curve_point> curve, std::string title) {
  report::series training{.label = "training"};
  report::series held_out{.label = "held out"};
  for (const curve_point& p : curve) {
    const double tokens = static_cast<double>(p.n_targets) / 1e6;
    const auto add = [&](report::series& to, double y) {
      if (std::isnan(y)) return;
      to.x.push_back(tokens);
      to.y.push_back(y);
    };
    add(training, p.loss);
    add(held_out, p.held_out);
  }
  report::line_chart chart{.title = std::move(title),
                           .x_label = "tokens learnt from (millions)",
                           .y_label = "loss (nats per token)"};
  chart.lines.push_back(std::move(training));
  if (!held_out.x.empty()) chart.lines.push_back(std::move(held_out));
  return report::to_svg(chart);
}

}  // namespace multitudes::train
