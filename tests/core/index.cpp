// SPDX-License-Identifier: MIT
#include <multitudes/core/index.hpp>

#include <doctest/doctest.h>

#include <concepts>
#include <type_traits>

using namespace multitudes;

template <class A, class B>
concept comparable = requires(A a, B b) { a == b; };

static_assert(!std::is_convertible_v<int, layer_index>);
static_assert(!std::is_convertible_v<layer_index, std::uint32_t>);
static_assert(!std::is_constructible_v<layer_index, position>);
static_assert(comparable<layer_index, layer_index>);
static_assert(!comparable<layer_index, position>);
static_assert(!comparable<layer_index, std::size_t>);
static_assert(sizeof(token_id) == 4);

TEST_CASE("an index starts at 0, counts and compares") {
  layer_index layer;
  CHECK(layer.value == 0);
  ++layer;
  CHECK(layer == layer_index(1));
  CHECK(layer_index(1) < layer_index(2));
  CHECK((++layer).value == 2);
}
