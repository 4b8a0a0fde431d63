// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/detail/chart_layout.hpp>
#include <multitudes/report/svg.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace multitudes::report {

/// A named point, and how well each of its numbers is known. An end that is not finite is drawn to
/// the edge of the plot; a point that is not finite is named below it.
struct scatter_point {
  std::string label = {};
  double x = 0;
  double y = 0;
  std::array<double, 2> x_between = {0, 0};  ///< equal ends: no bar
  std::array<double, 2> y_between = {0, 0};
  std::size_t series = 0;  ///< which color and shape
};

/// Points against two axes, each with its label beside it.
struct scatter_chart {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  std::vector<scatter_point> points = {};
  std::vector<std::string> series = {};  ///< names, for the legend; none: no legend
  bool joined =
      false;  ///< points of one label are joined in order: the same persona, stage by stage
  int width = 720;
  int height = 480;
};

namespace detail {

/// A box on the page that labels should not share.
struct label_box {
  double left = 0, top = 0, right = 0, bottom = 0;
  [[nodiscard]] double overlap(const label_box& other) const noexcept {
    const double w = std::min(right, other.right) - std::max(left, other.left);
    const double h = std::min(bottom, other.bottom) - std::max(top, other.top);
    return w > 0 && h > 0 ? w * h : 0;
  }
};

/// Puts each label at the side of its point where it covers least of the others.
inline std::vector<label_box> place_labels(const std::vector<svg_point>& points,
                                           const std::vector<std::string>& labels,
                                           const label_box& page) {
  constexpr double high = small_size * line_height;
  std::vector<label_box> placed;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double wide = text_width(labels[i], small_size);
    const auto [x, y] = points[i];
    const label_box spots[] = {{x + 7, y - high / 2, x + 7 + wide, y + high / 2},
                               {x - 7 - wide, y - high / 2, x - 7, y + high / 2},
                               {x - wide / 2, y - 6 - high, x + wide / 2, y - 6},
                               {x - wide / 2, y + 6, x + wide / 2, y + 6 + high},
                               {x + 6, y - 5 - high, x + 6 + wide, y - 5},
                               {x + 6, y + 5, x + 6 + wide, y + 5 + high},
                               {x - 6 - wide, y - 5 - high, x - 6, y - 5},
                               {x - 6 - wide, y + 5, x - 6, y + 5 + high}};
    double least = 1e300;
    label_box best = spots[0];
    for (const label_box& spot : spots) {
      double cost = spot.left < page.left || spot.right > page.right || spot.top < page.top ||
                            spot.bottom > page.bottom
                        ? 1e6
                        : 0;
      for (const label_box& other : placed) cost += spot.overlap(other);
      for (const svg_point& p : points) {
        cost += spot.overlap({p.x - 5, p.y - 5, p.x + 5, p.y + 5});
      }
      if (cost < least - 1e-9) {
        least = cost;
        best = spot;
      }
    }
    placed.push_back(best);
  }
  return placed;
}

inline std::string paint_of(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + std::string(value) + "\"";
}

/// A mark in one of four shapes.
inline void draw_mark(svg_writer& svg, std::size_t series, svg_point at, double r = 4.5) {
  const std::string paint =
      paint_of("fill", palette[series % palette.size()]) + paint_of("stroke", "#ffffff");
  const auto corner = [at, r](double dx, double dy) {
    return svg_point{at.x + dx * r, at.y + dy * r};
  };
  switch (series % 4) {
    case 1:
      svg.polygon({corner(-.9, -.9), corner(.9, -.9), corner(.9, .9), corner(-.9, .9)}, paint);
      break;
    case 2: svg.polygon({corner(0, -1.2), corner(1.1, .8), corner(-1.1, .8)}, paint); break;
    case 3:
      svg.polygon({corner(0, -1.3), corner(1.3, 0), corner(0, 1.3), corner(-1.3, 0)}, paint);
      break;
    default: svg.circle(at, r, paint); break;
  }
}

/// Grid, ticks and titles of a plot whose axes have their pixels.
inline void draw_frame(svg_writer& svg, const axis& x, const axis& y, std::string_view title,
                       std::string_view x_label, std::string_view y_label, bool grid) {
  const std::string pale = paint_of("stroke", "#e6e6e6");
  const std::string dark = paint_of("stroke", "#555555");
  for (std::int64_t i = y.ticks.first; i <= y.ticks.last; ++i) {
    const double at = y.pixel(y.ticks.value(i));
    if (grid) svg.line({x.low_pixel, at}, {x.high_pixel, at}, pale);
    svg.line({x.low_pixel - 4, at}, {x.low_pixel, at}, dark);
    svg.text({x.low_pixel - 7, at + 4}, y.label(i),
             {.size = small_size, .anchor = "end", .fill = "#555555"});
  }
  for (std::int64_t i = x.ticks.first; i <= x.ticks.last; ++i) {
    const double at = x.pixel(x.ticks.value(i));
    if (grid) svg.line({at, y.high_pixel}, {at, y.low_pixel}, pale);
    svg.line({at, y.low_pixel}, {at, y.low_pixel + 4}, dark);
    svg.text({at, y.low_pixel + 17}, x.label(i),
             {.size = small_size, .anchor = "middle", .fill = "#555555"});
  }
  svg.line({x.low_pixel, y.low_pixel}, {x.high_pixel, y.low_pixel}, dark);
  svg.line({x.low_pixel, y.low_pixel}, {x.low_pixel, y.high_pixel}, dark);
  svg.text({page_margin, page_margin + title_size - 2}, title,
           {.size = title_size, .fill = "#1a1a1a", .bold = true});
  svg.text({page_margin, page_margin + title_size + 18}, y_label,
           {.size = text_size, .fill = "#555555"});
  svg.text({(x.low_pixel + x.high_pixel) / 2, y.low_pixel + 37}, x_label,
           {.size = text_size, .anchor = "middle", .fill = "#555555"});
}

