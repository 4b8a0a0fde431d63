// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/report/scatter.hpp>
#include <tests/report/xml_checker.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace multitudes::report;
using multitudes_test::count;
using multitudes_test::xml_fault;

constexpr double infinity = std::numeric_limits<double>::infinity();

scatter_chart small() {
  return {.title = "Depth & width",
          .x_label = "width",
          .y_label = "depth",
          .points = {{.label = "bard", .x = 1, .y = 2, .x_between = {0.5, 1.5}},
                     {.label = "chemist", .x = 3, .y = 1, .y_between = {0, infinity}},
                     {.label = "nobody", .x = infinity, .y = 1}}};
}

TEST_CASE("a scatter chart is one well-formed document with a mark and a label for each point") {
  const std::string svg = to_svg(small());
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "<circle") == 2);
  CHECK(count(svg, ">bard<") == 2);  // with its halo
  CHECK(count(svg, "not on the plot: nobody") == 1);
  CHECK(count(svg, "inf") == 0);
  CHECK(count(svg, "nan") == 0);
  CHECK(to_svg(small()) == svg);
}

TEST_CASE("stages of one persona are joined in order, and named in the legend") {
  scatter_chart chart = small();
  chart.joined = true;
  chart.series = {"base", "tuned <1>"};
  chart.points.push_back({.label = "bard", .x = 2, .y = 5, .series = 1});
  const std::string svg = to_svg(chart);
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "stroke-dasharray=\"3 3\"") == 1);
  CHECK(count(svg, ">tuned &lt;1&gt;<") == 1);
  CHECK(count(svg, "<polygon") == 1 + 1);  // the second series' mark, on the plot and in the legend
}

TEST_CASE("labels keep off each other where there is room") {
  std::vector<svg_point> points;
  std::vector<std::string> labels;
  for (int i = 0; i < 8; ++i) {
    points.push_back({200.0 + 12 * i, 200});
    labels.push_back("persona " + std::to_string(i));
  }
  const auto boxes = detail::place_labels(points, labels, {0, 0, 500, 400});
  REQUIRE(boxes.size() == 8);
  double overlap = 0;
  double naive = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(boxes[i].left >= 0);
    CHECK(boxes[i].right <= 500);
    for (std::size_t j = 0; j < i; ++j) {
      overlap += boxes[i].overlap(boxes[j]);
      const double wide = text_width(labels[0], detail::small_size);
      naive += std::max(0.0, wide - 12.0 * static_cast<double>(i - j)) * detail::small_size;
    }
  }
  CHECK(overlap < 0.3 * naive);
}

TEST_CASE("charts of nothing are pictures too, and labels of any content are escaped") {
  CHECK(xml_fault(to_svg(scatter_chart{})) == "");
  CHECK(xml_fault(to_svg(scatter_chart{.points = {{.x = infinity}}})) == "");
  CHECK(xml_fault(to_svg(scatter_chart{.title = "<\x01\xFF>", .points = {{.label = "a<&\"b"}}})) ==
        "");
}

}  // namespace
