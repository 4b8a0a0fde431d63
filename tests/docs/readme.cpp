// SPDX-License-Identifier: MIT
// What the documents quote must be what the examples say.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

namespace {

std::string contents(const std::string& name) {
  std::ifstream in(std::string(MULTITUDES_SOURCE_DIR) + "/" + name, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), name);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The lines of a source file between its two markers `// [name]`.
std::string region(const std::string& file, const std::string& name) {
  const std::string text = contents(file);
  const std::string marker = "// [" + name + "]\n";
  const std::size_t first = text.find(marker);
  REQUIRE(first != std::string::npos);
  const std::size_t last = text.find(marker, first + 1);
  REQUIRE(last != std::string::npos);
  return text.substr(first + marker.size(), last - first - marker.size());
}

}  // namespace

TEST_CASE("the README quotes the smallest program as it is") {
  CHECK(contents("README.md").find(region("examples/smallest.cpp", "smallest")) !=
        std::string::npos);
}

TEST_CASE("the smallest program has at most twelve lines") {
  const std::string program = region("examples/smallest.cpp", "smallest");
  CHECK(std::count(program.begin(), program.end(), '\n') <= 12);
}
