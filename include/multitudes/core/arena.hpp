// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>

namespace multitudes {

/// Every piece taken from an arena starts on its own cache line.
inline constexpr std::size_t arena_alignment = 64;

/// The bytes that `count` elements of T take from an arena.
template <class T>
constexpr std::size_t arena_bytes(std::size_t count) noexcept {
  return (count * sizeof(T) + arena_alignment - 1) / arena_alignment * arena_alignment;
}

/// Hands out pieces of memory that the caller owns. Nothing is given back singly; running out is
/// an error value.
class arena {
 public:
  explicit arena(std::span<std::byte> memory) noexcept : memory_(memory) {}

  /// The next `count` elements, set to T{}.
  ///
  /// Errors:  out_of_memory if the piece does not fit; the arena is then unchanged.
  template <class T>
    requires(std::is_trivially_copyable_v<T> && alignof(T) <= arena_alignment)
  expected<std::span<T>> take(std::size_t count) {
    auto piece = take_uninitialized<T>(count);
    if (piece) std::uninitialized_value_construct_n(piece->data(), count);
    return piece;
  }

  /// The same without touching the memory: large pieces then cost nothing until they are used.
  template <class T>
    requires(std::is_trivially_copyable_v<T> && alignof(T) <= arena_alignment)
  expected<std::span<T>> take_uninitialized(std::size_t count) {
    const auto start = reinterpret_cast<std::uintptr_t>(memory_.data()) + used_;
    const std::size_t padding = (arena_alignment - start % arena_alignment) % arena_alignment;
    const std::size_t left = memory_.size() - used_;
    if (padding > left || count > (left - padding) / sizeof(T)) {
      return fail({.code = errc::out_of_memory,
                   .operation = "arena",
                   .place = {},
                   .found = std::to_string(left) + " bytes left",
                   .expected = std::to_string(count) + " elements of " + std::to_string(sizeof(T)) +
                               " bytes",
                   .remedy = "give it required_bytes() of what is built in it"});
    }
    T* first = reinterpret_cast<T*>(memory_.data() + used_ + padding);
    used_ += padding + count * sizeof(T);
    return std::span<T>(first, count);
  }

  [[nodiscard]] std::size_t used() const noexcept { return used_; }

 private:
  std::span<std::byte> memory_;
  std::size_t used_ = 0;
};

/// Aligned memory from the heap, for callers who have no arena of their own.
class heap_block {
 public:
  heap_block() = default;
  explicit heap_block(std::size_t bytes)
      // Close to the largest size, an allocator may round up past zero.
      : memory_(bytes > std::numeric_limits<std::size_t>::max() / 2
                    ? nullptr
                    : static_cast<std::byte*>(::operator new[](
                          bytes, std::align_val_t(arena_alignment), std::nothrow))),
        size_(memory_ ? bytes : 0) {
    ask_for_large_pages();
  }

  [[nodiscard]] std::span<std::byte> bytes() const noexcept {
    return {memory_.get(), memory_ ? size_ : 0};  // a moved-from block keeps its size
  }

 private:
  struct release {
    void operator()(std::byte* p) const noexcept {
      ::operator delete[](p, std::align_val_t(arena_alignment));
    }
  };

  /// What is read from one end to the other again and again should not wait for page tables.
  void ask_for_large_pages() const noexcept {
#if defined(__linux__)
    constexpr std::size_t large_page = std::size_t{1} << 21;
    const auto start = reinterpret_cast<std::uintptr_t>(memory_.get());
    const std::size_t skipped = (large_page - start % large_page) % large_page;
    if (size_ < skipped + large_page) return;
    // Advice only: where it is not taken, nothing changes.
    ::madvise(memory_.get() + skipped, (size_ - skipped) / large_page * large_page, MADV_HUGEPAGE);
#endif
  }

  std::unique_ptr<std::byte[], release> memory_;
  std::size_t size_ = 0;
};

}  // namespace multitudes
