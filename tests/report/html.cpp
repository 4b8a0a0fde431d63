// SPDX-License-Identifier: MIT
#include <multitudes/report/html.hpp>

#include <doctest/doctest.h>
#include <tests/report/xml_checker.hpp>

#include <string>

namespace {

using namespace multitudes::report;

/// The part of a page that is strict XML: its body.
std::string body_of(const std::string& page) {
  const std::size_t from = page.find("<body>");
  const std::size_t to = page.find("</body>") + std::string_view("</body>").size();
  return page.substr(from, to - from) + "\n";
}

std::string page_of_everything() {
  html_page page("Who <speaks>");
  page.heading("First & last");
  page.heading("Deep", 9);
  page.paragraph("1 < 2");
  page.quotation("so & so");
  page.verbatim("a\n  b");
  table t({{"who"}, {"share", alignment::right}});
  t.add_row({"<b>", "0.5"});
  page.add(t);
  svg_writer picture(10, 10, "dot");
  page.figure(picture.finish(), "A \"dot\"");
  return page.finish();
}

}  // namespace

TEST_CASE("a page's body is well-formed and all text in it is escaped") {
  const std::string page = page_of_everything();
  CHECK(multitudes_test::xml_fault(body_of(page)) == "");
  for (const char* part :
       {"<title>Who &lt;speaks&gt;</title>", "<h1>Who &lt;speaks&gt;</h1>",
        "<h2>First &amp; last</h2>", "<h4>Deep</h4>", "<p>1 &lt; 2</p>",
        "<blockquote>so &amp; so</blockquote>", "<pre>a\n  b</pre>",
        "<td>&lt;b&gt;</td><td class=\"number\">0.5</td>", "<figcaption>A &quot;dot&quot;"}) {
    INFO(part);
    CHECK(page.find(part) != std::string::npos);
  }
}

TEST_CASE("a page loads nothing and runs nothing") {
  const std::string page = page_of_everything();
  for (const char* part : {"<script", "src=", "href=", "@import", "url(", "onload"}) {
    INFO(part);
    CHECK(page.find(part) == std::string::npos);
  }
}

TEST_CASE("a table without columns is nothing in HTML") { CHECK(table({}).to_html().empty()); }
