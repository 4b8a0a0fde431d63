// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/report/line_chart.hpp>
#include <tests/report/xml_checker.hpp>
#include <tests/support/long_run.hpp>

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace multitudes::report;
using multitudes_test::count;
using multitudes_test::xml_fault;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

line_chart small_chart() {
  return {.title = "Dose",
          .x_label = "strength",
          .y_label = "ratio (nats)",
          .lines = {{.label = "steered", .x = {-1, 0, 1}, .y = {-2, 0, 2}},
                    {.label = "control", .x = {-1, 0, 1}, .y = {0.1, 0, -0.1}, .muted = true}}};
}

/// All numbers that follow `name="`, e.g. every x of every text.
std::vector<double> attributes(const std::string& svg, const std::string& name) {
  std::vector<double> values;
  const std::string key = " " + name + "=\"";
  for (std::size_t at = svg.find(key); at != std::string::npos; at = svg.find(key, at + 1)) {
    values.push_back(std::strtod(svg.c_str() + at + key.size(), nullptr));
  }
  return values;
}

TEST_CASE("a chart is one well-formed document that refers to nothing outside") {
  const std::string svg = to_svg(small_chart());
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "<svg") == 1);
  CHECK(count(svg, "href") == 0);
  CHECK(count(svg, "url(") == 0);
  CHECK(count(svg, "<polyline") == 2 + 2);  // the series and their legend
}

TEST_CASE("equal charts give equal bytes") {
  CHECK(to_svg(small_chart()) == to_svg(small_chart()));
}

TEST_CASE("labels of any content are escaped") {
  line_chart chart = small_chart();
  const std::string nasty = "<b> & \"q\" 'a' \x01 \xFF";
  chart.title = chart.x_label = chart.y_label = nasty;
  chart.lines[0].label = nasty;
  chart.vertical = {{0, nasty}};
  chart.horizontal = {{0, nasty}};
  const std::string svg = to_svg(chart);
  CHECK(xml_fault(svg) == "");
  // The title twice, two axes, a legend entry, and two markers with their halos.
  CHECK(count(svg, "&lt;b&gt; &amp; &quot;q&quot; &#39;a&#39;") == 9);
}

TEST_CASE("points that are not finite break a line and leave no trace in the document") {
  line_chart chart{.lines = {{.label = "gap",
                              .x = {0, 1, 2, 3, 4, 5, 6},
                              .y = {1, 2, nan, 4, 5, infinity, -1e301}}}};
  const std::string svg = to_svg(chart);
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "nan") == 0);
  CHECK(count(svg, "inf") == 0);
  CHECK(count(svg, "<polyline") == 2 + 1);  // two runs and the legend
  CHECK(count(svg, "<circle") == 4 + 1);
}

TEST_CASE("a point on its own is a dot, also in a cloud of controls") {
  for (const bool muted : {false, true}) {
    line_chart chart{.lines = {{.x = {1}, .y = {2}, .muted = muted}}};
    const std::string svg = to_svg(chart);
    CHECK(count(svg, "<circle") == 1);
    CHECK(count(svg, "<polyline") == 0);
  }
}

TEST_CASE("charts without points, series or texts are pictures too") {
  CHECK(xml_fault(to_svg({})) == "");
  CHECK(xml_fault(to_svg({.lines = {{}}})) == "");
  CHECK(xml_fault(to_svg({.lines = {{.label = "none", .x = {nan}, .y = {nan}}}})) == "");
  CHECK(xml_fault(stack({})) == "");
}

TEST_CASE("series of the same label share a legend entry and unnamed ones have none") {
  line_chart chart;
  for (int i = 0; i < 50; ++i) {
    chart.lines.push_back({.label = "random", .x = {0, 1}, .y = {0, i / 50.0}, .muted = true});
  }
  chart.lines.push_back({.x = {0, 1}, .y = {0, 1}});
  const std::string svg = to_svg(chart);
  CHECK(count(svg, ">random<") == 1);
  CHECK(count(svg, "<polyline") == 51 + 1);
}

