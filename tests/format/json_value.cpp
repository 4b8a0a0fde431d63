// SPDX-License-Identifier: MIT
#include <multitudes/format/json_tree.hpp>
#include <multitudes/format/json_value.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

namespace {

namespace mt = multitudes;

mt::json::value value_of(std::string_view text) {
  auto tree = mt::json::tree::read(text, "test");
  REQUIRE_MESSAGE(tree.has_value(), tree.error().message());
  return mt::json::value(std::make_shared<const mt::json::tree>(*std::move(tree)));
}

TEST_CASE("A value is of one kind, and says so by what it gives") {
  const auto v = value_of(R"({"s": "a\u00e9", "i": -12, "x": 2.5e1, "t": true, "f": false,
                              "n": null, "l": [1, [2]], "o": {"a": {}}})");
  CHECK(v["s"].string() == "a\xC3\xA9");
  CHECK(v["i"].integer() == -12);
  CHECK(v["i"].number() == -12.0);
  CHECK(v["x"].number() == 25.0);
  CHECK_FALSE(v["x"].integer());
  CHECK(v["t"].boolean() == true);
  CHECK(v["f"].boolean() == false);
  CHECK(v["n"].is_null());
  CHECK(v["l"].is_list());
  CHECK(v["l"].size() == 2);
  CHECK(v["l"][1][0].integer() == 2);
  CHECK(v["o"].is_object());
  CHECK(v["o"].name(0) == "a");
  CHECK(v["o"]["a"].size() == 0);
  CHECK(v["o"].text() == R"({"a":{}})");
  for (const std::string_view name : {"i", "t", "n", "l", "o"}) CHECK_FALSE(v[name].string());
  for (const std::string_view name : {"s", "t", "n", "l", "o"}) CHECK_FALSE(v[name].number());
  for (const std::string_view name : {"s", "i", "n", "l", "o"}) CHECK_FALSE(v[name].boolean());
}

TEST_CASE("What is not there may be asked on, and is nothing") {
  const auto v = value_of(R"([{"a": 1}, "a"])");
  for (const auto& none : {v[2], v["a"], v[0]["b"], v[1]["a"], v[1][0], v[7]["x"][3], {}}) {
    CHECK_FALSE(none.is_there());
    CHECK_FALSE(none.string());
    CHECK_FALSE(none.number());
    CHECK_FALSE(none.integer());
    CHECK_FALSE(none.boolean());
    CHECK_FALSE(none.is_null());
    CHECK(none.size() == 0);
    CHECK(none.name(0).empty());
    CHECK(none.text().empty());
  }
}

TEST_CASE("A value keeps its text, and integers are exact or none") {
  const auto inner = [] { return value_of(R"({"deep": [{"n": 9007199254740993}]})")["deep"][0]; }();
  CHECK(inner["n"].integer() == 9'007'199'254'740'993);
  CHECK_FALSE(value_of("9223372036854775808").integer());
  CHECK(value_of("-9223372036854775808").integer() == std::numeric_limits<std::int64_t>::min());
  CHECK_FALSE(value_of("1.0").integer());
  CHECK_FALSE(value_of("1e2").integer());
}

}  // namespace
