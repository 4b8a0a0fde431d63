// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>

namespace multitudes {

/// A fixed number of equal pieces of memory, lent to parallel chunks while they run: as many as an
/// executor's `concurrency()`. What a piece holds when lent is unspecified.
class scratch_pool {
 public:
  /// A lent piece; it goes back at the end of its scope.
  class lease {
   public:
    lease(lease&& other) noexcept
        : memory_(other.memory_), taken_(std::exchange(other.taken_, nullptr)) {}
    lease& operator=(lease&&) = delete;
    ~lease() {
      if (taken_ != nullptr) taken_->store(false, std::memory_order_release);
    }
    [[nodiscard]] std::span<std::byte> memory() const noexcept { return memory_; }

   private:
    friend scratch_pool;
    lease(std::span<std::byte> memory, std::atomic<bool>& taken) noexcept
        : memory_(memory), taken_(&taken) {}
    std::span<std::byte> memory_;
    std::atomic<bool>* taken_;
  };

  scratch_pool() = default;

  /// Errors:  out_of_memory; invalid_argument without pieces.
  static expected<scratch_pool> make(std::size_t n_pieces, std::size_t bytes) {
    const std::size_t each = arena_bytes<std::byte>(bytes);
    const auto all = (checked_size(n_pieces) * checked_size(each)).get();
    scratch_pool pool;
    const bool is_countable = all && each >= bytes;  // rounding up may go past the largest size
    if (is_countable) pool.memory_ = heap_block(*all);
    if (n_pieces == 0 || !is_countable || pool.memory_.bytes().size() != *all) {
      return fail(
          {.code = n_pieces == 0 ? errc::invalid_argument : errc::out_of_memory,
           .operation = "make scratch pool",
           .place = {},
           .found = std::to_string(n_pieces) + " pieces of " + std::to_string(bytes) + " bytes",
           .expected = n_pieces == 0 ? "at least one" : "a size that this machine can give",
           .remedy = {}});
    }
    pool.taken_ = std::make_unique<std::atomic<bool>[]>(n_pieces);
    pool.n_pieces_ = n_pieces;
    pool.bytes_ = each;
    return pool;
  }

  /// Waits, yielding, while all pieces are lent: never for long when there are as many pieces as
  /// chunks run at the same time.
  [[nodiscard]] lease borrow() noexcept {
    for (;;) {
      for (std::size_t i = 0; i < n_pieces_; ++i) {
        if (!taken_[i].exchange(true, std::memory_order_acquire)) {
          return {memory_.bytes().subspan(i * bytes_, bytes_), taken_[i]};
        }
      }
      std::this_thread::yield();
    }
  }

  [[nodiscard]] std::size_t n_pieces() const noexcept { return n_pieces_; }

 private:
  heap_block memory_;
  std::unique_ptr<std::atomic<bool>[]> taken_;
  std::size_t n_pieces_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace multitudes
