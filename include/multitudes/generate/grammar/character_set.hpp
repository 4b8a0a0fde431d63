// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace multitudes {

/// Characters from `first` to `last`, both included.
struct character_range {
  char32_t first = 0;
  char32_t last = 0;

  friend constexpr auto operator<=>(const character_range&, const character_range&) = default;
};

/// A set of Unicode characters (scalar values: never a surrogate, nothing above U+10FFFF).
class character_set {
 public:
  static constexpr char32_t last_character = 0x10FFFF;

  character_set() = default;
  /// In any order, overlapping or not; what is no character is left out.
  explicit character_set(std::vector<character_range> ranges) {
    std::sort(ranges.begin(), ranges.end());
    for (const character_range r : ranges) {
      append(r.first, std::min<char32_t>(r.last, 0xD7FF));
      append(std::max<char32_t>(r.first, 0xE000), std::min(r.last, last_character));
    }
    for (const character_range r : ranges_) {
      for (char32_t c = r.first; c <= r.last && c < 128; ++c) {
        ascii_[c / 64] |= std::uint64_t{1} << (c % 64);
      }
    }
  }
  static character_set one(char32_t c) { return character_set({{c, c}}); }
  static character_set all() { return character_set({{0, last_character}}); }

  /// All characters but these.
  [[nodiscard]] character_set negated() const {
    std::vector<character_range> rest;
    char32_t next = 0;
    for (const character_range r : ranges_) {
      if (next < r.first) rest.push_back({next, r.first - 1});
      next = r.last + 1;
    }
    if (next <= last_character) rest.push_back({next, last_character});
    return character_set(std::move(rest));
  }

  [[nodiscard]] bool contains(char32_t c) const noexcept {
    if (c < 128) return (ascii_[c / 64] >> (c % 64) & 1) != 0;
    return meets(c, c);
  }
  /// One of the characters from `first` to `last` is in the set.
  [[nodiscard]] bool meets(char32_t first, char32_t last) const noexcept {
    const auto r = ending_at_or_after(first);
    return r != ranges_.end() && r->first <= last;
  }
  /// All of the numbers from `first` to `last` are characters of the set.
  [[nodiscard]] bool covers(char32_t first, char32_t last) const noexcept {
    const auto r = ending_at_or_after(first);
    return r != ranges_.end() && r->first <= first && last <= r->last;
  }
  [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
  /// The size in UTF-8 of the shortest character; the set must not be empty.
  [[nodiscard]] std::uint32_t fewest_bytes() const noexcept {
    const char32_t least = ranges_.front().first;
    return least < 0x80 ? 1 : least < 0x800 ? 2 : least < 0x10000 ? 3 : 4;
  }
  /// Sorted, apart from each other.
  [[nodiscard]] std::span<const character_range> ranges() const noexcept { return ranges_; }

 private:
  [[nodiscard]] std::vector<character_range>::const_iterator ending_at_or_after(
      char32_t c) const noexcept {
    return std::partition_point(ranges_.begin(), ranges_.end(),
                                [c](const character_range& r) { return r.last < c; });
  }

  void append(char32_t first, char32_t last) {
    if (first > last) return;
    if (!ranges_.empty() && first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, last);
    } else {
      ranges_.push_back({first, last});
    }
  }

  std::vector<character_range> ranges_;
  std::array<std::uint64_t, 2> ascii_{};  // the same for the first 128 characters, one bit each
};

}  // namespace multitudes
