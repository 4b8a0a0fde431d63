// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/stats/interval.hpp>

#include <limits>

namespace {

using multitudes::stats::interval;

static_assert(interval{1, 3}.width() == 2);
static_assert(interval{1, 3}.contains(1) && interval{1, 3}.contains(3));
static_assert(!interval{1, 3}.contains(0.999) && !interval{1, 3}.contains(3.001));

TEST_CASE("an interval holds both of its ends and no NaN") {
  const interval some{-1, 2};
  CHECK(some.contains(-1));
  CHECK(some.contains(2));
  CHECK_FALSE(some.contains(2.5));
  CHECK_FALSE(some.contains(std::numeric_limits<double>::quiet_NaN()));
}

TEST_CASE("the whole line holds every number") {
  CHECK(interval::whole_line().contains(0));
  CHECK(interval::whole_line().contains(std::numeric_limits<double>::max()));
  CHECK(interval::whole_line().contains(std::numeric_limits<double>::lowest()));
}

}  // namespace