TEST_CASE("the legend is right of the plot, and everything is on the page") {
  line_chart chart = small_chart();
  chart.lines[0].label = "a label that is quite a bit longer than legends like them to be, really";
  chart.vertical = {{-1, "the very left of the plot"}, {1, "the very right of the plot"}};
  const detail::layout plan = [&] {
    detail::layout some = detail::measure(chart);
    detail::arrange(chart, some);
    return some;
  }();
  CHECK(plan.x.pixel(1) == doctest::Approx(plan.width - plan.right));
  CHECK(plan.right > detail::swatch_width);
  const std::string svg = to_svg(chart);
  for (const char* name : {"x", "x1", "x2", "cx"}) {
    for (const double x : attributes(svg, name)) {
      CHECK(x >= 0);
      CHECK(x <= plan.width);
    }
  }
  for (const char* name : {"y", "y1", "y2", "cy"}) {
    for (const double y : attributes(svg, name)) {
      CHECK(y >= 0);
      CHECK(y <= plan.height);
    }
  }
}

TEST_CASE("ranges of any width have their ticks on the page") {
  for (const std::array<double, 2> ends : {std::array{0.0, 5e-324}, {5e-324, 5e-324},
                                          {1.0, 1 + 1e-15}, {-1e-300, 1e-300}, {-7.0, -7.0},
                                          {-1e300, 1e300}, {1e300, 1e300}, {0.0, 0.0}}) {
    const std::vector<double> values(ends.begin(), ends.end());
    const line_chart chart{.lines = {{.x = values, .y = values}}};
    const std::string svg = to_svg(chart);
    for (const char* name : {"x", "y", "x1", "y1", "x2", "y2", "cx", "cy"}) {
      for (const double at : attributes(svg, name)) {
        CHECK(at >= 0);
        CHECK(at <= chart.width);
      }
    }
    CHECK(count(svg, "<text") >= 4);
  }
}

TEST_CASE("a band is drawn, in pieces where it is interrupted") {
  line_chart chart = small_chart();
  series& banded = chart.lines[0];
  banded.x = {0, 1, 2, 3, 4};
  banded.y = {0, 1, 2, 3, 4};
  banded.low = std::vector<double>{-1, 0, nan, 2, 3};
  banded.high = std::vector<double>{1, 2, 3, 4, 5};
  CHECK(count(to_svg(chart), "fill-opacity") == 2);
  banded.high->resize(2);
  CHECK(count(to_svg(chart), "fill-opacity") == 1);
  banded.high.reset();
  CHECK(count(to_svg(chart), "fill-opacity") == 0);
}

TEST_CASE("axes reach over bands and markers") {
  line_chart chart = small_chart();
  chart.lines[0].low = std::vector<double>{-30, 0, 1};
  chart.lines[0].high = std::vector<double>{0, 1, 20};
  chart.vertical = {{4, "late"}};
  chart.horizontal = {{55, "limit"}};
  const detail::layout plan = detail::measure(chart);
  CHECK(plan.y.low <= -30);
  CHECK(plan.y.high >= 55);
  CHECK(plan.x.high == 4);
}

TEST_CASE("labels of vertical markers that would overlap stand in rows") {
  line_chart chart = small_chart();
  chart.vertical = {{0, "first swap"}, {0.01, "second swap"}, {0.9, "end"}};
  detail::layout plan = detail::measure(chart);
  detail::arrange(chart, plan);
  CHECK(plan.marker_rows == std::vector<std::size_t>{0, 1, 0});
}

