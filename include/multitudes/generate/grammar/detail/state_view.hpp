// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace multitudes::detail {

/// The start of a character whose bytes have not all come. Where all that may follow is allowed
/// (`decided`), nothing else about it matters, and its bits are left out: states that allow the
/// same are then the same.
struct partial_character {
  std::uint32_t missing = 0;  ///< bytes, 0 to 3
  std::uint32_t size = 0;     ///< bytes, all of them
  bool decided = false;
  std::uint32_t bits = 0;  ///< of its number, those that have come

  [[nodiscard]] constexpr std::uint32_t packed() const noexcept {
    return missing | size << 2 | (decided ? 1u : 0u) << 5 | bits << 6;
  }
  static constexpr partial_character unpacked(std::uint32_t word) noexcept {
    return {word & 3, word >> 2 & 7, (word >> 5 & 1) != 0, word >> 6};
  }
  /// The smallest number that is not written in fewer bytes.
  [[nodiscard]] constexpr std::uint32_t least() const noexcept {
    return size < 2 ? 0u : size == 2 ? 0x80u : size == 3 ? 0x800u : 0x10000u;
  }
};

/// A state as numbers in a row. An item is a place that waits for a character, with the frame to
/// return to; a frame is a set of ways to go on after a rule: each a place and the frame after
/// that. Frame 0 is the end of the text and has no ways. Frames are shared, and may lead back to
/// themselves (left recursion): a finite picture of all stacks that are possible.
///
///   [n_items, n_frames, may_end, partial character]
///   (place, frame) for each item, sorted
///   for frames 1 to n_frames: the end of its ways, counted from the first way of all
///   (place, frame) for each way
class state_view {
 public:
  static constexpr std::size_t header = 4;
  struct entry {
    std::uint32_t place;
    std::uint32_t frame;
  };

  explicit state_view(std::span<const std::uint32_t> words) noexcept : words_(words) {}

  [[nodiscard]] std::size_t n_items() const noexcept { return words_[0]; }
  [[nodiscard]] std::size_t n_frames() const noexcept { return words_[1]; }
  [[nodiscard]] bool may_end() const noexcept { return words_[2] != 0; }
  [[nodiscard]] partial_character partial() const noexcept {
    return partial_character::unpacked(words_[3]);
  }
  [[nodiscard]] entry item(std::size_t i) const noexcept { return entry_at(header + 2 * i); }
  [[nodiscard]] std::size_t first_way(std::size_t frame) const noexcept {
    return frame <= 1 ? 0 : words_[header + 2 * n_items() + frame - 2];
  }
  [[nodiscard]] std::size_t last_way(std::size_t frame) const noexcept {
    return frame == 0 ? 0 : words_[header + 2 * n_items() + frame - 1];
  }
  [[nodiscard]] entry way(std::size_t i) const noexcept {
    return entry_at(header + 2 * n_items() + n_frames() + 2 * i);
  }

 private:
  [[nodiscard]] entry entry_at(std::size_t i) const noexcept { return {words_[i], words_[i + 1]}; }

  std::span<const std::uint32_t> words_;
};

}  // namespace multitudes::detail
