// SPDX-License-Identifier: MIT
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/core/philox.hpp>

#include <doctest/doctest.h>

#include <bit>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>

using namespace multitudes;
using namespace std::string_view_literals;

namespace {

fingerprint of(std::string_view text) { return fingerprint_builder().add(text).finish(); }

}  // namespace

static_assert(fingerprint_builder().add("a"sv).finish() !=
              fingerprint_builder().add("b"sv).finish());

TEST_CASE("sixteen hexadecimal digits show a fingerprint") {
  CHECK(to_string(fingerprint{0x0123456789abcdef}) == "0123456789abcdef");
  CHECK(to_string(fingerprint{}) == "0000000000000000");
}

TEST_CASE("a fingerprint depends on content, order and borders") {
  CHECK(of("persona") == of("persona"));
  CHECK(of("persona") != of("personb"));
  CHECK(of("") != of("\0"sv));
  CHECK(of("a") != of("a\0"sv));
  CHECK(of("12345678") != of("12345678\0"sv));
  const auto two = [](std::string_view a, std::string_view b) {
    return fingerprint_builder().add(a).add(b).finish();
  };
  CHECK(two("ab", "c") != two("a", "bc"));
  CHECK(two("12345678", "x") != of("12345678x"));
  CHECK(two("a", "b") != two("b", "a"));
}

TEST_CASE("text and the same bytes have the same fingerprint") {
  const std::string text = "a text of more than eight bytes \xff\x80";
  CHECK(of(text) == fingerprint_builder().add(std::as_bytes(std::span(text))).finish());
}

TEST_CASE("one changed bit changes about half of a fingerprint") {
  philox random(3);
  double changed = 0.0;
  constexpr int n = 6400;
  for (int i = 0; i < n; ++i) {
    const std::uint64_t word = (std::uint64_t{random()} << 32) | random();
    const std::uint64_t other = word ^ (std::uint64_t{1} << (i % 64));
    const auto a = fingerprint_builder().add(word).finish();
    const auto b = fingerprint_builder().add(other).finish();
    changed += std::popcount(a.value ^ b.value);
  }
  CHECK(changed / n == doctest::Approx(32.0).epsilon(0.02));
}

TEST_CASE("small numbers do not collide") {
  std::set<fingerprint> seen;
  for (std::uint64_t i = 0; i < 100; ++i) {
    for (std::uint64_t k = 0; k < 100; ++k) {
      seen.insert(fingerprint_builder().add(i).add(k).finish());
    }
  }
  CHECK(seen.size() == 10000);
}
