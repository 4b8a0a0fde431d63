// SPDX-License-Identifier: MIT
#include <multitudes/core/function_ref.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

using namespace multitudes;

namespace {

int apply(function_ref<int(int)> f) { return f(20); }
int twice(int v) { return 2 * v; }

struct counter {
  int calls = 0;
  int operator()(int v) { return v + ++calls; }
};

}  // namespace

static_assert(sizeof(function_ref<void()>) == 2 * sizeof(void*));
static_assert(std::is_trivially_copyable_v<function_ref<void()>>);
static_assert(!std::is_constructible_v<function_ref<int(int)>, std::string>);
static_assert(!std::is_constructible_v<function_ref<std::string(int)>, counter&>);
static_assert(!std::is_default_constructible_v<function_ref<void()>>);

TEST_CASE("a function_ref calls what it refers to") {
  CHECK(apply([](int v) { return v + 1; }) == 21);
  int (*pointer)(int) = twice;
  CHECK(apply(pointer) == 40);
  const auto constant = [](int v) { return v - 1; };
  CHECK(apply(constant) == 19);
}

TEST_CASE("it refers, it does not copy") {
  counter c;
  function_ref<int(int)> f = c;
  const function_ref<int(int)> g = f;
  CHECK(f(0) == 1);
  CHECK(g(0) == 2);
  CHECK(c.calls == 2);
}

TEST_CASE("a result that nobody wants is dropped") {
  counter c;
  const function_ref<void(int)> f = c;
  f(1);
  CHECK(c.calls == 1);
}

TEST_CASE("arguments are passed on as they are") {
  auto take = [](std::unique_ptr<int> p) { return *p; };
  const function_ref<int(std::unique_ptr<int>)> f = take;
  CHECK(f(std::make_unique<int>(3)) == 3);
  auto change = [](std::string& s) { s += "!"; };
  const function_ref<void(std::string&)> g = change;
  std::string text = "a";
  g(text);
  CHECK(text == "a!");
}
