// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/report/svg.hpp>
#include <tests/report/xml_checker.hpp>

#include <limits>
#include <string>
#include <vector>

namespace {

using namespace multitudes::report;
using multitudes_test::xml_fault;

TEST_CASE("the checker of these tests finds what is wrong with XML") {
  CHECK(xml_fault("<a><b c=\"1\"/>x &amp; y</a>\n") == "");
  for (const char* bad : {"", "<a>", "<a></b>", "<a/><b/>", "<a x=1/>", "<a x=\"1\" x=\"2\"/>",
                          "<a>&</a>", "<a>&bad;</a>", "<a b=\"&\"/>", "<a>></a>", "<a b=\"<\"/>",
                          "<a\"/>", "x<a/>", "<a>\x01</a>", "<a"}) {
    INFO(bad);
    CHECK(xml_fault(bad) != "");
  }
}

TEST_CASE("text is escaped for XML") {
  CHECK(escape_xml("a < b && c > \"d\" 'e'") ==
        "a &lt; b &amp;&amp; c &gt; &quot;d&quot; &#39;e&#39;");
  CHECK(escape_xml("na\xC3\xAF" "ve \xF0\x9F\x98\x80") == "na\xC3\xAF" "ve \xF0\x9F\x98\x80");
  CHECK(escape_xml("tab\tline\n") == "tab\tline\n");
}

TEST_CASE("what XML cannot hold becomes a replacement character") {
  const std::string mark = "\xEF\xBF\xBD";
  CHECK(escape_xml(std::string_view("\0\x1B[0m", 5)) == mark + mark + "[0m");
  CHECK(escape_xml("\xE2\x82") == mark + mark);
  CHECK(escape_xml("\xEF\xBF\xBE") == mark);
  CHECK(escape_xml(mark) == mark);
}

TEST_CASE("coordinates are short and have no signed zero") {
  CHECK(svg_writer::coordinate(12.5) == "12.5");
  CHECK(svg_writer::coordinate(3) == "3");
  CHECK(svg_writer::coordinate(100) == "100");
  CHECK(svg_writer::coordinate(-0.001) == "0");
  CHECK(svg_writer::coordinate(1.0 / 3) == "0.33");
}

TEST_CASE("a document with every element is well formed") {
  svg_writer svg(100, 50, "T & <t>");
  svg.open_group({1, 2}, " opacity=\"0.5\"");
  svg.line({0, 0}, {1, 1}, " stroke=\"#000000\"");
  svg.polyline({{0, 0}, {1, 1}}, "");
  svg.polygon({{0, 0}, {1, 1}, {2, 0}}, "");
  svg.polygon({}, "");
  svg.circle({3, 3}, 2, "");
  svg.text({1, 1}, "a < b", {.bold = true, .halo = true});
  const std::string text = svg.finish();
  CHECK(xml_fault(text) == "");
  CHECK(text.find("<title>T &amp; &lt;t&gt;</title>") != std::string::npos);
  CHECK(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  CHECK(multitudes_test::count(text, "a &lt; b") == 2);
}

TEST_CASE("groups that are not closed, or closed too often, leave the document well formed") {
  svg_writer svg(1, 1, "");
  svg.close_group();
  svg.open_group({});
  svg.open_group({});
  CHECK(xml_fault(svg.finish()) == "");
}

TEST_CASE("text is wrapped between words where it can be and nothing is lost") {
  const std::string text = "the quick brown fox jumps over the lazy dog";
  const auto lines = wrap_text(text, 10, 80, 99);
  CHECK(lines.size() > 2);
  std::string joined;
  for (const std::string& line : lines) {
    CHECK(text_width(line, 10) <= 80);
    joined += (joined.empty() ? "" : " ") + line;
  }
  CHECK(joined == text);
}

TEST_CASE("a word without spaces is broken anywhere but inside a character") {
  std::string word;
  for (int i = 0; i < 50; ++i) word += "\xC3\xAF";
  std::string joined;
  for (const std::string& line : wrap_text(word, 10, 33, 99)) {
    CHECK(line.size() % 2 == 0);
    joined += line;
  }
  CHECK(joined == word);
}

TEST_CASE("what does not fit ends in an ellipsis") {
  const auto lines = wrap_text("the quick brown fox jumps over the lazy dog", 10, 80, 2);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].ends_with("\xE2\x80\xA6"));
  CHECK_FALSE(lines[0].ends_with("\xE2\x80\xA6"));
  CHECK(wrap_text("fits", 10, 80, 1) == std::vector<std::string>{"fits"});
  CHECK(wrap_text("", 10, 80, 1).empty());
  CHECK(wrap_text("   ", 10, 80, 1).empty());
  CHECK(wrap_text("wide", 10, 0, 9).size() == 4);
}

}  // namespace
