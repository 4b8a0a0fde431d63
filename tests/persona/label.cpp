// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

namespace {

persona named(std::string label) {
  return persona_of(space_of_shape(2, 1), std::move(label), {1.0f, 2.0f});
}

}  // namespace

TEST_CASE("the label of an expression is its own text") {
  const persona bard = named("bard"), chemist = named("chemist"), king = named("king");
  CHECK(label_of(bard) == "bard");
  CHECK(label_of(0.6f * bard + 0.4f * chemist) == "0.6*bard + 0.4*chemist");
  CHECK(label_of(bard * 2 - chemist) == "2*bard - chemist");
  CHECK(label_of(-bard) == "-bard");
  CHECK(label_of(bard / 4) == "0.25*bard");
  CHECK(label_of(bard + zero_persona) == "bard + zero_persona");
  CHECK(label_of(bard | only_layers(0, 1)) == "bard | only_layers(0, 1)");
  CHECK(label_of(bard | without(0.5 * king)) == "bard | without(0.5*king)");
  CHECK(label_of(blend(bard, chemist + king, 0.25f)) == "blend(bard, chemist + king, 0.25)");
}

TEST_CASE("parentheses stand where the text would read differently without them") {
  const persona a = named("a"), b = named("b"), c = named("c");
  CHECK(label_of(a + b + c) == "a + b + c");
  CHECK(label_of(a + (b + c)) == "a + (b + c)");
  CHECK(label_of(a - b - c) == "a - b - c");
  CHECK(label_of(a - (b - c)) == "a - (b - c)");
  CHECK(label_of(2 * (a + b)) == "2*(a + b)");
  CHECK(label_of(2 * (3 * a)) == "2*(3*a)");
  CHECK(label_of(-(a + b)) == "-(a + b)");
  CHECK(label_of(-(-a)) == "-(-a)");
  CHECK(label_of(a + -b) == "a + -b");
  CHECK(label_of((a + b) | only_layers(0, 0)) == "(a + b) | only_layers(0, 0)");
  CHECK(label_of(a + (b | only_layers(0, 0))) == "a + (b | only_layers(0, 0))");
  CHECK(label_of((b | only_layers(0, 0)) + a) == "(b | only_layers(0, 0)) + a");
  CHECK(label_of(2 * (a | without(b))) == "2*(a | without(b))");
  CHECK(label_of(2 * a | without(b) | only_layers(0, 1)) == "2*a | without(b) | only_layers(0, 1)");
  CHECK(label_of(a | without(b | only_layers(0, 1))) == "a | without(b | only_layers(0, 1))");
  CHECK(label_of(2 * blend(a, b, 1)) == "2*blend(a, b, 1)");
}

TEST_CASE("a label that is not one word is set apart") {
  const persona knight = named("sad knight"), poet = named("poète_2");
  CHECK(label_of(knight) == "sad knight");
  CHECK(label_of(knight + poet) == "(sad knight) + poète_2");
  const auto hybrid = materialize(0.5f * knight + poet);
  REQUIRE(hybrid);
  CHECK(hybrid->label() == "0.5*(sad knight) + poète_2");
  CHECK(label_of(2 * *hybrid) == "2*(0.5*(sad knight) + poète_2)");
}

TEST_CASE("weights are written as short as they can be read back") {
  const persona p = named("p");
  CHECK(label_of(0.1f * p) == "0.1*p");
  CHECK(label_of(0.1 * p) == "0.1*p");
  CHECK(label_of((1.0 / 3.0) * p) == "0.3333333333333333*p");
  CHECK(label_of((1.0f / 3.0f) * p) == "0.33333334*p");
  CHECK(label_of(1e-30f * p) == "1e-30*p");
  CHECK(label_of(1e300 * p) == "1e+300*p");
  CHECK(label_of(-0.5f * p) == "-0.5*p");
}
