// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/report/valley_map.hpp>
#include <tests/report/xml_checker.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

namespace {

using namespace multitudes::report;
using multitudes_test::count;
using multitudes_test::xml_fault;

constexpr double infinity = std::numeric_limits<double>::infinity();

valley_map small() {
  valley_map map{.title = "Valleys", .x_label = "first axis", .y_label = "second axis"};
  map.x_low = map.y_low = -4;
  map.x_high = map.y_high = 4;
  map.columns = 41;
  map.rows = 31;
  for (std::size_t r = 0; r < map.rows; ++r) {
    for (std::size_t c = 0; c < map.columns; ++c) {
      const double x = -4 + 0.2 * static_cast<double>(c);
      const double y = -4 + 8 * static_cast<double>(r) / 30;
      map.energy.push_back(0.5 * std::min((x - 2) * (x - 2), (x + 2) * (x + 2)) + 0.5 * y * y);
    }
  }
  map.valleys = {{"bard", -2, 0}, {"chemist", 2, 0}};
  map.passes = {{"2 nats", 0, 0}};
  map.walks = {{"a conversation", {-2, -1, 0, 1, 9}, {0, 1, 1, 0, 0}}};
  return map;
}

TEST_CASE("a map is one well-formed document with ground, contours, valleys, passes and walks") {
  const std::string svg = to_svg(small());
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "<polygon") > 100);
  CHECK(count(svg, "<line") > 200);
  CHECK(count(svg, ">bard<") == 2);
  CHECK(count(svg, "stroke=\"#8c2d04\"") == 2);
  CHECK(count(svg, "<polyline") == 2);
  CHECK(count(svg, ">a conversation<") == 1);
  CHECK(to_svg(small()) == svg);
}

TEST_CASE("everything on a map stays on its page") {
  const std::string svg = to_svg(small());
  for (const char* name : {" cx=\"", " x=\"", " x1=\"", " x2=\""}) {
    for (std::size_t at = svg.find(name); at != std::string::npos; at = svg.find(name, at + 1)) {
      const double x = std::strtod(svg.c_str() + at + std::string(name).size(), nullptr);
      CHECK(x >= 0);
      CHECK(x <= 1000);
    }
  }
}

TEST_CASE("higher ground than the scale, holes and missing cells are drawn as highest") {
  valley_map map = small();
  map.energy[0] = infinity;
  map.energy[5] = std::nan("");
  map.energy[6] = 1e305;
  const std::string svg = to_svg(map);
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "inf") == 0);
  CHECK(count(svg, "nan") == 0);
  map.energy.pop_back();
  CHECK(count(to_svg(map), "<polygon") == 0);
}

TEST_CASE("contours lie where the energy is a multiple of the step") {
  valley_map map;
  map.columns = 3;
  map.rows = 2;
  map.energy = {0, 1, 4, 0, 1, 4};
  map.highest = 5;
  map.contour_step = 2;
  const std::string svg = to_svg(map);
  // Level 2 crosses between 1 and 4 at a third of the second cell, level 4 at its end.
  const double left = 18 + 46;
  const double right = 760 - 18;
  const double x = left + (right - left) * (1 + 1.0 / 3) / 2;
  CHECK(count(svg, "<line x1=\"" + svg_writer::coordinate(x) + "\"") == 1);
}

TEST_CASE("maps of nothing are pictures too") {
  CHECK(xml_fault(to_svg(valley_map{})) == "");
  valley_map odd{.title = "<&>", .columns = 1, .rows = 1, .energy = {1}};
  odd.x_low = odd.x_high = 3;
  odd.highest = -1;
  odd.contour_step = 0;
  odd.walks = {{"w", {infinity}, {0}}};
  CHECK(xml_fault(to_svg(odd)) == "");
}

}  // namespace
