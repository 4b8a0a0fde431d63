// SPDX-License-Identifier: MIT
#include <multitudes/train/schedule.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

using multitudes::train::cosine_schedule;

TEST_CASE("the rate rises in a straight line, falls half a cosine and stays") {
  const cosine_schedule rate{.peak = 0.5, .n_steps = 110, .n_warm_up = 10, .last = 0.2};
  CHECK(rate(0) == doctest::Approx(0.05));
  CHECK(rate(4) == doctest::Approx(0.25));
  CHECK(rate(9) == doctest::Approx(0.5));
  CHECK(rate(10) == doctest::Approx(0.5));
  CHECK(rate(35) == doctest::Approx(0.1 + 0.4 * (0.5 + 0.25 * std::sqrt(2.0))));
  CHECK(rate(60) == doctest::Approx(0.3));
  CHECK(rate(110) == doctest::Approx(0.1));
  CHECK(rate(111) == rate(110));
  CHECK(rate(~std::uint64_t{0}) == rate(110));
  for (std::uint64_t step = 10; step < 110; ++step) CHECK(rate(step + 1) < rate(step));
}

TEST_CASE("a schedule without warm-up begins at its peak; a short one ends at once") {
  const cosine_schedule plain{.peak = 2.0, .n_steps = 4, .n_warm_up = 0, .last = 0.0};
  CHECK(plain(0) == 2.0);
  CHECK(plain(2) == doctest::Approx(1.0));
  CHECK(plain(4) == doctest::Approx(0.0));
  const cosine_schedule short_one{.peak = 1.0, .n_steps = 3, .n_warm_up = 5, .last = 0.1};
  CHECK(short_one(2) == doctest::Approx(0.6));
  CHECK(short_one(5) == doctest::Approx(1.0));
  CHECK(short_one(6) == doctest::Approx(0.1));
}
