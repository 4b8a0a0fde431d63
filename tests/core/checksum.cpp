// SPDX-License-Identifier: MIT

#include <multitudes/core/checksum.hpp>
#include <multitudes/core/philox.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

namespace mt = multitudes;

namespace {

std::vector<std::byte> some_bytes(std::size_t n) {
  mt::philox random(n + 1);
  std::vector<std::byte> bytes(n);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random.below(256));
  return bytes;
}

}  // namespace

TEST_CASE("a checksum sees every changed bit and every lost or added byte of zeros") {
  for (std::size_t n = 0; n <= 200; ++n) {
    auto bytes = some_bytes(n);
    const auto wanted = mt::checksum(bytes);
    for (std::size_t bit = 0; bit < 8 * n; ++bit) {
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      CHECK(mt::checksum(bytes) != wanted);
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
    bytes.push_back(std::byte{0});
    CHECK(mt::checksum(bytes) != wanted);
  }
}

TEST_CASE("a checksum sees blocks that changed places, wherever they are") {
  auto bytes = some_bytes(16384);
  const auto wanted = mt::checksum(bytes);
  for (const std::size_t block : {8u, 64u, 512u, 4096u}) {
    for (std::size_t at = block; at + block <= bytes.size(); at += block) {
      std::swap_ranges(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(block),
                       bytes.begin() + static_cast<std::ptrdiff_t>(at));
      CHECK(mt::checksum(bytes) != wanted);
      std::swap_ranges(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(block),
                       bytes.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  CHECK(mt::checksum(bytes) == wanted);
}

TEST_CASE("zeros of different lengths have different checksums") {
  std::set<std::uint64_t> seen;
  const std::vector<std::byte> zeros(1000);
  for (std::size_t n = 0; n <= zeros.size(); ++n) {
    seen.insert(mt::checksum(std::span(zeros).first(n)));
  }
  CHECK(seen.size() == zeros.size() + 1);
}

TEST_CASE("a checksum is the same wherever the bytes lie, and on every machine") {
  const auto bytes = some_bytes(300);
  for (std::size_t shift = 0; shift < 16; ++shift) {
    std::vector<std::byte> moved(shift);
    moved.insert(moved.end(), bytes.begin(), bytes.end());
    CHECK(mt::checksum(std::span(moved).subspan(shift)) == mt::checksum(bytes));
  }
  // Files carry these numbers.
  CHECK(mt::checksum({}) == 17783142826707456930u);
  CHECK(mt::checksum(bytes) == 10148017855367763592u);
}
