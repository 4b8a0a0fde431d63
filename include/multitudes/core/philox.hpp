// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace multitudes {

/// Ten rounds of Philox 4x32: 128 random bits that depend on nothing but `counter` and `key`.
///
/// Source:  Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
constexpr std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                                     std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
        static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += 0x9E3779B9;  // the golden ratio and sqrt(3) - 1, as 32-bit fractions
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// A stream of random numbers whose whole state is (seed, stream, draws so far): it can be saved,
/// skipped and split, and the n-th number never depends on who drew the others.
class philox {
 public:
  using result_type = std::uint32_t;

  constexpr explicit philox(std::uint64_t seed, std::uint64_t stream = 0,
                            std::uint64_t drawn = 0) noexcept
      : seed_(seed), stream_(stream), drawn_(drawn) {}

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return 0xFFFFFFFF; }

  /// The next 32 bits.
  constexpr result_type operator()() noexcept {
    const std::uint64_t block = drawn_ / 4;
    const auto bits = philox4x32_10(
        {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
         static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
        {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
    return bits[static_cast<std::size_t>(drawn_++ % 4)];
  }
  /// Uniform on [0, 1), on a grid of 2^-24 (every value is a float exactly).
  constexpr float uniform() noexcept { return static_cast<float>((*this)() >> 8) * 0x1p-24f; }
  /// Uniform on 0 to n - 1; n = 0 gives 0. The bias is below n / 2^32.
  constexpr std::uint32_t below(std::uint32_t n) noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{(*this)()} * n) >> 32);
  }
  /// Standard normal (Box and Muller; two draws for each value, so that streams can be skipped).
  float normal() noexcept {
    const double u = (static_cast<double>((*this)()) + 0.5) * 0x1p-32;
    const double v = static_cast<double>((*this)()) * 0x1p-32;
    return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v));
  }

  [[nodiscard]] constexpr std::uint64_t drawn() const noexcept { return drawn_; }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t drawn_;
};

}  // namespace multitudes
