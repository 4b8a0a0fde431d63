// SPDX-License-Identifier: MIT
// What docs/embedding.md shows is what examples/embed_engine.cpp and examples/ecs.cpp compile.
#include "quotes.hpp"

#include <doctest/doctest.h>

#include <string>

using multitudes_test::contents;
using multitudes_test::region;

TEST_CASE("docs/embedding.md quotes the examples") {
  const std::string page = contents("docs/embedding.md");
  const auto is_quoted = [&](const char* file, const char* name, std::size_t indent) {
    CAPTURE(name);
    const std::string lines = region(file, name, indent);
    CHECK(page.find("```cpp\n" + lines + "```\n") != std::string::npos);
  };
  is_quoted("examples/embed_engine.cpp", "set-up", 2);
  is_quoted("examples/embed_engine.cpp", "frame", 4);
  is_quoted("examples/embed_engine.cpp", "box2d", 0);
  is_quoted("examples/embed_engine.cpp", "jolt", 0);
  is_quoted("examples/embed_engine.cpp", "save", 2);
  is_quoted("examples/ecs.cpp", "tools", 0);
  is_quoted("examples/ecs.cpp", "speak", 2);
  is_quoted("examples/ecs.cpp", "tell", 2);
}
