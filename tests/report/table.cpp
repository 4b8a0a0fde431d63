// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/report/number.hpp>
#include <multitudes/report/table.hpp>

#include <string>

namespace {

using namespace multitudes::report;

table results() {
  table t({{"strength", alignment::right}, {"persona"}, {"nats", alignment::right}});
  t.add_row({fixed(-0.5, 2), "gloomy", fixed(-12.25, 2)});
  t.add_row({fixed(0.5, 2), "na\xC3\xAF" "ve", fixed(3, 2)});
  return t;
}

TEST_CASE("a text table lines up words on the left and numbers on the right") {
  CHECK(results().to_text() ==
        "strength  persona    nats\n"
        "--------  -------  ------\n"
        "   -0.50  gloomy   -12.25\n"
        "    0.50  na\xC3\xAF" "ve      3.00\n");
}

TEST_CASE("a Markdown table says how its columns are aligned") {
  CHECK(results().to_markdown() ==
        "| strength | persona |   nats |\n"
        "| -------: | ------- | -----: |\n"
        "|    -0.50 | gloomy  | -12.25 |\n"
        "|     0.50 | na\xC3\xAF" "ve   |   3.00 |\n");
}

TEST_CASE("bars and backslashes are escaped in Markdown and line breaks are spaces in both") {
  table t({{"a"}});
  t.add_row({"x|y\\|\nz"});
  CHECK(t.to_markdown() == "| a          |\n| ---------- |\n| x\\|y\\\\\\| z |\n");
  CHECK(t.to_text() == "a\n-------\nx|y\\| z\n");
}

TEST_CASE("rows may be shorter or longer than the heading") {
  table t({{"a"}, {"b", alignment::right}});
  t.add_row({"1"});
  t.add_row({"1", "2", "3"});
  CHECK(t.to_text() == "a  b\n-  -  -\n1\n1  2  3\n");
  CHECK(t.to_markdown() ==
        "| a   |   b |     |\n| --- | --: | --- |\n| 1   |     |     |\n| 1   |   2 | 3   |\n");
}

TEST_CASE("a table without rows is its heading, and one without columns is empty") {
  CHECK(table({{"only"}}).to_text() == "only\n----\n");
  CHECK(table({}).to_markdown() == "");
}

}  // namespace
