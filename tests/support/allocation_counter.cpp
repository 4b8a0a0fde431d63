// SPDX-License-Identifier: MIT

#include "allocation_counter.hpp"

#include <multitudes/config/compiler.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> largest{0};

}  // namespace

std::size_t multitudes_test::allocations_so_far() noexcept { return allocations; }
std::size_t multitudes_test::take_largest_allocation() noexcept { return largest.exchange(0); }

// Never inlined, because g++ then takes the mixture of new and free for a mistake.
MULTITUDES_NOINLINE void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  std::size_t seen = largest;
  while (seen < size && !largest.compare_exchange_weak(seen, size)) {
  }
  return std::malloc(size ? size : 1);
}
MULTITUDES_NOINLINE void* operator new(std::size_t size) {
  if (void* p = operator new(size, std::nothrow)) return p;
  std::abort();
}
MULTITUDES_NOINLINE void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return operator new(size, std::nothrow);
}
MULTITUDES_NOINLINE void* operator new[](std::size_t size) { return operator new(size); }
MULTITUDES_NOINLINE void operator delete(void* p) noexcept { std::free(p); }
MULTITUDES_NOINLINE void operator delete(void* p, std::size_t) noexcept { std::free(p); }
MULTITUDES_NOINLINE void operator delete[](void* p) noexcept { std::free(p); }
MULTITUDES_NOINLINE void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
