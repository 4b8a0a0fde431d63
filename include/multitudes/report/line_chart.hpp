// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/chart.hpp>
#include <multitudes/report/detail/chart_layout.hpp>
#include <multitudes/report/svg.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::report {

namespace detail {

inline std::string quoted(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + std::string(value) + "\"";
}

inline std::string stroke_of(const look& appearance) {
  std::string text = quoted("fill", "none") + quoted("stroke", appearance.color);
  text += appearance.muted ? quoted("stroke-width", "1") + quoted("stroke-opacity", "0.55")
                           : quoted("stroke-width", "2.2");
  if (appearance.dashed) text += quoted("stroke-dasharray", appearance.muted ? "4 3" : "7 4");
  return text + quoted("stroke-linejoin", "round");
}

/// A dot in one of four shapes, so that series differ on gray paper as well.
inline void draw_dot(svg_writer& svg, const look& appearance, svg_point at) {
  const double r = appearance.muted ? 1.6 : 3.4;
  const std::string paint = quoted("fill", appearance.color) +
                            (appearance.muted ? std::string() : quoted("stroke", "#ffffff"));
  const auto corner = [at, r](double dx, double dy) {
    return svg_point{at.x + dx * r, at.y + dy * r};
  };
  switch (appearance.dot) {
    case 1: svg.polygon({corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)}, paint); break;
    case 2: svg.polygon({corner(0, -1.3), corner(1.2, 0.9), corner(-1.2, 0.9)}, paint); break;
    case 3:
      svg.polygon({corner(0, -1.4), corner(1.4, 0), corner(0, 1.4), corner(-1.4, 0)}, paint);
      break;
    default: svg.circle(at, r, paint); break;
  }
}

inline void draw_axes(svg_writer& svg, const line_chart& chart, const layout& plan) {
  const double left = plan.x.low_pixel;
  const double right = plan.x.high_pixel;
  const svg_text_style label{.size = small_size, .anchor = "end", .fill = "#555555"};
  const auto grid = [](const axis& a, std::int64_t i) {
    const bool is_zero_inside = i == 0 && a.low < 0 && a.high > 0;
    return quoted("stroke", is_zero_inside ? "#b5b5b5" : "#e6e6e6");
  };
  for (std::int64_t i = plan.y.ticks.first; i <= plan.y.ticks.last; ++i) {
    const double y = plan.y.pixel(plan.y.ticks.value(i));
    svg.line({left, y}, {right, y}, grid(plan.y, i));
    svg.text({left - 7, y + 4}, plan.y.label(i), label);
  }
  const svg_text_style centered{.size = small_size, .anchor = "middle", .fill = "#555555"};
  for (std::int64_t i = plan.x.ticks.first; i <= plan.x.ticks.last; ++i) {
    const double x = plan.x.pixel(plan.x.ticks.value(i));
    svg.line({x, plan.plot_top}, {x, plan.plot_bottom}, grid(plan.x, i));
    svg.line({x, plan.plot_bottom}, {x, plan.plot_bottom + 4}, quoted("stroke", "#555555"));
    svg.text({x, plan.plot_bottom + 17}, plan.x.label(i), centered);
  }
  svg.line({left, plan.plot_bottom}, {right, plan.plot_bottom}, quoted("stroke", "#555555"));

  double y = page_margin;
  for (const std::string& line : plan.title) {
    y += title_size * line_height;
    svg.text({page_margin, y - 6}, line, {.size = title_size, .fill = "#1a1a1a", .bold = true});
  }
  for (const std::string& line : plan.y_label) {
    y += text_size * line_height;
    svg.text({page_margin, y - 2}, line, {.size = text_size, .fill = "#555555"});
  }
  const auto x_label = wrap_text(chart.x_label, text_size, right - left, 1);
  if (!x_label.empty()) {
    svg.text({(left + right) / 2, plan.plot_bottom + 37}, x_label.front(),
             {.size = text_size, .anchor = "middle", .fill = "#555555"});
  }
}

inline void draw_markers(svg_writer& svg, const line_chart& chart, const layout& plan) {
  const std::string paint = quoted("stroke", "#555555") + quoted("stroke-dasharray", "2 3");
  const auto rise = [&plan](std::size_t i) {
    return static_cast<double>(plan.marker_rows[i]) * small_size * line_height + 4;
  };
  // All lines come before any label: labels must stay readable where a line passes below one.
  for (std::size_t i = 0; i < chart.vertical.size(); ++i) {
    if (!is_plottable(chart.vertical[i].at)) continue;
    const double x = plan.x.pixel(chart.vertical[i].at);
    svg.line({x, plan.plot_top - rise(i) + 2}, {x, plan.plot_bottom}, paint);
  }
  for (const chart_marker& marker : chart.horizontal) {
    if (!is_plottable(marker.at)) continue;
    const double y = plan.y.pixel(marker.at);
    svg.line({plan.x.low_pixel, y}, {plan.x.high_pixel, y}, paint);
  }
  for (std::size_t i = 0; i < chart.vertical.size(); ++i) {
    const auto label =
        wrap_text(chart.vertical[i].label, small_size, plan.width - 2 * page_margin, 1);
    if (label.empty() || !is_plottable(chart.vertical[i].at)) continue;
    const double half = text_width(label.front(), small_size) / 2;
    const double furthest = std::max(page_margin + half, plan.width - page_margin - half);
    const double x = std::clamp(plan.x.pixel(chart.vertical[i].at), page_margin + half, furthest);
    svg.text({x, plan.plot_top - rise(i)}, label.front(),
             {.size = small_size, .anchor = "middle", .halo = true});
  }
  for (const chart_marker& marker : chart.horizontal) {
    const double room = plan.x.high_pixel - plan.x.low_pixel - 8;
    const auto label = wrap_text(marker.label, small_size, room, 1);
    if (label.empty() || !is_plottable(marker.at)) continue;
    svg.text({plan.x.high_pixel - 4, plan.y.pixel(marker.at) - 4}, label.front(),
             {.size = small_size, .anchor = "end", .halo = true});
  }
}

