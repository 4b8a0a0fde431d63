// SPDX-License-Identifier: MIT
#include <multitudes/report/heat_map.hpp>

#include <doctest/doctest.h>
#include <tests/report/xml_checker.hpp>

#include <limits>
#include <string>

namespace {

using namespace multitudes::report;

heat_map small_map() {
  return {.title = "A <map>",
          .x_label = "weight of q",
          .y_label = "weight of p",
          .columns = {"0", "0.5", "1"},
          .rows = {"0", "1"},
          .panels = {{"both", {0, 0.25, 0.5, 0.75, 1, std::numeric_limits<double>::quiet_NaN()}},
                     {"neither", {1, 1}}}};
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

double light(double share) {
  const auto c = multitudes::report::detail::heat_color(share);
  return 0.3 * c[0] + 0.6 * c[1] + 0.1 * c[2];
}

}  // namespace

TEST_CASE("a heat map is well-formed and says every number once") {
  const std::string svg = to_svg(small_map());
  CHECK(multitudes_test::xml_fault(svg) == "");
  for (const char* number : {">0.00<", ">0.25<", ">0.50<", ">0.75<"})
    CHECK(count(svg, number) == 1);
  CHECK(count(svg, ">1.00<") == 3);
  CHECK(count(svg, "<polygon") == 12);
  CHECK(svg.find("A &lt;map&gt;") != std::string::npos);
}

TEST_CASE("a heat map's cells without a number stay white") {
  heat_map m = small_map();
  m.panels = {{"nothing", {}}};
  const std::string svg = to_svg(m);
  CHECK(multitudes_test::xml_fault(svg) == "");
  CHECK(count(svg, "rgb(255,255,255)") == 6);
  CHECK(svg.find("nan") == std::string::npos);
}

TEST_CASE("a heat map's colors darken with the value and stop at the ends of the scale") {
  for (double share = 0; share < 0.99; share += 0.05) CHECK(light(share + 0.05) < light(share));
  CHECK(light(-3) == light(0));
  CHECK(light(9) == light(1));
}

TEST_CASE("a heat map of nothing is a picture") {
  CHECK(multitudes_test::xml_fault(to_svg(heat_map{})) == "");
}
