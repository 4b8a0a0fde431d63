// SPDX-License-Identifier: MIT
#include <multitudes/format/json_tree.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

namespace mt = multitudes;
using mt::json::tree;

TEST_CASE("A tree says again what it has read, in the fewest characters") {
  const auto t =
      tree::read(" { \"a\" : [ 1 , \"\\u0041\\n\" , { } , [ ] ] , \"b\" : null } ", "test");
  REQUIRE(t);
  CHECK(t->compact(0) == R"({"a":[1,"A\u000a",{},[]],"b":null})");
  const std::size_t items = (*t)[0].find("a");
  CHECK(t->place((*t)[items].items[1]) == "#/a/1");
  CHECK((*t)[0].find("c") == tree::none);
}

TEST_CASE("What is too deep or too large is refused, in the words of who reads it") {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  CHECK(tree::read(nested(tree::max_depth), "test"));
  const auto deep = tree::read(nested(tree::max_depth + 2), "call");
  REQUIRE_FALSE(deep);
  CHECK(deep.error().code == mt::errc::unsupported);
  CHECK(deep.error().place.starts_with("call, byte "));
  std::string wide = "[0";
  for (std::size_t i = 0; i < tree::max_nodes; ++i) wide += ",0";
  CHECK(tree::read(wide + "]", "test").error().code == mt::errc::unsupported);
  const std::string large(tree::max_bytes, ' ');
  CHECK(tree::read(large + "1", "test").error().code == mt::errc::unsupported);
  CHECK(tree::read("{\"a\":1,\"a\":2}", "test").error().code == mt::errc::malformed);
  CHECK(tree::read("[1", "test").error().code == mt::errc::truncated);
  CHECK(tree::read("", "test").error().code == mt::errc::truncated);
  CHECK(tree::read("[1] 2", "test").error().code == mt::errc::malformed);
}

}  // namespace
