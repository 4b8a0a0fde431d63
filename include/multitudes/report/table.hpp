// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/detail/utf8.hpp>
#include <multitudes/report/svg.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::report {

enum class alignment { left, right };

/// A column of a table: its heading, and `right` for numbers.
struct column {
  std::string heading;
  alignment align = alignment::left;
};

/// Rows of words and numbers (see `fixed`) as text for people. Cells are one line: line breaks and
/// other control characters become spaces.
class table {
 public:
  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

  /// A row with too few cells ends in empty ones; one with too many widens the table.
  void add_row(std::vector<std::string> cells) {
    while (columns_.size() < cells.size()) columns_.push_back({});
    rows_.push_back(std::move(cells));
  }

  /// Columns in line where every character is one wide, two spaces apart, under a rule; no spaces
  /// at the ends of lines.
  [[nodiscard]] std::string to_text() const {
    const auto all = cells(one_line);
    const auto widths = column_widths(all, 0);
    std::string out;
    for (std::size_t r = 0; r < all.size(); ++r) {
      out += joined(all[r], widths, "  ");
      if (r != 0) continue;
      std::vector<std::string> rule;
      for (const std::size_t width : widths) rule.emplace_back(width, '-');
      out += joined(rule, widths, "  ");
    }
    return out;
  }

  /// The same as a Markdown table, its columns in line in the source as well.
  [[nodiscard]] std::string to_markdown() const {
    if (columns_.empty()) return {};
    const auto all = cells(markdown_cell);
    const auto widths = column_widths(all, 3);  // the shortest rule that every reader accepts
    std::string out;
    for (std::size_t r = 0; r < all.size(); ++r) {
      out += "|";
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        out += " " + padded(all[r][c], widths[c], columns_[c].align) + " |";
      }
      out += "\n";
      if (r != 0) continue;
      out += "|";
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        const bool is_right = columns_[c].align == alignment::right;
        out += " " + std::string(widths[c] - (is_right ? 1 : 0), '-') + (is_right ? ": |" : " |");
      }
      out += "\n";
    }
    return out;
  }

  /// The same as an HTML table; cells of numbers have the class `number`.
  [[nodiscard]] std::string to_html() const {
    if (columns_.empty()) return {};
    const auto all = cells(one_line);
    std::string out = "<table>\n";
    for (std::size_t r = 0; r < all.size(); ++r) {
      const std::string tag = r == 0 ? "th" : "td";
      out += r == 0 ? "<thead>\n<tr>" : "<tr>";
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        const bool is_right = columns_[c].align == alignment::right;
        out += "<" + tag + (is_right ? " class=\"number\">" : ">") + escape_xml(all[r][c]) + "</" +
               tag + ">";
      }
      out += r == 0 ? "</tr>\n</thead>\n<tbody>\n" : "</tr>\n";
    }
    return out + "</tbody>\n</table>\n";
  }

 private:
  static std::string one_line(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7F) c = ' ';
    }
    return out;
  }
  static std::string markdown_cell(std::string_view text) {
    std::string out = one_line(text);
    for (std::size_t at = out.find_first_of("|\\"); at != std::string::npos;
         at = out.find_first_of("|\\", at + 2)) {
      out.insert(at, "\\");
    }
    return out;
  }
  static std::string padded(const std::string& text, std::size_t width, alignment align) {
    const std::size_t used = detail::n_characters(text);
    const std::string space(width > used ? width - used : 0, ' ');
    return align == alignment::right ? space + text : text + space;
  }

  /// The heading and all rows, every one as long as the table is wide.
  [[nodiscard]] std::vector<std::vector<std::string>> cells(
      std::string (*clean)(std::string_view)) const {
    std::vector<std::vector<std::string>> all(rows_.size() + 1);
    for (const column& c : columns_) all[0].push_back(clean(c.heading));
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      for (const std::string& cell : rows_[r]) all[r + 1].push_back(clean(cell));
      all[r + 1].resize(columns_.size());
    }
    return all;
  }
  [[nodiscard]] std::vector<std::size_t> column_widths(
      const std::vector<std::vector<std::string>>& all, std::size_t least) const {
    std::vector<std::size_t> widths(columns_.size(), least);
    for (const auto& row : all) {
      for (std::size_t c = 0; c < row.size(); ++c) {
        widths[c] = std::max(widths[c], detail::n_characters(row[c]));
      }
    }
    return widths;
  }
  [[nodiscard]] std::string joined(const std::vector<std::string>& row,
                                   const std::vector<std::size_t>& widths,
                                   std::string_view between) const {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c != 0) line += between;
      line += padded(row[c], widths[c], columns_[c].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
  }

  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace multitudes::report