inline void draw_band(svg_writer& svg, const series& s, const look& appearance,
                      const layout& plan) {
  const std::string paint =
      quoted("fill", appearance.color) + quoted("fill-opacity", appearance.muted ? "0.18" : "0.16");
  std::vector<svg_point> upper;
  std::vector<svg_point> lower;
  const auto flush = [&] {
    upper.insert(upper.end(), lower.rbegin(), lower.rend());
    if (upper.size() > 2) svg.polygon(upper, paint);
    upper.clear();
    lower.clear();
  };
  for (std::size_t i = 0; i < n_band_points(s); ++i) {
    const double low = (*s.low)[i];
    const double high = (*s.high)[i];
    if (!is_plottable(s.x[i]) || !is_plottable(low) || !is_plottable(high)) {
      flush();
      continue;
    }
    upper.push_back({plan.x.pixel(s.x[i]), plan.y.pixel(high)});
    lower.push_back({plan.x.pixel(s.x[i]), plan.y.pixel(low)});
  }
  flush();
}

inline void draw_line(svg_writer& svg, const series& s, const look& appearance,
                      const layout& plan) {
  constexpr std::size_t most_dots = 40;  // beyond, they hide their own line
  const bool with_dots = !appearance.muted && n_points(s) <= most_dots;
  std::vector<svg_point> run;
  const auto flush = [&] {
    if (run.size() > 1) svg.polyline(run, stroke_of(appearance));
    for (const svg_point at : run) {
      if (with_dots || run.size() == 1) draw_dot(svg, appearance, at);
    }
    run.clear();
  };
  for (std::size_t i = 0; i < n_points(s); ++i) {
    if (is_plottable(s.x[i]) && is_plottable(s.y[i])) {
      run.push_back({plan.x.pixel(s.x[i]), plan.y.pixel(s.y[i])});
    } else {
      flush();
    }
  }
  flush();
}

inline void draw_legend(svg_writer& svg, const layout& plan) {
  const double left = plan.x.high_pixel + 22;
  double y = plan.plot_top + 4;
  for (const legend_entry& entry : plan.legend) {
    svg.polyline({{left, y}, {left + swatch_width, y}}, stroke_of(entry.appearance));
    if (!entry.appearance.muted) {
      draw_dot(svg, entry.appearance, {left + swatch_width / 2, y});
    }
    for (const std::string& line : entry.lines) {
      svg.text({left + swatch_width + 7, y + 4}, line, {.size = text_size});
      y += text_size * line_height;
    }
    y += 5;
  }
}

inline void draw_chart(svg_writer& svg, const line_chart& chart, const layout& plan) {
  draw_axes(svg, chart, plan);
  // Controls lie behind, then bands, then the lines that the chart is about.
  for (const bool muted : {true, false}) {
    for (std::size_t i = 0; i < chart.lines.size(); ++i) {
      if (plan.looks[i].muted == muted) draw_band(svg, chart.lines[i], plan.looks[i], plan);
    }
    for (std::size_t i = 0; i < chart.lines.size(); ++i) {
      if (plan.looks[i].muted == muted) draw_line(svg, chart.lines[i], plan.looks[i], plan);
    }
  }
  draw_markers(svg, chart, plan);
  draw_legend(svg, plan);
}

}  // namespace detail

/// Several charts below each other in one SVG document, their plots aligned so that equal x axes
/// can be compared. It needs no other file, and equal charts give equal bytes.
///
/// Cost:    linear in the points; no limit on their number, so thin out what is millions.
inline std::string stack(std::span<const line_chart> charts) {
  std::vector<detail::layout> plans;
  double left = 0;
  double right = 0;
  double width = 1;
  for (const line_chart& chart : charts) {
    plans.push_back(detail::measure(chart));
    left = std::max(left, plans.back().left);
    right = std::max(right, plans.back().right);
    width = std::max(width, plans.back().width);
  }
  double height = 0;
  for (std::size_t i = 0; i < charts.size(); ++i) {
    plans[i].left = left;
    plans[i].right = right;
    plans[i].width = width;
    detail::arrange(charts[i], plans[i]);
    height += plans[i].height;
  }
  if (!plans.empty()) width = plans.front().width;
  svg_writer svg(width, std::max(1.0, height),
                 charts.empty() ? std::string_view() : std::string_view(charts.front().title));
  double top = 0;
  for (std::size_t i = 0; i < charts.size(); ++i) {
    svg.open_group({0, top});
    detail::draw_chart(svg, charts[i], plans[i]);
    svg.close_group();
    top += plans[i].height;
  }
  return svg.finish();
}

/// One chart as an SVG document.
inline std::string to_svg(const line_chart& chart) { return stack(std::span(&chart, 1)); }

}  // namespace multitudes::report
