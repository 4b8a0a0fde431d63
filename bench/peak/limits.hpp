// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace multitudes_bench {

/// How fast a number of threads read memory of one size together, each its own part of it.
struct read_limit {
  std::uint64_t bytes = 0;  ///< of all threads together
  std::uint64_t bytes_per_second = 0;

  friend bool operator==(const read_limit&, const read_limit&) = default;
};

/// How fast a number of threads multiply and add; a dot product of n pairs counts 2 n operations.
struct operation_limit {
  std::uint64_t per_second = 0;  ///< 0: the processor has no such instruction
  std::string with = {};         ///< what was run: "avx512f", "plain loop"

  friend bool operator==(const operation_limit&, const operation_limit&) = default;
};

/// What a machine can do at most, measured.
struct limits {
  std::uint64_t threads = 0;
  std::string reads_with = {};
  std::vector<read_limit> reads = {};
  operation_limit f32 = {};
  operation_limit bf16 = {};
  operation_limit int8 = {};

  friend bool operator==(const limits&, const limits&) = default;
};

/// The middle of the numbers, the upper one of two middles; 0 of none.
template <class T>
T median(std::vector<T> x) {
  if (x.empty()) return {};
  const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
  std::nth_element(x.begin(), middle, x.end());
  return *middle;
}

}  // namespace multitudes_bench
