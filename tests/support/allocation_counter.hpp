// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace multitudes_test {

/// Allocations that this program has made so far; counted by tests/support/allocation_counter.cpp.
std::size_t allocations_so_far() noexcept;
/// The bytes of the largest of them since this was last called.
std::size_t take_largest_allocation() noexcept;

/// Counts what is allocated from now on; one at a time.
class allocation_counter {
 public:
  allocation_counter() noexcept { take_largest_allocation(); }

  [[nodiscard]] std::size_t allocations() const noexcept { return allocations_so_far() - start_; }
  /// The bytes of the largest since this was last called.
  [[nodiscard]] std::size_t largest() const noexcept { return take_largest_allocation(); }

 private:
  std::size_t start_ = allocations_so_far();
};

}  // namespace multitudes_test
