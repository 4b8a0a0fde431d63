// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

TEST_CASE("only_layers keeps its layers and silences the others") {
  const persona p = persona_of(space_of_shape(4, 2), "p", {1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(values_in(p | only_layers(1, 2)) == std::vector<float>{0, 0, 3, 4, 5, 6, 0, 0});
  CHECK(values_in(p | only_layers(layer_index(3), layer_index(3))) ==
        std::vector<float>{0, 0, 0, 0, 0, 0, 7, 8});
}

TEST_CASE("only_layers is idempotent and distributes over +, bit for bit") {
  int failed = 0;
  for (int i = 0; i < 10000; ++i) {
    case_of_law c(30, static_cast<std::uint64_t>(i), i % 2 ? values_of::wild : values_of::ordinary);
    const persona p = c.next("p"), q = c.next("q");
    const std::size_t a = c.random().below(3);
    const std::size_t b = a + c.random().below(static_cast<std::uint32_t>(3 - a));
    const auto only = only_layers(a, b);
    failed += !same_bits(p | only | only, p | only);
    failed += !same_bits((p + 0.3f * q) | only, (p | only) + (0.3f * q | only));
    failed += !same_bits(p | only_layers(0, 2), p);
    failed += !same_bits(-(p | only), -p | only);
  }
  CHECK(failed == 0);
}

TEST_CASE("layers that do not exist are refused") {
  const persona p = persona_of(space_of_shape(2, 1), "p", {1, 2});
  const auto code_of = [&](std::size_t a, std::size_t b) {
    const auto valid = validate(p | only_layers(a, b));
    return valid ? "" : valid.error().message();
  };
  CHECK(code_of(0, 1).empty());
  CHECK(code_of(1, 2) ==
        "only_layers: residual_stream(model 0000000000000001, 2 layers, width 1): found layers 1 "
        "to 2, expected first <= last < 2");
  CHECK_FALSE(code_of(1, 0).empty());
  CHECK_FALSE(code_of(0, std::size_t{1} << 32).empty());
  CHECK(validate(zero_persona | only_layers(3, 9)));
}
