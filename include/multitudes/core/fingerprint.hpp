// SPDX-License-Identifier: MIT
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace multitudes {

/// 64 bits that tell two things apart: models, plans, spaces. Not a defence against forgery.
struct fingerprint {
  std::uint64_t value = 0;

  friend constexpr auto operator<=>(fingerprint, fingerprint) = default;
};

/// Sixteen hexadecimal digits.
inline std::string to_string(fingerprint f) {
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) {
    text[i] = "0123456789abcdef"[(f.value >> (60 - 4 * i)) & 15];
  }
  return text;
}

/// Collects what a fingerprint depends on, in order.
///
/// Cost:    one multiplication for each 8 bytes.
class fingerprint_builder {
  // Before its callers: Clang 14 finds it in constant expressions only then.
  template <class Bytes>
  constexpr fingerprint_builder& add_bytes(Bytes bytes) noexcept {
    add(static_cast<std::uint64_t>(bytes.size()));
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      std::uint64_t word = 0;
      for (std::size_t k = 0; k < 8 && i + k < bytes.size(); ++k) {
        word |= std::uint64_t{static_cast<unsigned char>(bytes[i + k])} << (8 * k);
      }
      add(word);
    }
    return *this;
  }

 public:
  constexpr fingerprint_builder& add(std::uint64_t word) noexcept {
    // The finaliser of SplitMix64 over a running state: every input bit reaches every output bit.
    state_ = (state_ ^ word) * 0x9E3779B97F4A7C15ull;
    state_ ^= state_ >> 32;
    return *this;
  }
  constexpr fingerprint_builder& add(std::string_view text) noexcept { return add_bytes(text); }
  constexpr fingerprint_builder& add(std::span<const std::byte> bytes) noexcept {
    return add_bytes(bytes);
  }
  [[nodiscard]] constexpr fingerprint finish() const noexcept {
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return {z ^ (z >> 31)};
  }

 private:
  std::uint64_t state_ = 0x6D756C7469747564ull;  // "multitud"
};

}  // namespace multitudes
