// SPDX-License-Identifier: MIT
#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/philox.hpp>
#include <tests/support/long_run.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <limits>

using namespace multitudes;

namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

/// Numbers at which hostile files aim.
checked_size any_size(philox& random) {
  constexpr std::array<std::uint64_t, 12> edges{0,           1,
                                                2,           (1ull << 31) - 1,
                                                1ull << 32,  (1ull << 32) + 1,
                                                1ull << 63,  (1ull << 63) + 1,
                                                largest,     largest - 1,
                                                largest / 3, 7};
  if (random.below(8) == 0) return checked_size(largest) + 1;
  if (random.below(2) == 0) return edges[random.below(edges.size())];
  return random() >> random.below(32);
}

bool same(checked_size a, checked_size b) { return a.get() == b.get(); }

}  // namespace

static_assert((checked_size(6) * 7 + 1).get() == 43);
static_assert(!(checked_size(largest) + 1).get());
static_assert(!(checked_size(1ull << 32) * (1ull << 32)).get());

TEST_CASE("sizes are exact up to the largest one") {
  CHECK((checked_size(largest - 1) + 1).get() == largest);
  CHECK(!(checked_size(largest) + 1).get());
  CHECK((checked_size(largest / 3) * 3).get() == largest);
  CHECK(!(checked_size(largest / 3 + 1) * 3).get());
  CHECK((checked_size((1ull << 32) - 1) * ((1ull << 32) + 1)).get() == largest);
  CHECK(checked_size().get() == 0u);
}

TEST_CASE("overflow is remembered through the rest of a formula") {
  const checked_size poisoned = checked_size(largest) * 2;
  CHECK(!(poisoned + 1).get());
  CHECK(!(poisoned * 1).get());
  CHECK(!poisoned.round_up(8).get());
  CHECK(!poisoned.fits(largest));
}

TEST_CASE("zero of anything is nothing") {
  CHECK((checked_size(largest) * largest * 0).get() == 0u);
  CHECK((checked_size(0) * largest * largest).get() == 0u);
}

TEST_CASE("fits compares without overflow") {
  CHECK(checked_size(10).fits(10));
  CHECK(!checked_size(11).fits(10));
  CHECK(checked_size(largest).fits(largest));
}

TEST_CASE("rounding up gives the next multiple, itself included") {
  CHECK(checked_size(0).round_up(32).get() == 0u);
  CHECK(checked_size(1).round_up(32).get() == 32u);
  CHECK(checked_size(32).round_up(32).get() == 32u);
  CHECK(checked_size(33).round_up(7).get() == 35u);
  CHECK(checked_size(largest).round_up(3).get() == largest);
  CHECK(!checked_size(largest).round_up(2).get());
  CHECK(!checked_size(5).round_up(0).get());
}

TEST_CASE("sums and products are associative, commutative and distribute") {
  philox random(1);
  const int n = multitudes_test::sample_count(20000, 1000000);
  for (int i = 0; i < n; ++i) {
    const checked_size a = any_size(random);
    const checked_size b = any_size(random);
    const checked_size c = any_size(random);
    const bool lawful = same(a + b, b + a) && same(a * b, b * a) &&
                        same((a + b) + c, a + (b + c)) && same((a * b) * c, a * (b * c)) &&
                        same(a * (b + c), a * b + a * c);
    REQUIRE_MESSAGE(lawful, "case " << i);
  }
}
