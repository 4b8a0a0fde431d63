// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/number.hpp>
#include <multitudes/report/svg.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace multitudes::report {

/// One grid of shares. A cell without a finite value stays white; values beyond the scale take the
/// color of its end.
///
/// Shapes:  values (rows of the map, columns), row-major; what is missing counts as not measured.
struct heat_panel {
  std::string title = {};
  std::vector<double> values = {};
};

/// Grids over the same two weights, side by side: the first row is at the bottom, as on a chart.
struct heat_map {
  std::string title = {};
  std::string x_label = {};  ///< of the columns, with unit
  std::string y_label = {};
  std::vector<std::string> columns = {};  ///< tick labels
  std::vector<std::string> rows = {};
  std::vector<heat_panel> panels = {};
  double low = 0;  ///< the ends of the color scale
  double high = 1;
  int decimals = 2;  ///< of the number in each cell
};

namespace detail {

/// From white over orange to dark violet; light falls steadily, so that gray paper keeps it.
inline std::array<double, 3> heat_color(double share) {
  constexpr std::array<std::array<double, 3>, 5> stops{
      {{255, 255, 255}, {253, 219, 165}, {242, 139, 92}, {176, 51, 94}, {64, 16, 84}}};
  const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(stops.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(at), stops.size() - 2);
  const double part = at - static_cast<double>(below);
  std::array<double, 3> color{};
  for (std::size_t c = 0; c < 3; ++c) {
    color[c] = stops[below][c] * (1 - part) + stops[below + 1][c] * part;
  }
  return color;
}

inline std::string fill_of(double share) {
  const auto color = heat_color(share);
  std::string text = " fill=\"rgb(";
  for (std::size_t c = 0; c < 3; ++c) text += (c == 0 ? "" : ",") + fixed(color[c], 0);
  return text + ")\"";
}

inline std::vector<svg_point> box(double x, double y, double width, double height) {
  return {{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}};
}

}  // namespace detail

/// The map as a picture. Every cell says its number.
inline std::string to_svg(const heat_map& map) {
  constexpr double cell = 40;
  constexpr double left = 70;
  constexpr double top = 66;
  constexpr double gap = 46;
  const double grid_width =
      cell * static_cast<double>(std::max<std::size_t>(map.columns.size(), 1));
  const double grid_height = cell * static_cast<double>(std::max<std::size_t>(map.rows.size(), 1));
  const double n_panels = static_cast<double>(std::max<std::size_t>(map.panels.size(), 1));
  const double body = n_panels * grid_width + (n_panels - 1) * gap;
  const double width = std::max(left + body + 24, 40 + text_width(map.title, 15));
  svg_writer svg(width, top + grid_height + 62, map.title);
  svg.text({20, 26}, map.title, {.size = 15, .bold = true});
  svg.text({20, 46}, map.y_label + " upwards", {.size = 12, .fill = "#555555"});
  const double span = map.high - map.low;
  for (std::size_t p = 0; p < map.panels.size(); ++p) {
    svg.open_group({left + static_cast<double>(p) * (grid_width + gap), top});
    svg.text({grid_width / 2, -6}, map.panels[p].title, {.size = 12, .anchor = "middle"});
    for (std::size_t r = 0; r < map.rows.size(); ++r) {
      const double y = grid_height - cell * static_cast<double>(r + 1);
      svg.text({-8, y + cell / 2 + 4}, map.rows[r], {.size = 11, .anchor = "end"});
      for (std::size_t c = 0; c < map.columns.size(); ++c) {
        const std::size_t at = r * map.columns.size() + c;
        const double x = cell * static_cast<double>(c);
        const bool known =
            at < map.panels[p].values.size() && std::isfinite(map.panels[p].values[at]);
        const double share = known && span > 0 ? (map.panels[p].values[at] - map.low) / span : 0;
        svg.polygon(detail::box(x, y, cell, cell), detail::fill_of(share) + " stroke=\"#e6e6e6\"");
        if (!known) continue;
        svg.text({x + cell / 2, y + cell / 2 + 4}, fixed(map.panels[p].values[at], map.decimals),
                 {.size = 11, .anchor = "middle", .fill = share > 0.55 ? "#ffffff" : "#333333"});
      }
    }
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      svg.text({cell * (static_cast<double>(c) + 0.5), grid_height + 16}, map.columns[c],
               {.size = 11, .anchor = "middle"});
    }
    svg.text({grid_width / 2, grid_height + 38}, map.x_label,
             {.size = 12, .anchor = "middle", .fill = "#555555"});
    svg.close_group();
  }
  return svg.finish();
}

}  // namespace multitudes::report
