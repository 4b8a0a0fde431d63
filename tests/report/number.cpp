// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/report/number.hpp>

#include <limits>

namespace {

using multitudes::report::fixed;

TEST_CASE("numbers have the decimals that were asked for") {
  CHECK(fixed(2.5, 2) == "2.50");
  CHECK(fixed(-1.0 / 3, 3) == "-0.333");
  CHECK(fixed(1234.5678, 0) == "1235");
  CHECK(fixed(0.1, -3) == "0");
  CHECK(fixed(1, 99) == "1.00000000000000000");
}

TEST_CASE("zero has no sign, also where rounding made it") {
  CHECK(fixed(-0.0, 1) == "0.0");
  CHECK(fixed(-0.04, 1) == "0.0");
  CHECK(fixed(-0.06, 1) == "-0.1");
}

TEST_CASE("numbers of any size have a short form") {
  CHECK(fixed(999999999999999.0, 1) == "999999999999999.0");
  CHECK(fixed(1e15, 2) == "1.00e+15");
  CHECK(fixed(-std::numeric_limits<double>::max(), 3) == "-1.798e+308");
  CHECK(fixed(std::numeric_limits<double>::denorm_min(), 3) == "0.000");
  CHECK(fixed(std::numeric_limits<double>::quiet_NaN(), 3) == "nan");
  CHECK(fixed(std::numeric_limits<double>::infinity(), 3) == "inf");
  CHECK(fixed(-std::numeric_limits<double>::infinity(), 3) == "-inf");
}

}  // namespace
