// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

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

}  // namespace multitudes_test
