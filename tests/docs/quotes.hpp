// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <cstdarg>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace multitudes_test {

inline std::string contents(const std::string& name) {
  std::ifstream in(std::string(MULTITUDES_SOURCE_DIR) + "/" + name, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), name);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The lines of a source file between its two markers `// [name]`, without `indent` spaces.
inline std::string region(const std::string& file, const std::string& name,
                          std::size_t indent = 0) {
  const std::string text = contents(file);
  const std::string marker = std::string(indent, ' ') + "// [" + name + "]\n";
  const std::size_t first = text.find(marker);
  REQUIRE(first != std::string::npos);
  const std::size_t last = text.find(marker, first + 1);
  REQUIRE(last != std::string::npos);
  std::string lines = text.substr(first + marker.size(), last - first - marker.size());
  const std::string margin = "\n" + std::string(indent, ' ');
  for (std::size_t at = 0; (at = lines.find(margin, at)) != std::string::npos; ++at) {
    lines.erase(at + 1, indent);
  }
  return lines.substr(indent);
}

/// A text without the spaces that begin its lines.
inline std::string unindented(const std::string& text) {
  std::string result;
  bool beginning = true;
  for (const char c : text) {
    if (beginning && c == ' ') continue;
    result += c;
    beginning = c == '\n';
  }
  return result;
}

/// What the examples of a page have printed so far.
inline std::string printed;

inline void print(const char* format, ...) {
  char line[256];
  std::va_list arguments;
  va_start(arguments, format);
  static_cast<void>(std::vsnprintf(line, sizeof line, format, arguments));
  va_end(arguments);
  printed += line;
}

/// The page has this region of this file, and under it `output`, if there is any.
/// A page of the documentation and the test whose regions it quotes.
struct quoted_page {
  const char* source;
  const char* page;

  /// The page quotes the region between two lines `// [name]`, and then its output.
  void check(const std::string& name, const std::string& output = {}) const {
    const std::string text = contents(source);
    const std::string marker = "// [" + name + "]\n";
    const std::size_t first = text.find(marker);
    REQUIRE_MESSAGE(first != std::string::npos, name);
    const std::size_t begin = first + marker.size(), end = text.find(marker, begin);
    REQUIRE_MESSAGE(end != std::string::npos, name);
    const std::string wanted = "```cpp\n" + unindented(text.substr(begin, end - begin)) + "```\n" +
                               (output.empty() ? "" : "\n" + output);
    CHECK_MESSAGE(unindented(contents(page)).find(wanted) != std::string::npos, name << ":\n"
                                                                                     << wanted);
  }
};

}  // namespace multitudes_test
