// SPDX-License-Identifier: MIT
// What the documents quote must be what the examples say.
#include "quotes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace multitudes_test;

TEST_CASE("the README quotes the smallest program as it is") {
  CHECK(contents("README.md").find(region("examples/smallest.cpp", "smallest")) !=
        std::string::npos);
}

TEST_CASE("the smallest program has at most twelve lines") {
  const std::string program = region("examples/smallest.cpp", "smallest");
  CHECK(std::count(program.begin(), program.end(), '\n') <= 12);
}
