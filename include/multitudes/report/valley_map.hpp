// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/scatter.hpp>
#include <multitudes/report/svg.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::report {

/// The bottom of a valley.
struct map_valley {
  std::string label = {};
  double x = 0;
  double y = 0;
};

/// A walk through the valleys: a conversation, state by state.
struct map_walk {
  std::string label = {};
  std::vector<double> x = {};
  std::vector<double> y = {};
};

/// Energy over a plane, with what lies in it.
///
/// Shapes:  energy (rows, columns), row-major, the first row at y_low and the first column at
///          x_low; at least two of each, or only the rest is drawn.
struct valley_map {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  double x_low = -1, x_high = 1;
  double y_low = -1, y_high = 1;
  std::size_t columns = 0;
  std::size_t rows = 0;
  std::vector<double> energy = {};  ///< nats; what is not finite is highest
  double contour_step = 1;          ///< nats between lines, counted from the lowest place
  double highest = 10;              ///< nats above the lowest place where color ends
  std::vector<map_valley> valleys = {};
  std::vector<map_valley> passes = {};
  std::vector<map_walk> walks = {};
  int width = 760;
  int height = 600;
};

namespace detail {

/// Deep water to pale sand: dark where energy is low.
inline std::string depth_color(double share) {
  constexpr std::array<std::array<double, 3>, 5> stops{
      {{23, 62, 99}, {52, 116, 148}, {124, 174, 180}, {206, 218, 204}, {246, 241, 228}}};
  const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(stops.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(at), stops.size() - 2);
  const double part = at - static_cast<double>(below);
  std::string text = "rgb(";
  for (std::size_t c = 0; c < 3; ++c) {
    const double value = stops[below][c] * (1 - part) + stops[below + 1][c] * part;
    text += (c == 0 ? "" : ",") + fixed(value, 0);
  }
  return text + ")";
}

/// Where one level crosses a cell, by its corners: up to two pieces of line.
inline void draw_level(svg_writer& svg, const std::array<double, 4>& corner,
                       const std::array<svg_point, 4>& at, double level, std::string_view paint) {
  std::vector<svg_point> ends;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t j = (i + 1) % 4;
    if ((corner[i] < level) == (corner[j] < level)) continue;
    const double share = (level - corner[i]) / (corner[j] - corner[i]);
    ends.push_back({at[i].x + share * (at[j].x - at[i].x), at[i].y + share * (at[j].y - at[i].y)});
  }
  if (ends.size() == 2) svg.line(ends[0], ends[1], paint);
  if (ends.size() == 4) {  // a saddle: the middle says which corners belong together
    const double middle = (corner[0] + corner[1] + corner[2] + corner[3]) / 4;
    const bool turn = (middle < level) == (corner[0] < level);
    svg.line(ends[0], ends[turn ? 1 : 3], paint);
    svg.line(ends[turn ? 2 : 1], ends[turn ? 3 : 2], paint);
  }
}

inline void draw_energy(svg_writer& svg, const valley_map& map, const axis& x, const axis& y) {
  if (map.columns < 2 || map.rows < 2 || map.energy.size() < map.columns * map.rows) return;
  double lowest = 1e300;
  for (const double e : map.energy) {
    if (is_plottable(e)) lowest = std::min(lowest, e);
  }
  const double top = map.highest > 0 ? map.highest : 1;
  const auto height = [&](std::size_t r, std::size_t c) {
    const double e = map.energy[r * map.columns + c];
    return is_plottable(e) ? std::min(e - lowest, 4 * top) : 4 * top;
  };
  const auto column = [&](double c) {
    return x.low_pixel + c / static_cast<double>(map.columns - 1) * (x.high_pixel - x.low_pixel);
  };
  const auto row = [&](double r) {
    return y.low_pixel + r / static_cast<double>(map.rows - 1) * (y.high_pixel - y.low_pixel);
  };
  // Cells of one shade in a row become one rectangle.
  constexpr int shades = 32;
  for (std::size_t r = 0; r + 1 < map.rows; ++r) {
    std::size_t first = 0;
    const auto shade_of = [&](std::size_t c) {
      const double mean =
          (height(r, c) + height(r, c + 1) + height(r + 1, c) + height(r + 1, c + 1)) / 4;
      return static_cast<int>(std::min(mean / top, 1.0) * shades);
    };
    for (std::size_t c = 1; c < map.columns; ++c) {
      if (c + 1 < map.columns && shade_of(c) == shade_of(first)) continue;
      const double left = column(static_cast<double>(first));
      const double right = column(static_cast<double>(c));
      const double low = row(static_cast<double>(r)) + 0.4;  // no hairlines between rows
      const double high = row(static_cast<double>(r + 1));
      svg.polygon({{left, low}, {right + 0.4, low}, {right + 0.4, high}, {left, high}},
                  paint_of("fill", depth_color(static_cast<double>(shade_of(first)) / shades)));
      first = c;
    }
  }
  if (!(map.contour_step > 0)) return;
  const std::string paint = paint_of("stroke", "#123049") + paint_of("stroke-opacity", "0.45") +
                            paint_of("stroke-width", "0.8");
  const double least_step = std::max(map.contour_step, top / 60);
  svg.open_group({}, paint);
  for (double level = least_step; level <= top; level += least_step) {
    for (std::size_t r = 0; r + 1 < map.rows; ++r) {
      for (std::size_t c = 0; c + 1 < map.columns; ++c) {
        const auto cx = static_cast<double>(c);
        const auto cy = static_cast<double>(r);
        draw_level(svg, {height(r, c), height(r, c + 1), height(r + 1, c + 1), height(r + 1, c)},
                   {svg_point{column(cx), row(cy)}, svg_point{column(cx + 1), row(cy)},
                    svg_point{column(cx + 1), row(cy + 1)}, svg_point{column(cx), row(cy + 1)}},
                   level, {});
      }
    }
  }
  svg.close_group();
}