/// Fits ticks, and pixels from `first` to `last`, to an axis that has seen its values.
inline void settle_axis(axis& a, double first, double last, bool to_ticks) {
  a.settle();
  a.ticks =
      nice_ticks(a.low, a.high, std::clamp(static_cast<int>(std::abs(last - first) / 70), 2, 10));
  if (to_ticks) a.extend_to_ticks();
  a.low_pixel = first;
  a.high_pixel = last;
}

}  // namespace detail

/// The chart as an SVG document; equal charts give equal bytes.
inline std::string to_svg(const scatter_chart& chart) {
  using detail::page_margin;
  detail::axis x;
  detail::axis y;
  const auto is_bar = [](const std::array<double, 2>& ends) { return ends[0] != ends[1]; };
  const auto shown = [](const scatter_point& p) {
    return detail::is_plottable(p.x) && detail::is_plottable(p.y);
  };
  std::string missing;
  for (const scatter_point& p : chart.points) {
    if (!shown(p)) {
      missing += (missing.empty() ? "not on the plot: " : ", ") + p.label;
      continue;
    }
    x.include(p.x);
    y.include(p.y);
    for (const double end : p.x_between) {
      if (is_bar(p.x_between)) x.include(end);
    }
    for (const double end : p.y_between) {
      if (is_bar(p.y_between)) y.include(end);
    }
  }
  double legend = 0;
  for (const std::string& name : chart.series) {
    legend = std::max(legend, text_width(name, detail::text_size) + 34);
  }
  const double width = std::max(1, chart.width) + legend;
  const double height = std::max(200, chart.height);
  detail::settle_axis(x, page_margin + 46, std::max(160, chart.width) - page_margin, true);
  detail::settle_axis(y, height - 62, 62, true);
  svg_writer svg(width, height, chart.title);
  detail::draw_frame(svg, x, y, chart.title, chart.x_label, chart.y_label, true);

  const auto place = [&](const scatter_point& p) { return svg_point{x.pixel(p.x), y.pixel(p.y)}; };
  const auto clipped = [](const detail::axis& a, double value) {
    return a.pixel(std::clamp(value, a.low, a.high));
  };
  if (chart.joined) {
    for (std::size_t i = 0; i < chart.points.size(); ++i) {
      for (std::size_t j = i + 1; j < chart.points.size(); ++j) {
        if (chart.points[j].label != chart.points[i].label) continue;
        if (shown(chart.points[i]) && shown(chart.points[j])) {
          svg.line(
              place(chart.points[i]), place(chart.points[j]),
              detail::paint_of("stroke", "#9a9a9a") + detail::paint_of("stroke-dasharray", "3 3"));
        }
        break;
      }
    }
  }
  std::vector<svg_point> points;
  std::vector<std::string> labels;
  for (const scatter_point& p : chart.points) {
    if (!shown(p)) continue;
    const svg_point at = place(p);
    const std::string stroke =
        detail::paint_of("stroke", detail::palette[p.series % detail::palette.size()]) +
        detail::paint_of("stroke-opacity", "0.6");
    if (is_bar(p.x_between)) {
      svg.line({clipped(x, p.x_between[0]), at.y}, {clipped(x, p.x_between[1]), at.y}, stroke);
    }
    if (is_bar(p.y_between)) {
      svg.line({at.x, clipped(y, p.y_between[0])}, {at.x, clipped(y, p.y_between[1])}, stroke);
    }
    points.push_back(at);
    labels.push_back(p.label);
  }
  for (const scatter_point& p : chart.points) {
    if (shown(p)) detail::draw_mark(svg, p.series, place(p));
  }
  const auto boxes =
      detail::place_labels(points, labels, {x.low_pixel, y.high_pixel, x.high_pixel, y.low_pixel});
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    svg.text({boxes[i].left, boxes[i].bottom - 4}, labels[i],
             {.size = detail::small_size, .halo = true});
  }
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    const double at = y.high_pixel + 10 + static_cast<double>(s) * 20;
    detail::draw_mark(svg, s, {x.high_pixel + 22, at});
    svg.text({x.high_pixel + 34, at + 4}, chart.series[s], {.size = detail::text_size});
  }
  if (!missing.empty()) {
    svg.text({page_margin, height - 8}, missing, {.size = detail::small_size, .fill = "#555555"});
  }
  return svg.finish();
}

}  // namespace multitudes::report
