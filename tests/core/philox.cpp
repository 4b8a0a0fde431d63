// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <tests/support/long_run.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

using namespace multitudes;
using words = std::array<std::uint32_t, 4>;

// The published vectors for ten rounds (Random123, kat_vectors).
static_assert(philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
              words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(std::uniform_random_bit_generator<philox>);

TEST_CASE("Philox gives the published answers") {
  CHECK(philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
        words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t ones = 0xffffffff;
  CHECK(philox4x32_10({ones, ones, ones, ones}, {ones, ones}) ==
        words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream is the blocks of its counter in order") {
  constexpr std::uint64_t seed = 0x299f31d0a4093822;
  constexpr std::uint64_t stream = 0x0370734413198a2e;
  constexpr std::uint64_t block = 0x85a308d3243f6a88;
  philox random(seed, stream, block << 2);
  // block << 2 loses the two top bits, so the counter is the block without them.
  const words expected =
      philox4x32_10({0x243f6a88, 0x05a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
  for (const std::uint32_t word : expected) CHECK(random() == word);
  philox first(0);
  CHECK(first() == 0x6627e8d5);
}

TEST_CASE("a stream resumes from the number of draws") {
  philox whole(5, 6);
  std::vector<std::uint32_t> numbers(23);
  for (auto& n : numbers) n = whole();
  CHECK(whole.drawn() == 23);
  for (std::size_t start = 0; start < numbers.size(); ++start) {
    philox resumed(5, 6, start);
    CHECK(resumed() == numbers[start]);
  }
}

TEST_CASE("seeds and streams differ from each other") {
  CHECK(philox(1)() != philox(2)());
  CHECK(philox(1, 0)() != philox(1, 1)());
}

TEST_CASE("uniform numbers fill [0, 1) evenly") {
  philox random(7);
  const int n = multitudes_test::sample_count(100000, 10000000);
  double sum = 0.0;
  std::array<int, 10> counts{};
  for (int i = 0; i < n; ++i) {
    const float u = random.uniform();
    REQUIRE(u >= 0.0f);
    REQUIRE(u < 1.0f);
    sum += static_cast<double>(u);
    ++counts[static_cast<std::size_t>(u * 10.0f)];
  }
  // Five standard deviations of the mean and of a binomial count.
  CHECK(std::abs(sum / n - 0.5) < 5.0 / std::sqrt(12.0 * n));
  for (const int c : counts) CHECK(std::abs(c - n / 10) < 5.0 * std::sqrt(0.09 * n));
}

TEST_CASE("below stays below and reaches every number") {
  philox random(8);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) {
    const std::uint32_t k = random.below(7);
    REQUIRE(k < 7);
    ++counts[k];
  }
  for (const int c : counts) CHECK(std::abs(c - 10000) < 500);
  CHECK(random.below(1) == 0);
  CHECK(random.below(0) == 0);
}

TEST_CASE("normal numbers have mean 0, variance 1 and the tails of a normal") {
  philox random(9);
  const int n = multitudes_test::sample_count(100000, 5000000);
  double sum = 0.0;
  double squares = 0.0;
  int beyond_two = 0;
  for (int i = 0; i < n; ++i) {
    const float x = random.normal();
    REQUIRE(std::isfinite(x));
    sum += static_cast<double>(x);
    squares += static_cast<double>(x) * static_cast<double>(x);
    beyond_two += std::abs(x) > 2.0f;
  }
  CHECK(random.drawn() == 2 * static_cast<std::uint64_t>(n));
  CHECK(std::abs(sum / n) < 5.0 / std::sqrt(n));
  CHECK(std::abs(squares / n - 1.0) < 5.0 * std::sqrt(2.0 / n));
  const double tail = 0.0455002639;  // the mass of a normal beyond two standard deviations
  CHECK(std::abs(beyond_two - tail * n) < 5.0 * std::sqrt(tail * (1.0 - tail) * n));
}