TEST_CASE("a page too small for its texts grows, and so does one with a long legend") {
  line_chart chart = small_chart();
  chart.width = -5;
  chart.height = 0;
  for (int i = 0; i < 60; ++i) {
    chart.lines.push_back({.label = "series " + std::to_string(i), .x = {0, 1}, .y = {0, 1}});
  }
  detail::layout plan = detail::measure(chart);
  detail::arrange(chart, plan);
  CHECK(plan.x.high_pixel - plan.x.low_pixel >= detail::least_plot_width - 1e-9);
  CHECK(plan.plot_bottom - plan.plot_top >= detail::legend_height(plan));
  CHECK(xml_fault(to_svg(chart)) == "");
}

TEST_CASE("twenty-eight series differ in color or dot") {
  line_chart chart;
  for (int i = 0; i < 28; ++i) chart.lines.push_back({.x = {0}, .y = {0}});
  const detail::layout plan = detail::measure(chart);
  for (std::size_t i = 0; i < 28; ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      CHECK((plan.looks[i].color != plan.looks[k].color || plan.looks[i].dot != plan.looks[k].dot));
    }
  }
}

TEST_CASE("stacked charts share the left and right edges of their plots") {
  std::array<line_chart, 2> charts{small_chart(), small_chart()};
  charts[1].lines[0].y = {-1e5, 0, 2e5};
  charts[1].lines.pop_back();
  charts[1].lines[0].label = "s";
  const std::string svg = stack(charts);
  CHECK(xml_fault(svg) == "");
  std::vector<std::string> axis_starts;  // the dark line below each plot
  for (std::size_t at = svg.find("<line x1"); at != std::string::npos;
       at = svg.find("<line x1", at + 1)) {
    const std::string line = svg.substr(at, svg.find('>', at) - at);
    const auto x1 = attributes(line, "x1");
    const auto x2 = attributes(line, "x2");
    if (line.find("#555555") != std::string::npos && x1[0] != x2[0]) {
      axis_starts.push_back(std::to_string(x1[0]) + " to " + std::to_string(x2[0]));
    }
  }
  REQUIRE(axis_starts.size() == 2);
  CHECK(axis_starts[0] == axis_starts[1]);
  CHECK(count(svg, "translate(0 380)") == 1);
}

TEST_CASE("any numbers and texts give a well-formed document without NaN") {
  multitudes::philox random(21);
  const std::array<double, 12> odd{0,    -0.0, nan,   infinity, -infinity, 1e308,
                                   -1e300, 1e300, 1e-308, 5e-324, 1,         1 + 1e-15};
  const auto number = [&] {
    return random.below(3) == 0 ? odd[random.below(odd.size())]
                                : double{random.normal()} * std::pow(10.0, random.below(40));
  };
  const auto numbers = [&] {
    std::vector<double> some(random.below(6));
    for (double& x : some) x = number();
    return some;
  };
  const auto bytes = [&] {
    std::string text(random.below(30), ' ');
    for (char& c : text) c = static_cast<char>(random.below(256));
    return text;
  };
  const int trials = multitudes_test::sample_count(400, 20000);
  for (int i = 0; i < trials; ++i) {
    line_chart chart{.title = bytes(), .x_label = bytes(), .y_label = bytes()};
    chart.width = static_cast<int>(random.below(900));
    chart.height = static_cast<int>(random.below(500));
    for (std::uint32_t k = random.below(4); k > 0; --k) {
      series s{.label = bytes(), .x = numbers(), .y = numbers(), .muted = random.below(2) == 0};
      if (random.below(2) == 0) s.low = numbers();
      if (random.below(2) == 0) s.high = numbers();
      chart.lines.push_back(s);
    }
    if (random.below(3) == 0) chart.vertical.push_back({number(), bytes()});
    if (random.below(3) == 0) chart.horizontal.push_back({number(), bytes()});
    const std::string svg = to_svg(chart);
    REQUIRE(xml_fault(svg) == "");
    REQUIRE(count(svg, "=\"nan") + count(svg, "=\"inf") + count(svg, "=\"-inf") == 0);
    REQUIRE(svg.size() < 200000);
  }
}

}  // namespace
