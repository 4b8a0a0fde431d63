// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/report/ticks.hpp>

#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace multitudes::report;

std::vector<std::string> labels(double low, double high, int count) {
  const tick_scale scale = nice_ticks(low, high, count);
  std::vector<std::string> out;
  for (std::int64_t i = scale.first; i <= scale.last; ++i) out.push_back(scale.label(i));
  return out;
}

using words = std::vector<std::string>;

TEST_CASE("ticks are round numbers inside the range") {
  CHECK(labels(0, 10, 5) == words{"0", "2", "4", "6", "8", "10"});
  CHECK(labels(-1, 1, 4) == words{"-1.0", "-0.5", "0.0", "0.5", "1.0"});
  CHECK(labels(0.13, 0.52, 4) == words{"0.2", "0.3", "0.4", "0.5"});
  CHECK(labels(97, 1003, 3) == words{"200", "400", "600", "800", "1000"});
}

TEST_CASE("an end that is a tick but for rounding is a tick") {
  CHECK(labels(0, 0.1 + 0.2, 3) == words{"0.0", "0.1", "0.2", "0.3"});
}

TEST_CASE("very large and very small ticks have powers of ten") {
  CHECK(labels(0, 3e6, 3) == words{"0", "1e6", "2e6", "3e6"});
  CHECK(labels(-1e-7, 1e-7, 4) == words{"-1e-7", "-5e-8", "0", "5e-8", "1e-7"});
  CHECK(labels(1.4e9, 1.6e9, 2) == words{"1.4e9", "1.5e9", "1.6e9"});
}

TEST_CASE("for any range ticks lie inside it, are few, and have labels that differ") {
  multitudes::philox random(5);
  for (int i = 0; i < 20000; ++i) {
    const double size = std::pow(10.0, double{random.uniform()} * 560 - 280);
    const double middle = double{random.normal()} * size;
    const double half = size * std::pow(10.0, -8 * double{random.uniform()});
    const int count = 1 + static_cast<int>(random.below(12));
    const tick_scale scale = nice_ticks(middle - half, middle + half, count);
    const double slack = half * 1e-5;
    REQUIRE((scale.digit == 1 || scale.digit == 2 || scale.digit == 5));
    REQUIRE(scale.last - scale.first < 2 * count + 2);
    REQUIRE((count < 2 || scale.first <= scale.last));
    std::set<std::string> seen;
    for (std::int64_t k = scale.first; k <= scale.last; ++k) {
      REQUIRE(scale.value(k) >= middle - half - slack);
      REQUIRE(scale.value(k) <= middle + half + slack);
      REQUIRE(seen.insert(scale.label(k)).second);
      // A label is the tick's value to at least nine digits.
      const double read = std::stod(scale.label(k));
      REQUIRE(std::abs(read - scale.value(k)) <= 1e-9 * std::abs(scale.value(k)) + 1e-300);
    }
  }
}

TEST_CASE("ranges without width and of any size have finite ticks") {
  for (const double at : {0.0, 1.0, -1e300, 1e300, 1e-300, 123456.789}) {
    const tick_scale scale = nice_ticks(at, at, 5);
    CHECK(std::isfinite(scale.step()));
    CHECK(scale.step() > 0);
    CHECK(scale.last - scale.first < 12);
  }
  const tick_scale widest = nice_ticks(-1e300, 1e300, 5);
  CHECK(widest.last - widest.first >= 2);
  CHECK(std::isfinite(widest.value(widest.last)));
}

}  // namespace
