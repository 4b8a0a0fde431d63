// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

static_assert(detail::rounded_to<29>(1.0) == 1.0);
static_assert(detail::rounded_to<29>(1.0 + 0x1p-28) == 1.0 + 0x1p-28);
static_assert(detail::rounded_to<29>(1.0 + 0x1p-29) == 1.0);                      // tie to even
static_assert(detail::rounded_to<29>(1.0 + 0x3p-29) == 1.0 + 0x1p-27);            // tie to even
static_assert(detail::rounded_to<29>(1.0 + 0x1p-29 + 0x1p-52) == 1.0 + 0x1p-28);  // above the tie
static_assert(detail::rounded_to<29>(-2.0 + 0x1p-40) == -2.0);                    // carries
static_assert(detail::rounded_to<29>(0.0) == 0.0);

TEST_CASE("rounding keeps infinity and NaN, and every float") {
  CHECK(std::isinf(detail::rounded_to<29>(std::numeric_limits<double>::infinity())));
  CHECK(std::isnan(detail::rounded_to<29>(std::nan(""))));
  philox random(70);
  for (int i = 0; i < 10000; ++i) {
    const float x = std::bit_cast<float>(random());
    if (std::isnan(x)) continue;
    REQUIRE(detail::rounded_to<29>(static_cast<double>(x)) == static_cast<double>(x));
    REQUIRE(detail::rounded_to<26>(static_cast<double>(x)) == static_cast<double>(x));
  }
}

TEST_CASE("a weighted sum of any width equals a plain one") {
  philox random(71);
  for (std::size_t width = 0; width <= 2 * detail::tile + 3; ++width) {
    std::vector<float> a(width), b(width), c(width), out(width + 1, 99.0f);
    for (auto* row : {&a, &b, &c}) {
      for (float& x : *row) x = random.normal();
    }
    term terms[] = {{0.5, a.data()}, {0.0, b.data()}, {-0.25, c.data()}};
    REQUIRE(weighted_sum(terms, std::span(out).first(width)) == all_finite);
    for (std::size_t i = 0; i < width; ++i) {
      REQUIRE(out[i] == static_cast<float>(0.5 * static_cast<double>(a[i]) -
                                           0.25 * static_cast<double>(c[i])));
    }
    REQUIRE(out[width] == 99.0f);
  }
}

TEST_CASE("any number of terms is added in order") {
  philox random(73);
  std::vector<std::vector<float>> rows(13, std::vector<float>(70));
  for (auto& row : rows) {
    for (float& x : row) x = random.normal();
  }
  for (std::size_t n = 0; n <= rows.size(); ++n) {
    std::vector<term> terms;
    for (std::size_t k = 0; k < n; ++k) {
      // Every fifth is skipped, so that groups do not start where terms do.
      terms.push_back({k % 5 == 1 ? 0.0 : static_cast<double>(random.normal()), rows[k].data()});
    }
    std::vector<float> out(70);
    REQUIRE(weighted_sum(terms, out) == all_finite);
    for (std::size_t i = 0; i < out.size(); ++i) {
      double sum = 0.0;
      for (const term& t : terms) sum += t.coefficient * static_cast<double>(t.row[i]);
      REQUIRE(out[i] == static_cast<float>(sum));
    }
  }
}

TEST_CASE("coefficients count to 29 bits") {
  const std::vector<float> a(5, 3.0f);
  std::vector<float> out(5);
  term close[] = {{1.0 + 0x1p-40, a.data()}, {-1.0, a.data()}};
  REQUIRE(weighted_sum(close, out) == all_finite);
  CHECK(out[4] == 0.0f);
  term apart[] = {{1.0 + 0x1p-28, a.data()}, {-1.0, a.data()}};
  REQUIRE(weighted_sum(apart, out) == all_finite);
  CHECK(out[4] == 3.0f * 0x1p-28f);
}

TEST_CASE("a sum may be written over one of its rows") {
  std::vector<float> a(100, 3.0f);
  const std::vector<float> b(100, 4.0f);
  term terms[] = {{2.0, b.data()}, {1.0, a.data()}};
  REQUIRE(weighted_sum(terms, a) == all_finite);
  CHECK(a == std::vector<float>(100, 11.0f));
}

TEST_CASE("the first element that no float can hold is named") {
  for (const std::size_t at : {std::size_t{0}, std::size_t{63}, std::size_t{64}, std::size_t{99}}) {
    std::vector<float> a(100, 1.0f), out(100);
    a[at] = std::numeric_limits<float>::max();
    term fits[] = {{-1.0, a.data()}};
    CHECK(weighted_sum(fits, out) == all_finite);
    CHECK(out[at] == -std::numeric_limits<float>::max());
    term overflows[] = {{2.0, a.data()}};
    CHECK(weighted_sum(overflows, out) == at);
    a[at] = std::numeric_limits<float>::quiet_NaN();
    CHECK(weighted_sum(fits, out) == at);
  }
}

TEST_CASE("inner products of any width equal plain ones") {
  philox random(72);
  for (std::size_t width = 0; width <= 2 * detail::tile + 3; ++width) {
    std::vector<float> a(width), b(width);
    for (float& x : a) x = random.normal();
    for (float& x : b) x = random.normal();
    term left{2.0, a.data()}, right{-1.0, b.data()};
    const auto got = detail::inner({&left, 1}, {&right, 1}, width);
    REQUIRE(got.left_left == doctest::Approx(4.0 * dot(a, a)).epsilon(1e-13));
    REQUIRE(got.left_right == doctest::Approx(-2.0 * dot(a, b)).epsilon(1e-11));
    REQUIRE(got.right_right == doctest::Approx(dot(b, b)).epsilon(1e-13));
  }
}
