// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>

namespace multitudes_test {

/// How many cases to try: a sample in `./dev test`, all of them in `./dev check`.
inline int sample_count(int sample, int full) {
  return std::getenv("MULTITUDES_LONG_TESTS") ? full : sample;
}

/// Fewer, visibly, where `./dev emulate` runs the tests: a second here is a minute there.
inline std::size_t fewer_if_emulated(std::size_t few, std::size_t all) {
  if (!std::getenv("MULTITUDES_EMULATED")) return all;
  MESSAGE("emulated: " << few << " instead of " << all);
  return few;
}

}  // namespace multitudes_test
