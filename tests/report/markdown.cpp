// SPDX-License-Identifier: MIT
#include <multitudes/report/markdown.hpp>

#include <doctest/doctest.h>
#include <tests/support/long_run.hpp>

#include <sstream>
#include <string>

using multitudes::report::alignment;
using multitudes::report::markdown_page;

TEST_CASE("a page of Markdown has its parts one under the other") {
  markdown_page page("Title");
  page.heading("Part", 1);
  page.heading("Deep", 9);
  page.paragraph("Some text.\nAnd more.");
  page.quotation("Said.");
  multitudes::report::table t({{"who"}, {"share", alignment::right}});
  t.add_row({"a", "0.5"});
  page.add(t);
  CHECK(page.finish() ==
        "# Title\n\n## Part\n\n#### Deep\n\nSome text. And more.\n\n> Said.\n\n"
        "| who | share |\n| --- | ----: |\n| a   |   0.5 |\n");
  CHECK(page.finish().empty());
}

TEST_CASE("markup in a text is text") {
  markdown_page page("a*b");
  page.paragraph("*x* _y_ <b> `c` [d](e) \\ # ~~f~~ \x01g");
  CHECK(page.finish() ==
        "# a\\*b\n\n\\*x\\* \\_y\\_ \\<b\\> \\`c\\` \\[d](e) \\\\ \\# \\~\\~f\\~\\~ g\n");
}

TEST_CASE("lines are folded at 100 columns, between words, and begin no list") {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "word - 12. \xC3\xA9\xC3\xA9\xC3\xA9 + ";
  for (const bool quotes : {false, true}) {
    markdown_page page("t");
    quotes ? page.quotation(text) : page.paragraph(text);
    std::istringstream lines(page.finish());
    std::string all;
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line.front() == '#') continue;
      // A word that would begin a list stays on the line before, which is then a little longer.
      CHECK(multitudes::report::detail::n_characters(line) <= 106);
      if (quotes) {
        CHECK(line.starts_with("> "));
        line.erase(0, 2);
      }
      CHECK((line.starts_with("word") || line.starts_with("\xC3\xA9")));
      all += line + " ";
    }
    CHECK(all == text);
  }
}

TEST_CASE("a text that begins like a list is escaped, and a long word is not broken") {
  const auto paragraph = [](std::string_view text) {
    markdown_page page("t");
    page.paragraph(text);
    return page.finish().substr(5);
  };
  CHECK(paragraph("- a") == "\\- a\n");
  CHECK(paragraph("7. a") == "7\\. a\n");
  CHECK(paragraph("--- a") == "--\\- a\n");
  CHECK(paragraph("7 a") == "7 a\n");
  CHECK(paragraph("-0.5 nats") == "-0.5 nats\n");
  CHECK(paragraph("") == "\n");
  const std::string word(150, 'w');
  CHECK(paragraph("a " + word + " b") == "a\n" + word + "\nb\n");
}
