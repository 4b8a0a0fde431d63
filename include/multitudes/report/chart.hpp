// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace multitudes::report {

enum class line_style { solid, dashed };

/// One line of a chart. (Every member has an initializer, so that compilers do not warn of those
/// that a designated one leaves out.)
///
/// Shapes:  x, y and, where present, low and high hold equally many numbers; what one of them has
///          too many is ignored. A point that is not finite, or beyond 1e300, breaks the line.
struct series {
  std::string label = {};  ///< series of the same label share a legend entry; without one, none
  std::vector<double> x = {};
  std::vector<double> y = {};
  std::optional<std::vector<double>> low = {};  ///< with `high`: a band, e.g. confidence intervals
  std::optional<std::vector<double>> high = {};
  line_style style = line_style::solid;
  bool muted = false;  ///< thin, gray and behind the others: one of a cloud of controls
};

/// A value to compare with: a line right across the plot.
struct chart_marker {
  double at = 0;
  std::string label = {};
};

/// What a line chart shows. Axes are fitted to the series and markers.
struct line_chart {
  std::string title = {};
  std::string x_label = {};  ///< with its unit, e.g. `strength (residual norms)`
  std::string y_label = {};
  std::vector<series> lines = {};
  std::vector<chart_marker> vertical = {};    ///< at values of x
  std::vector<chart_marker> horizontal = {};  ///< at values of y
  int width = 760;  ///< in pixels; grows where texts leave no room to plot
  int height = 380;
};

}  // namespace multitudes::report
