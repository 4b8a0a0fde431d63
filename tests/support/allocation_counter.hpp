// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace multitudes_test {

/// Allocations that this program has made so far; counted by tests/support/allocation_counter.cpp.
std::size_t allocations_so_far() noexcept;

/// Counts what is allocated from now on.
class allocation_counter {
 public:
  [[nodiscard]] std::size_t allocations() const noexcept { return allocations_so_far() - start_; }

 private:
  std::size_t start_ = allocations_so_far();
};

}  // namespace multitudes_test