/// A walk, from a small ring to a filled end; what leaves the map is held at its edge.
inline void draw_walk(svg_writer& svg, const map_walk& walk, std::size_t index, const axis& x,
                      const axis& y) {
  std::vector<svg_point> points;
  for (std::size_t i = 0; i < std::min(walk.x.size(), walk.y.size()); ++i) {
    if (!is_plottable(walk.x[i]) || !is_plottable(walk.y[i])) continue;
    points.push_back({x.pixel(std::clamp(walk.x[i], x.low, x.high)),
                      y.pixel(std::clamp(walk.y[i], y.low, y.high))});
  }
  if (points.empty()) return;
  const std::string color(palette[(index + 1) % palette.size()]);
  // White below, so that a walk shows on dark and on pale ground.
  svg.polyline(points, paint_of("fill", "none") + paint_of("stroke", "#ffffff") +
                           paint_of("stroke-width", "3.6") + paint_of("stroke-opacity", "0.8"));
  svg.polyline(points, paint_of("fill", "none") + paint_of("stroke", color) +
                           paint_of("stroke-width", "1.8"));
  svg.circle(points.front(), 3.5, paint_of("fill", "#ffffff") + paint_of("stroke", color));
  svg.circle(points.back(), 4, paint_of("fill", color) + paint_of("stroke", "#ffffff"));
}

}  // namespace detail

/// The map as an SVG document. Valleys are dark; circles are bottoms, crosses passes; a walk goes
/// from its ring to its dot.
inline std::string to_svg(const valley_map& map) {
  using detail::page_margin;
  detail::axis x;
  detail::axis y;
  for (const double v : {map.x_low, map.x_high}) x.include(v);
  for (const double v : {map.y_low, map.y_high}) y.include(v);
  double legend = 0;
  for (const map_walk& walk : map.walks) {
    legend = std::max(legend, text_width(walk.label, detail::text_size) + 44);
  }
  const double height = std::max(200, map.height);
  const double right = std::max(160, map.width) - page_margin;
  detail::settle_axis(x, page_margin + 46, right, false);
  detail::settle_axis(y, height - 62, 62, false);
  svg_writer svg(std::max(160, map.width) + legend, height, map.title);
  detail::draw_energy(svg, map, x, y);
  detail::draw_frame(svg, x, y, map.title, map.x_label, map.y_label, false);
  for (std::size_t w = 0; w < map.walks.size(); ++w) detail::draw_walk(svg, map.walks[w], w, x, y);

  const auto inside = [&](const map_valley& v) {
    return v.x >= x.low && v.x <= x.high && v.y >= y.low && v.y <= y.high;
  };
  std::vector<svg_point> points;
  std::vector<std::string> labels;
  for (const map_valley& p : map.passes) {
    if (!inside(p)) continue;
    const svg_point at{x.pixel(p.x), y.pixel(p.y)};
    const std::string paint =
        detail::paint_of("stroke", "#8c2d04") + detail::paint_of("stroke-width", "2");
    svg.line({at.x - 4, at.y - 4}, {at.x + 4, at.y + 4}, paint);
    svg.line({at.x - 4, at.y + 4}, {at.x + 4, at.y - 4}, paint);
    points.push_back(at);
    labels.push_back(p.label);
  }
  for (const map_valley& v : map.valleys) {
    if (!inside(v)) continue;
    const svg_point at{x.pixel(v.x), y.pixel(v.y)};
    svg.circle(at, 4.5,
               detail::paint_of("fill", "#ffffff") + detail::paint_of("stroke", "#123049"));
    points.push_back(at);
    labels.push_back(v.label);
  }
  const auto boxes =
      detail::place_labels(points, labels, {x.low_pixel, y.high_pixel, x.high_pixel, y.low_pixel});
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (labels[i].empty()) continue;
    svg.text({boxes[i].left, boxes[i].bottom - 4}, labels[i],
             {.size = detail::small_size, .halo = true});
  }
  for (std::size_t w = 0; w < map.walks.size(); ++w) {
    const double at = y.high_pixel + 10 + static_cast<double>(w) * 20;
    svg.line({right + 16, at}, {right + 36, at},
             detail::paint_of("stroke", detail::palette[(w + 1) % detail::palette.size()]) +
                 detail::paint_of("stroke-width", "2"));
    svg.text({right + 42, at + 4}, map.walks[w].label, {.size = detail::text_size});
  }
  return svg.finish();
}

}  // namespace multitudes::report
