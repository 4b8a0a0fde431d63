// SPDX-License-Identifier: MIT
// What docs/embedding.md shows is what examples/embed_engine.cpp compiles.
#include "quotes.hpp"

#include <doctest/doctest.h>

#include <string>

using multitudes_test::contents;
using multitudes_test::region;

TEST_CASE("docs/embedding.md quotes the example") {
  const std::string page = contents("docs/embedding.md");
  const auto is_quoted = [&](const char* name, std::size_t indent) {
    CAPTURE(name);
    const std::string lines = region("examples/embed_engine.cpp", name, indent);
    CHECK(page.find("```cpp\n" + lines + "```\n") != std::string::npos);
  };
  is_quoted("set-up", 2);
  is_quoted("frame", 4);
  is_quoted("box2d", 0);
  is_quoted("jolt", 0);
}
