// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/chart.hpp>
#include <multitudes/report/svg.hpp>
#include <multitudes/report/ticks.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::report::detail {

// Pixels.
inline constexpr double page_margin = 18;
inline constexpr double title_size = 15;
inline constexpr double text_size = 12;
inline constexpr double small_size = 11;
inline constexpr double line_height = 1.35;  // of the text size
inline constexpr double bold_width = 1.13;   // of the plain text
inline constexpr double swatch_width = 26;
inline constexpr double least_plot_width = 160;
inline constexpr double least_plot_height = 90;

// Okabe and Ito's colors, which readers with any kind of color vision tell apart, but for their
// yellow, which paper swallows. Ordered so that neighbors differ in lightness too.
inline constexpr std::array<std::string_view, 7> palette = {
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#222222"};
inline constexpr std::string_view muted_color = "#9a9a9a";

inline bool is_plottable(double value) noexcept { return std::abs(value) <= 1e300; }

/// One axis: values to pixels.
struct axis {
  double low = std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::lowest();
  double low_pixel = 0;
  double high_pixel = 1;
  tick_scale ticks;

  void include(double value) noexcept {
    if (!is_plottable(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  /// Gives a range to an axis that saw no value, or only one.
  void settle() noexcept {
    if (low > high) {
      low = 0;
      high = 1;
    }
    const double largest = std::max(std::abs(low), std::abs(high));
    if (high - low >= narrowest_range(low, high)) return;
    const double room = largest > 1e-280 ? largest / 4 : 0.5;
    low -= room;
    high += room;
  }
  /// Makes both ends ticks, so that the grid frames the plot.
  void extend_to_ticks() noexcept {
    const double slack = ticks.step() * 1e-6;
    if (low < ticks.value(ticks.first) - slack) low = ticks.value(--ticks.first);
    if (high > ticks.value(ticks.last) + slack) high = ticks.value(++ticks.last);
  }
  [[nodiscard]] double pixel(double value) const noexcept {
    return low_pixel + (value - low) / (high - low) * (high_pixel - low_pixel);
  }
  /// A tick as text, with a true minus sign.
  [[nodiscard]] std::string label(std::int64_t multiple) const {
    std::string text = ticks.label(multiple);
    for (std::size_t at = text.find('-'); at != std::string::npos; at = text.find('-', at + 1)) {
      text.replace(at, 1, "\xE2\x88\x92");
    }
    return text;
  }
  [[nodiscard]] double widest_label(double size) const {
    double widest = 0;
    for (std::int64_t i = ticks.first; i <= ticks.last; ++i) {
      widest = std::max(widest, text_width(label(i), size));
    }
    return widest;
  }
};

/// How one series looks; colors and dots go round in cycles of different lengths, so that 28
/// series differ.
struct look {
  std::string_view color = muted_color;
  std::size_t dot = 0;
  bool muted = true;
  bool dashed = false;
};

struct legend_entry {
  std::vector<std::string> lines;
  look appearance;
};

/// Everything of a chart that is decided before anything is drawn.
struct layout {
  axis x;
  axis y;
  std::vector<look> looks;  // one for each series
  std::vector<legend_entry> legend;
  std::vector<std::string> title;
  std::vector<std::string> y_label;
  double width = 0;
  double height = 0;
  double left = 0;   // of the plot, from the page's left edge
  double right = 0;  // of the plot, from the page's right edge
  double plot_top = 0;
  double plot_bottom = 0;
  std::vector<std::size_t> marker_rows;  // one for each vertical marker; 0 is next to the plot
};

inline std::size_t n_points(const series& s) noexcept { return std::min(s.x.size(), s.y.size()); }
inline std::size_t n_band_points(const series& s) noexcept {
  if (!s.low || !s.high) return 0;
  return std::min({s.x.size(), s.low->size(), s.high->size()});
}

inline void fit_axes(const line_chart& chart, axis& x, axis& y) noexcept {
  for (const series& s : chart.lines) {
    for (std::size_t i = 0; i < n_points(s); ++i) {
      if (!is_plottable(s.x[i]) || !is_plottable(s.y[i])) continue;
      x.include(s.x[i]);
      y.include(s.y[i]);
    }
    for (std::size_t i = 0; i < n_band_points(s); ++i) {
      const double low = (*s.low)[i];
      const double high = (*s.high)[i];
      if (!is_plottable(s.x[i]) || !is_plottable(low) || !is_plottable(high)) continue;
      x.include(s.x[i]);
      y.include(low);
      y.include(high);
    }
  }
  for (const chart_marker& marker : chart.vertical) x.include(marker.at);
  for (const chart_marker& marker : chart.horizontal) y.include(marker.at);
  x.settle();
  y.settle();
}

inline void choose_looks(const line_chart& chart, layout& plan) {
  const double room = std::max(120.0, plan.width * 0.3);
  std::size_t colored = 0;
  std::vector<std::string_view> named;
  for (const series& s : chart.lines) {
    look appearance{.dashed = s.style == line_style::dashed};
    if (!s.muted) {
      appearance.muted = false;
      appearance.color = palette[colored % palette.size()];
      appearance.dot = colored++ % 4;
    }
    plan.looks.push_back(appearance);
    if (s.label.empty() || std::find(named.begin(), named.end(), s.label) != named.end()) continue;
    named.push_back(s.label);
    plan.legend.push_back({wrap_text(s.label, text_size, room, 3), appearance});
  }
}

inline double legend_height(const layout& plan) noexcept {
  double height = 0;
  for (const legend_entry& entry : plan.legend) {
    height += static_cast<double>(entry.lines.size()) * text_size * line_height + 5;
  }
  return height;
}

/// The first of two steps: everything but the horizontal extent, which stacked charts share.
inline layout measure(const line_chart& chart) {
  layout plan;
  plan.width = std::max(1, chart.width);
  plan.height = std::max(1, chart.height);
  choose_looks(chart, plan);
  for (const legend_entry& entry : plan.legend) {
    for (const std::string& line : entry.lines) {
      plan.right = std::max(plan.right, text_width(line, text_size));
    }
  }
  plan.right = page_margin + (plan.legend.empty() ? 0 : plan.right + swatch_width + 28);

  fit_axes(chart, plan.x, plan.y);
  const int rows = std::clamp(static_cast<int>((plan.height - 120) / 45), 2, 8);
  plan.y.ticks = nice_ticks(plan.y.low, plan.y.high, rows);
  plan.y.extend_to_ticks();
  plan.left = page_margin + plan.y.widest_label(small_size) + 9;
  return plan;
}

/// Puts the labels of vertical markers into as few rows as keep them apart.
inline std::vector<std::size_t> place_marker_labels(const line_chart& chart, const axis& x) {
  std::vector<std::size_t> rows(chart.vertical.size(), 0);
  std::vector<std::vector<svg_point>> taken;  // for each row: from x to y
  for (std::size_t i = 0; i < chart.vertical.size(); ++i) {
    const chart_marker& marker = chart.vertical[i];
    if (marker.label.empty() || !is_plottable(marker.at)) continue;
    const double half = text_width(marker.label, small_size) / 2 + 4;
    const svg_point span{x.pixel(marker.at) - half, x.pixel(marker.at) + half};
    const auto crosses = [span](svg_point other) { return span.x < other.y && other.x < span.y; };
    std::size_t row = 0;
    while (row < taken.size() && std::any_of(taken[row].begin(), taken[row].end(), crosses)) ++row;
    if (row == taken.size()) taken.emplace_back();
    taken[row].push_back(span);
    rows[i] = row;
  }
  return rows;
}

/// The second step, once width, left and right are settled.
inline void arrange(const line_chart& chart, layout& plan) {
  plan.width = std::max(plan.width, plan.left + plan.right + least_plot_width);
  plan.x.low_pixel = plan.left;
  plan.x.high_pixel = plan.width - plan.right;
  const double plot_width = plan.x.high_pixel - plan.x.low_pixel;
  for (int count = std::clamp(static_cast<int>(plot_width / 60), 1, 12); count > 0; --count) {
    plan.x.ticks = nice_ticks(plan.x.low, plan.x.high, count);
    const double apart = plan.x.ticks.step() / (plan.x.high - plan.x.low) * plot_width;
    if (plan.x.widest_label(small_size) + 10 <= apart) break;
  }

  const double text_room = plan.width - 2 * page_margin;
  plan.title = wrap_text(chart.title, title_size * bold_width, text_room, 3);
  plan.y_label = wrap_text(chart.y_label, text_size, text_room, 2);
  plan.marker_rows = place_marker_labels(chart, plan.x);
  std::size_t rows = 0;
  for (std::size_t i = 0; i < chart.vertical.size(); ++i) {
    if (!chart.vertical[i].label.empty()) rows = std::max(rows, plan.marker_rows[i] + 1);
  }
  plan.plot_top = page_margin + static_cast<double>(plan.title.size()) * title_size * line_height +
                  static_cast<double>(plan.y_label.size()) * text_size * line_height + 10 +
                  static_cast<double>(rows) * small_size * line_height;
  const double below = 22 + (chart.x_label.empty() ? 0 : 20) + page_margin - 6;
  const double least = std::max(least_plot_height, legend_height(plan));
  plan.height = std::max(plan.height, plan.plot_top + least + below);
  plan.plot_bottom = plan.height - below;
  plan.y.low_pixel = plan.plot_bottom;
  plan.y.high_pixel = plan.plot_top;
}

}  // namespace multitudes::report::detail
