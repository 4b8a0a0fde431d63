// SPDX-License-Identifier: MIT
#include "../report/xml_checker.hpp"

#include <multitudes/train/loss_curve.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

using namespace multitudes;
using multitudes_test::xml_fault;

TEST_CASE("a loss curve is a well-formed chart of what was measured") {
  const std::vector<train::curve_point> curve{
      {50, 100000, 5.5}, {100, 200000, 4.25, 4.5}, {150, 300000, 3.75}, {200, 400000, 3.5, 3.875}};
  const std::string svg = train::to_svg(curve, "Loss of <a> & \"b\"");
  CHECK(xml_fault(svg) == "");
  CHECK(svg.find("Loss of &lt;a&gt; &amp;") != std::string::npos);
  CHECK(svg.find("training") != std::string::npos);
  CHECK(svg.find("held out") != std::string::npos);
  CHECK(svg.find("nats per token") != std::string::npos);
  CHECK(svg.find("nan") == std::string::npos);
  const std::string without = train::to_svg(std::span(curve).first(1), "no measurement");
  CHECK(xml_fault(without) == "");
  CHECK(without.find("held out") == std::string::npos);
}

TEST_CASE("a curve without points, or without steps before a measurement, is well-formed") {
  CHECK(xml_fault(train::to_svg({}, "")) == "");
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  const std::vector<train::curve_point> measured_first{{0, 0, nothing, 6.0},
                                                       {50, 100000, 5.0, 5.25}};
  const std::string svg = train::to_svg(measured_first, "measured first");
  CHECK(xml_fault(svg) == "");
  CHECK(svg.find("nan") == std::string::npos);
}
