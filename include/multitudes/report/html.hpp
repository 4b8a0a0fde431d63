// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/svg.hpp>
#include <multitudes/report/table.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace multitudes::report {

/// One self-contained page: text, tables and pictures in the order in which they are added, with
/// no script and nothing loaded from elsewhere; readable when printed. All text is escaped here;
/// only pictures are taken as they are, and must be documents of `svg_writer`.
class html_page {
 public:
  explicit html_page(std::string_view title)
      : out_(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
            escape_xml(title) + "</title>\n<style>\n" + std::string(style) +
            "</style>\n</head>\n<body>\n<h1>" + escape_xml(title) + "</h1>\n") {}

  /// `level` 2 to 4; what lies outside is brought inside.
  void heading(std::string_view text, int level = 2) {
    const std::string tag = "h" + std::to_string(std::clamp(level, 2, 4));
    element(tag, text);
  }
  void paragraph(std::string_view text) { element("p", text); }
  /// What somebody else said.
  void quotation(std::string_view text) { element("blockquote", text); }
  /// Text whose spaces and line breaks count.
  void verbatim(std::string_view text) { element("pre", text); }

  void add(const table& t) { out_ += t.to_html(); }

  /// A picture with what it shows.
  void figure(std::string_view svg, std::string_view caption) {
    out_ += "<figure>\n";
    out_ += svg;
    out_ += "<figcaption>" + escape_xml(caption) + "</figcaption>\n</figure>\n";
  }

  /// The document; the page is then empty.
  [[nodiscard]] std::string finish() {
    out_ += "</body>\n</html>\n";
    return std::move(out_);
  }

 private:
  static constexpr std::string_view style =
      "body { font: 16px/1.5 Georgia, 'Times New Roman', serif; color: #222; background: #fff;\n"
      "  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }\n"
      "h1, h2, h3, h4, table, figcaption { font-family: Helvetica, Arial, sans-serif; }\n"
      "h1, h2, h3, h4 { line-height: 1.2; break-after: avoid; }\n"
      "table { border-collapse: collapse; font-size: 0.85rem; margin: 1rem 0; }\n"
      "th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #ddd; text-align: left; }\n"
      "th { border-bottom: 2px solid #888; }\n"
      ".number { text-align: right; font-variant-numeric: tabular-nums; }\n"
      "blockquote { border-left: 4px solid #b5b5b5; margin: 1rem 0; padding: 0.1rem 1rem;\n"
      "  font-style: italic; }\n"
      "pre { white-space: pre-wrap; background: #f5f5f5; padding: 0.6rem; }\n"
      "figure { margin: 1.5rem 0; break-inside: avoid; }\n"
      "figure svg { max-width: 100%; height: auto; }\n"
      "figcaption { font-size: 0.85rem; color: #555; }\n";

  void element(const std::string& tag, std::string_view text) {
    out_ += "<" + tag + ">" + escape_xml(text) + "</" + tag + ">\n";
  }

  std::string out_;
};

}  // namespace multitudes::report
