// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/observe/valley_picture.hpp>
#include <tests/report/xml_checker.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace {

namespace mt = multitudes;
using multitudes::stats::gaussian_mixture;
using multitudes_test::count;
using multitudes_test::xml_fault;

TEST_CASE("a landscape is drawn with its valleys, passes and walks") {
  const auto m = *gaussian_mixture::make(
      {{1, {0, 0, 0}, {1, 0, 0, 0, 1, 0, 0, 0, 1}}, {1, {6, 1, 2}, {1, 0, 0, 0, 1, 0, 0, 0, 1}}});
  const std::vector<std::string> labels{"bard & co", "chemist"};
  mt::philox random(1);
  mt::valley_options how;
  how.n_draws = 100;
  const auto land = *mt::find_valleys(m, labels, how, random);
  const std::vector<mt::valley_walk> walks{{"talk", {0, 0, 0, 3, 1, 1, 6, 1, 2}}};
  const auto map = *mt::draw_valleys(m, land, walks, 20);
  CHECK(map.energy.size() == 400);
  CHECK(map.valleys.size() == 2);
  CHECK(map.passes.size() == 2);
  CHECK(map.walks[0].x == std::vector<double>{0, 3, 6});
  CHECK(map.walks[0].y == std::vector<double>{0, 1, 1});
  const std::string svg = mt::report::to_svg(map);
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, ">bard &amp; co<") == 2);
  const std::vector<mt::valley_walk> wrong{{"talk", {0, 0}}};
  CHECK(mt::draw_valleys(m, land, wrong).error().place == "walk talk");
  const std::size_t one[] = {0};
  CHECK(mt::draw_valleys(*m.marginal(one), land).error().place == "axes");
}

TEST_CASE("depth against width shows every persona at every stage") {
  mt::valley_measure bard{};
  bard.label = "bard";
  bard.depth = {2, {1, 3}};
  bard.mass = {0.3, {0.2, 0.4}};
  mt::valley_measure deeper = bard;
  deeper.depth = {4, {3, 5}};
  const std::vector<mt::valley_stage> stages{{"base", {bard}}, {"feedback", {deeper}}};
  const auto chart = mt::depth_against_width(stages, "What feedback did");
  REQUIRE(chart.points.size() == 2);
  CHECK(chart.points[1].y == 4);
  CHECK(chart.points[1].series == 1);
  CHECK(chart.series == std::vector<std::string>{"base", "feedback"});
  CHECK(xml_fault(mt::report::to_svg(chart)) == "");
  CHECK(mt::depth_against_width(std::span(stages).first(1), "").series.empty());
}

}  // namespace
