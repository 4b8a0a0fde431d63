// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace multitudes::text {

/// A symbol that is no piece by itself.
inline constexpr std::uint32_t no_piece = std::numeric_limits<std::uint32_t>::max();

/// What a pair of neighbours would become; the smallest rank is merged first.
struct merge_result {
  std::uint32_t rank = 0;
  std::uint32_t piece = no_piece;
};

/// Byte-pair encoding of one stretch of text: neighbours are merged, the best pair first and the
/// leftmost among equals, until no pair is left. It keeps its memory from one text to the next.
class bpe_merger {
 public:
  struct symbol {
    std::size_t begin;     // in bytes of the text
    std::size_t size;      // 0: swallowed by a symbol further left
    std::size_t previous;  // this and next: indices of symbols, or `none`
    std::size_t next;
    std::uint32_t piece;
  };

  void clear() noexcept {
    symbols_.clear();
    end_ = 0;
  }
  /// Adds the symbol that covers the next `size` > 0 bytes.
  void push(std::size_t size, std::uint32_t piece) {
    const std::size_t index = symbols_.size();
    symbols_.push_back({end_, size, index == 0 ? none : index - 1, none, piece});
    if (index != 0) symbols_[index - 1].next = index;
    end_ += size;
  }

  /// Merges while `find(left, right)`, an optional `merge_result` of two symbols, gives anything.
  ///
  /// Cost:    O(n log n) for n symbols, and at most 3 n calls of `find`.
  template <class Find>
  void merge(Find&& find) {
    queue_.clear();
    for (std::size_t i = 1; i < symbols_.size(); ++i) consider(i - 1, i, find);
    while (!queue_.empty()) {
      std::pop_heap(queue_.begin(), queue_.end(), later);
      const candidate best = queue_.back();
      queue_.pop_back();
      symbol& left = symbols_[best.left];
      // A candidate is stale once either of its symbols grew or was swallowed.
      if (left.size == 0 || left.next == none) continue;
      symbol& right = symbols_[left.next];
      if (left.size + right.size != best.size || left.next != best.right) continue;
      left.size = best.size;
      left.piece = best.piece;
      left.next = right.next;
      right.size = 0;
      if (left.next != none) symbols_[left.next].previous = best.left;
      if (left.previous != none) consider(left.previous, best.left, find);
      if (left.next != none) consider(best.left, left.next, find);
    }
  }

  /// Calls `visit(symbol)` for what is left, in order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = symbols_.empty() ? none : 0; i != none; i = symbols_[i].next) {
      visit(symbols_[i]);
    }
  }

 private:
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  struct candidate {
    std::size_t left;
    std::size_t right;
    std::size_t size;
    std::uint32_t rank;
    std::uint32_t piece;
  };
  static bool later(const candidate& a, const candidate& b) noexcept {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  }
  template <class Find>
  void consider(std::size_t left, std::size_t right, Find& find) {
    const std::optional<merge_result> found = find(symbols_[left], symbols_[right]);
    if (!found) return;
    queue_.push_back(
        {left, right, symbols_[left].size + symbols_[right].size, found->rank, found->piece});
    std::push_heap(queue_.begin(), queue_.end(), later);
  }

  std::vector<symbol> symbols_;
  std::vector<candidate> queue_;
  std::size_t end_ = 0;
};

}  // namespace multitudes::text
