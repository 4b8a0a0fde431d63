// SPDX-License-Identifier: MIT
#pragma once

#include "long_run.hpp"

#include <multitudes/core/philox.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace multitudes_test {

/// How many damaged files to try for each format.
inline int mutant_count() { return sample_count(10'000, 1'000'000); }

/// A file with one to four things changed: bits, bytes, numbers, its length, a piece left out or
/// repeated, two bytes swapped.
inline std::vector<std::byte> mutate(std::vector<std::byte> bytes, multitudes::philox& random) {
  constexpr std::array<std::uint64_t, 8> numbers{
      0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFFFFFF, ~0ull};
  const auto place = [&] { return random.below(static_cast<std::uint32_t>(bytes.size())); };
  for (std::uint32_t left = 1 + random.below(4); left > 0 && !bytes.empty(); --left) {
    const std::size_t at = place();
    const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t length = std::min<std::size_t>(1 + random.below(16), bytes.size() - at);
    const auto end = here + static_cast<std::ptrdiff_t>(length);
    switch (random.below(8)) {
      case 0: bytes[at] ^= std::byte{1} << random.below(8); break;
      case 1: bytes[at] = static_cast<std::byte>(random.below(256)); break;
      case 2:
        std::memcpy(&bytes[at], &numbers[random.below(8)], std::min<std::size_t>(8, length));
        break;
      case 3: bytes.resize(at); break;
      case 4: bytes.erase(here, end); break;
      case 5: {
        const std::vector<std::byte> piece(here, end);
        bytes.insert(end, piece.begin(), piece.end());
        break;
      }
      case 6: std::swap(bytes[at], bytes[place()]); break;
      default: bytes[at] = static_cast<std::byte>('0' + random.below(10)); break;
    }
  }
  return bytes;
}

}  // namespace multitudes_test
