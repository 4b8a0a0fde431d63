// SPDX-License-Identifier: MIT
#include <multitudes/core/error.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace multitudes;

TEST_CASE("a message names operation, place, found, expected and remedy") {
  const error e{.code = errc::truncated,
                .operation = "load",
                .place = "model.gguf, byte 24",
                .found = "8 bytes",
                .expected = "16 bytes",
                .remedy = "download the file again"};
  CHECK(e.message() ==
        "load: model.gguf, byte 24: found 8 bytes, expected 16 bytes; download the file again");
}

TEST_CASE("fields that do not apply leave no trace in the message") {
  error e;
  e.operation = "compose";
  CHECK(e.message() == "compose");
  e.expected = "one space";
  CHECK(e.message() == "compose: expected one space");
  e.found = "two";
  CHECK(e.message() == "compose: found two, expected one space");
  e.expected.clear();
  CHECK(e.message() == "compose: found two");
  e.found.clear();
  e.remedy = "use rebase()";
  CHECK(e.message() == "compose; use rebase()");
}

TEST_CASE("every code has its own name") {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(errc::non_finite); ++code) {
    names.insert(std::string(name(static_cast<errc>(code))));
  }
  CHECK(names.size() == static_cast<std::size_t>(errc::non_finite) + 1);
  CHECK(!names.contains("unknown"));
  CHECK(name(static_cast<errc>(1000)) == "unknown");
}

TEST_CASE("errors compare by all their fields") {
  const error a{.code = errc::not_found, .operation = "find"};
  error b = a;
  CHECK(a == b);
  b.place = "elsewhere";
  CHECK(!(a == b));
}
