// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/detail/utf8.hpp>
#include <multitudes/report/number.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::report {

/// Text as it may stand in XML, between tags or in a quoted attribute. What is not UTF-8, and
/// what XML cannot hold (most control characters), becomes a replacement character.
inline std::string escape_xml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const detail::character c = detail::first_character(text);
    const bool control = c.value < 0x20 && c.value != '\t' && c.value != '\n' && c.value != '\r';
    if (c.value == '&') {
      out += "&amp;";
    } else if (c.value == '<') {
      out += "&lt;";
    } else if (c.value == '>') {
      out += "&gt;";
    } else if (c.value == '"') {
      out += "&quot;";
    } else if (c.value == '\'') {
      out += "&#39;";
    } else if (control || c.value == detail::replacement_character || c.value == 0xFFFE ||
               c.value == 0xFFFF) {
      out += "\xEF\xBF\xBD";
    } else {
      out += text.substr(0, c.n_bytes);
    }
    text.remove_prefix(c.n_bytes);
  }
  return out;
}

/// A place on the page: pixels to the right of and below the upper left corner.
struct svg_point {
  double x = 0;
  double y = 0;
};

/// How a text stands at its point.
struct svg_text_style {
  double size = 12;
  std::string_view anchor = "start";  ///< or `middle`, `end`
  std::string_view fill = "#333333";
  bool bold = false;
  bool halo = false;  ///< a white rim, where it may cross lines
};

/// Writes SVG elements one after another. Coordinates are rounded to hundredths, so that the same
/// picture is the same bytes everywhere.
class svg_writer {
 public:
  /// A white page; `title` is what screen readers say.
  svg_writer(double width, double height, std::string_view title) {
    const std::string w = coordinate(width);
    const std::string h = coordinate(height);
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"" + w + "\" height=\"" +
           h + "\" viewBox=\"0 0 " + w + " " + h +
           "\" font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n<title>" +
           escape_xml(title) + "</title>\n<rect width=\"" + w + "\" height=\"" + h +
           "\" fill=\"#ffffff\"/>\n";
  }

  /// Opens a group that moves what follows; `attributes` is markup of the library's own.
  void open_group(svg_point shift, std::string_view attributes = {}) {
    out_ += "<g";
    if (shift.x != 0 || shift.y != 0) {
      out_ += " transform=\"translate(" + coordinate(shift.x) + " " + coordinate(shift.y) + ")\"";
    }
    out_ += attributes;
    out_ += ">\n";
    ++open_;
  }
  void close_group() {
    if (open_ == 0) return;
    out_ += "</g>\n";
    --open_;
  }

  void line(svg_point from, svg_point to, std::string_view attributes) {
    out_ += "<line x1=\"" + coordinate(from.x) + "\" y1=\"" + coordinate(from.y) + "\" x2=\"" +
            coordinate(to.x) + "\" y2=\"" + coordinate(to.y) + "\"";
    out_ += attributes;
    out_ += "/>\n";
  }
  void polyline(const std::vector<svg_point>& points, std::string_view attributes) {
    shape("polyline", points, attributes);
  }
  void polygon(const std::vector<svg_point>& points, std::string_view attributes) {
    shape("polygon", points, attributes);
  }
  void circle(svg_point at, double radius, std::string_view attributes) {
    out_ += "<circle cx=\"" + coordinate(at.x) + "\" cy=\"" + coordinate(at.y) + "\" r=\"" +
            coordinate(radius) + "\"";
    out_ += attributes;
    out_ += "/>\n";
  }
  /// `content` is escaped here.
  void text(svg_point at, std::string_view content, const svg_text_style& style) {
    // Twice rather than with paint-order, which older viewers do not know.
    if (style.halo) {
      text_once(at, content, style,
                " stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\"");
    }
    text_once(at, content, style, {});
  }

  /// The document; the writer is then empty.
  [[nodiscard]] std::string finish() {
    while (open_ != 0) close_group();
    out_ += "</svg>\n";
    return std::move(out_);
  }

  /// A number as short as hundredths allow: 12.5 is `12.5`, 3 is `3`.
  static std::string coordinate(double value) {
    std::string text = fixed(value, 2);
    if (text.find('.') == std::string::npos) return text;
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  }

 private:
  void shape(std::string_view name, const std::vector<svg_point>& points,
             std::string_view attributes) {
    out_ += '<';
    out_ += name;
    out_ += " points=\"";
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (i != 0) out_ += ' ';
      out_ += coordinate(points[i].x) + "," + coordinate(points[i].y);
    }
    out_ += '"';
    out_ += attributes;
    out_ += "/>\n";
  }
  void text_once(svg_point at, std::string_view content, const svg_text_style& style,
                 std::string_view attributes) {
    out_ += "<text x=\"" + coordinate(at.x) + "\" y=\"" + coordinate(at.y) + "\" font-size=\"" +
            coordinate(style.size) + "\" text-anchor=\"";
    out_ += style.anchor;
    out_ += "\" fill=\"";
    out_ += style.fill;
    out_ += style.bold ? "\" font-weight=\"bold\"" : "\"";
    out_ += attributes;
    out_ += ">" + escape_xml(content) + "</text>\n";
  }

  std::string out_;
  int open_ = 0;
};

/// About how many pixels wide a text is at a font size. No font is measured: the figures are
/// those of the widest of the usual sans-serif ones (DejaVu), so that texts rather have room.
constexpr double text_width(std::string_view text, double size) noexcept {
  double ems = 0;
  while (!text.empty()) {
    const detail::character c = detail::first_character(text);
    const std::string_view thin = "il.,:;|!'()[]{}jtfrI ";
    const bool is_ascii = c.value < 0x80;
    if (is_ascii && thin.find(static_cast<char>(c.value)) != std::string_view::npos) {
      ems += 0.38;
    } else if (c.value >= 0x1100) {
      ems += c.value >= 0x2000 && c.value < 0x2E80 ? 0.84 : 1.0;  // signs; square scripts
    } else {
      const bool is_wide = (c.value >= 'A' && c.value <= 'Z') || c.value == 'm' || c.value == 'w';
      ems += is_wide ? 0.82 : 0.62;
    }
    text.remove_prefix(c.n_bytes);
  }
  return ems * size;
}

/// Breaks a text into lines of about `width` pixels, between words where it can. What does not
/// fit into `max_lines` is cut off, and an ellipsis says so.
inline std::vector<std::string> wrap_text(std::string_view text, double size, double width,
                                          std::size_t max_lines) {
  std::vector<std::string> lines;
  std::string current;
  std::size_t last_space = 0;  // in `current`; 0: none
  while (!text.empty() && lines.size() < max_lines) {
    const std::size_t n_bytes = detail::first_character(text).n_bytes;
    const bool is_space = text.front() == ' ' || text.front() == '\n';
    const std::string_view next = is_space ? std::string_view(" ") : text.substr(0, n_bytes);
    if (!current.empty() && text_width(current, size) + text_width(next, size) > width) {
      const bool inside_word = !is_space && last_space != 0;
      lines.push_back(current.substr(0, inside_word ? last_space : current.size()));
      current.erase(0, inside_word ? last_space + 1 : current.size());
      last_space = 0;
    }
    if (is_space && !current.empty()) last_space = current.size();
    if (!is_space || !current.empty()) current += next;
    text.remove_prefix(n_bytes);
  }
  if (!current.empty()) {
    if (lines.size() < max_lines) {
      lines.push_back(current);
    } else if (!lines.empty()) {
      lines.back() += "\xE2\x80\xA6";
    }
  }
  return lines;
}

}  // namespace multitudes::report
