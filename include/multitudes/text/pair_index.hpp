// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/text/bpe_merge.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace multitudes::text {

/// Words with their counts as rows of symbols, and where each pair of neighbors occurs.
///
/// A pair gains places only in the step that makes the younger of its two symbols; from then on it
/// only loses some. Hence lists of places are in order and never grow again, those that were lost
/// may stay in them, and an entry of the queue can be too high but never too low.
class pair_index {
 public:
  struct pair {
    std::uint32_t left;
    std::uint32_t right;
  };

  explicit pair_index(std::uint64_t least_count)
      : least_(std::max(least_count, std::uint64_t{1})) {}

  static constexpr std::size_t max_bytes = std::numeric_limits<std::uint32_t>::max() - 1;

  /// The words must not have more than `max_bytes` together.
  void add_word(std::string_view word, std::uint64_t count) {
    const auto begin = static_cast<std::uint32_t>(symbols_.size());
    const auto end = begin + static_cast<std::uint32_t>(word.size());
    const auto number = static_cast<std::uint32_t>(counts_.size());
    counts_.push_back(count);
    for (std::uint32_t i = begin; i < end; ++i) {
      const auto byte = static_cast<unsigned char>(word[i - begin]);
      symbols_.push_back({byte, i == begin ? none : i - 1, i + 1 == end ? none : i + 1, number});
    }
    for (std::uint32_t i = begin; i + 1 < end; ++i) gain(i);
  }

  /// Takes out the most frequent pair; of equally frequent ones that of the smallest left number,
  /// then of the smallest right number. Nothing if none is as frequent as `least_count`.
  std::optional<pair> next() {
    queue_gained();
    while (!queue_.empty()) {
      std::pop_heap(queue_.begin(), queue_.end());
      const candidate best = queue_.back();
      queue_.pop_back();
      const auto found = pairs_.find(best.key);
      if (found->second.count == best.count) {
        places_ = std::move(found->second.places);
        pairs_.erase(found);
        return taken_ = pair{static_cast<std::uint32_t>(best.key >> 32),
                             static_cast<std::uint32_t>(best.key)};
      }
      queue(found);
    }
    return std::nullopt;
  }

  /// Merges the pair that `next` gave last into a symbol of a new number, leftmost first.
  void merge_into(std::uint32_t made) {
    for (const std::uint32_t place : places_) {
      symbol& left = symbols_[place];
      if (left.piece != taken_.left || left.next == none) continue;
      symbol& right = symbols_[left.next];
      if (right.piece != taken_.right) continue;
      if (left.previous != none) lose(left.previous);
      if (right.next != none) lose(left.next);
      left.piece = made;
      left.next = right.next;
      right.piece = no_piece;
      if (left.previous != none) gain(left.previous);
      if (left.next == none) continue;
      symbols_[left.next].previous = place;
      gain(place);
    }
  }

 private:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  struct symbol {
    std::uint32_t piece;     // no_piece: swallowed by a symbol further left
    std::uint32_t previous;  // this and next: places in `symbols_`, or `none`
    std::uint32_t next;
    std::uint32_t word;
  };
  struct occurrences {
    std::uint64_t count = 0;
    std::vector<std::uint32_t> places;  // of left symbols; some may be lost
  };
  using pair_map = std::unordered_map<std::uint64_t, occurrences>;
  struct candidate {
    std::uint64_t count;
    std::uint64_t key;

    bool operator<(const candidate& other) const noexcept {
      return count != other.count ? count < other.count : key > other.key;
    }
  };

  [[nodiscard]] std::uint64_t key_at(std::uint32_t place) const noexcept {
    const symbol& left = symbols_[place];
    return std::uint64_t{left.piece} << 32 | symbols_[left.next].piece;
  }
  void gain(std::uint32_t place) {
    const auto [found, is_new] = pairs_.try_emplace(key_at(place));
    if (is_new) gained_.push_back(found->first);
    found->second.count += counts_[symbols_[place].word];
    found->second.places.push_back(place);
  }
  /// Pairs that are being merged or became too rare are known no longer.
  void lose(std::uint32_t place) {
    const auto found = pairs_.find(key_at(place));
    if (found != pairs_.end()) found->second.count -= counts_[symbols_[place].word];
  }
  void queue_gained() {
    for (const std::uint64_t key : gained_) queue(pairs_.find(key));
    gained_.clear();
  }
  void queue(pair_map::iterator found) {
    if (found->second.count < least_) {
      pairs_.erase(found);
      return;
    }
    queue_.push_back({found->second.count, found->first});
    std::push_heap(queue_.begin(), queue_.end());
  }

  std::uint64_t least_;
  std::vector<symbol> symbols_;
  std::vector<std::uint64_t> counts_;  // (n_words)
  pair_map pairs_;
  std::vector<std::uint64_t> gained_;  // pairs that are not in the queue yet
  std::vector<candidate> queue_;       // a heap, each pair once
  pair taken_{};
  std::vector<std::uint32_t> places_;  // of the pair taken
};

}  // namespace multitudes::text
