// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>

namespace multitudes_test {

/// How many cases to try: a sample in `./dev test`, all of them in `./dev check`.
inline int sample_count(int sample, int full) {
  return std::getenv("MULTITUDES_LONG_TESTS") ? full : sample;
}

}  // namespace multitudes_test
