// SPDX-License-Identifier: MIT
#include <multitudes/core/expected.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace multitudes;

namespace {

error bad(const char* operation) { return {.code = errc::malformed, .operation = operation}; }

struct no_default {
  explicit no_default(int v) : value(v) {}
  int value;
};

expected<int> half(int v) {
  if (v % 2 != 0) return fail(bad("half"));
  return v / 2;
}

constexpr int constant_evaluation() {
  expected<int, int> good = 20;
  expected<int, int> failed = unexpected<int>(3);
  return *good + failed.error() + failed.value_or(100);
}

}  // namespace

static_assert(constant_evaluation() == 123);
static_assert(std::is_default_constructible_v<expected<int>>);
static_assert(std::is_default_constructible_v<expected<void>>);
static_assert(!std::is_default_constructible_v<expected<no_default>>);
// As in std::expected, a conversion that is explicit stays explicit.
static_assert(std::is_convertible_v<const char*, expected<std::string>>);
static_assert(std::is_constructible_v<expected<std::vector<int>>, int>);
static_assert(!std::is_convertible_v<int, expected<std::vector<int>>>);
static_assert(!std::is_convertible_v<expected<int>, bool>);
static_assert(!std::is_copy_constructible_v<expected<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_constructible_v<expected<std::unique_ptr<int>>>);
static_assert(std::is_same_v<expected<int>::value_type, int>);
static_assert(std::is_same_v<expected<int>::error_type, error>);
static_assert(std::is_same_v<decltype(*std::declval<expected<int>&>()), int&>);
static_assert(std::is_same_v<decltype(*std::declval<const expected<int>&>()), const int&>);
static_assert(std::is_same_v<decltype(*std::declval<expected<int>>()), int&&>);

TEST_CASE("an expected holds a value or an error") {
  expected<int> good = 7;
  CHECK(good);
  CHECK(good.has_value());
  CHECK(*good == 7);
  *good = 8;
  CHECK(std::as_const(good).value_or(0) == 8);

  expected<int> failed = fail(bad("test"));
  CHECK(!failed);
  CHECK(failed.error().code == errc::malformed);
  CHECK(failed.error().operation == "test");
  CHECK(failed.value_or(5) == 5);
}

TEST_CASE("a default expected holds a default value") {
  CHECK(*expected<int>() == 0);
  CHECK(expected<void>().has_value());
}

TEST_CASE("assignment changes which of the two is held") {
  expected<std::string> e = "value";
  e = fail(bad("later"));
  CHECK(!e);
  CHECK(e.error().operation == "later");
  e = std::string("again");
  REQUIRE(e);
  CHECK(e->size() == 5);
}

TEST_CASE("an expected moves what cannot be copied") {
  expected<std::unique_ptr<int>> e = std::make_unique<int>(4);
  REQUIRE(e);
  expected<std::unique_ptr<int>> other = std::move(e);
  std::unique_ptr<int> taken = *std::move(other);
  CHECK(*taken == 4);
  CHECK(*other == nullptr);
}

TEST_CASE("and_then goes on from a value and passes an error on") {
  CHECK(*half(12).and_then(half) == 3);
  const auto failed = half(6).and_then(half).and_then(half);
  CHECK(!failed);
  CHECK(failed.error().operation == "half");
  const auto owned =
      expected<std::unique_ptr<int>>(std::make_unique<int>(8)).and_then([](std::unique_ptr<int> p) {
        return half(*p);
      });
  CHECK(*owned == 4);
}

TEST_CASE("and_then is not called on an error") {
  bool called = false;
  (void)half(1).and_then([&](int) {
    called = true;
    return expected<void>();
  });
  CHECK(!called);
}

TEST_CASE("transform wraps what the function returns") {
  const expected<std::string> text = half(6).transform([](int v) { return std::to_string(v); });
  CHECK(*text == "3");
  int seen = 0;
  const expected<void> nothing = half(6).transform([&](int v) { seen = v; });
  CHECK(nothing);
  CHECK(seen == 3);
  CHECK(!half(5).transform([](int v) { return v; }));
}

TEST_CASE("an expected void chains like any other") {
  expected<void> good;
  CHECK(*std::move(good).and_then([] { return half(4); }) == 2);
  CHECK(*expected<void>().transform([] { return 9; }) == 9);
  expected<void> failed = fail(bad("void"));
  const auto passed_on = std::move(failed).transform([] { return 9; });
  CHECK(passed_on.error().operation == "void");
}

TEST_CASE("forward_error passes the error to an expected of another type") {
  const auto caller = []() -> expected<std::string> {
    auto number = half(3);
    if (!number) return forward_error(number);
    return "unreached";
  };
  CHECK(caller().error().operation == "half");
  const auto direct = []() -> expected<void> { return forward_error(half(3)); };
  CHECK(direct().error().operation == "half");
}
