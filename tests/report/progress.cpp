// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/report/progress.hpp>

#include <cstdint>
#include <limits>
#include <string>

namespace {

using namespace multitudes::report;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

TEST_CASE("a line shows label, bar, share, count and time left") {
  const progress learning("learning", 23);
  CHECK(trimmed(learning.line(12, 1.3)) ==
        "learning  [##########..........]   52%  12/23  1.2 s left");
}

TEST_CASE("before the first step no time is promised, and after the last it is the time taken") {
  const progress work("work", 4);
  CHECK(trimmed(work.line(0, 3)) == "work  [....................]    0%  0/4");
  CHECK(trimmed(work.line(4, 75)) == "work  [####################]  100%  4/4  1 min 15 s");
}

TEST_CASE("all lines are equally long, so that each covers the last") {
  const progress work("work", 1000);
  const std::size_t width = work.line(0, 0).size();
  for (std::uint64_t done = 0; done <= 1100; done += 7) {
    for (const double elapsed : {0.0, 0.04, 59.9, 59.96, 3599.6, 7200.0, 3.59e5, 1e9, -1.0}) {
      CHECK(work.line(done, elapsed).size() == width);
    }
  }
}

TEST_CASE("the bar and the percentage are full at the end and not before") {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  const progress work("work", most);
  CHECK(work.line(most - 1, 1).find(" 99%") != std::string::npos);
  CHECK(work.line(most - 1, 1).find('.') != std::string::npos);
  CHECK(work.line(most, 1).find("100%") != std::string::npos);
}

TEST_CASE("no work is complete, and more than all is all") {
  CHECK(progress("none", 0).line(0, 0).find("100%  0/0") != std::string::npos);
  CHECK(progress("more", 5).line(9, 0).find("100%  5/5") != std::string::npos);
}

TEST_CASE("times that are no times do not reach the line") {
  const progress work("work", 4);
  for (const double elapsed : {nan, -1.0}) {
    CHECK(work.line(1, elapsed).find("0.0 s left") != std::string::npos);
  }
  CHECK(work.line(1, infinity).find("over 99 h left") != std::string::npos);
}

TEST_CASE("spans of time are written for people") {
  CHECK(duration(0) == "0.0 s");
  CHECK(duration(0.44) == "0.4 s");
  CHECK(duration(59.94) == "59.9 s");
  CHECK(duration(59.96) == "1 min 00 s");
  CHECK(duration(125) == "2 min 05 s");
  CHECK(duration(3599.6) == "1 h 00 min");
  CHECK(duration(3 * 3600 + 7 * 60) == "3 h 07 min");
  CHECK(duration(359999) == "99 h 59 min");
  CHECK(duration(359999.6) == "over 99 h");
  CHECK(duration(infinity) == "over 99 h");
  CHECK(duration(nan) == "0.0 s");
  CHECK(duration(-4) == "0.0 s");
}

TEST_CASE("a line is due at once and then once in each interval") {
  progress work("work", 4, 0.5);
  CHECK(work.due(100.0));
  CHECK_FALSE(work.due(100.0));
  CHECK_FALSE(work.due(100.4));
  CHECK(work.due(100.5));
  CHECK_FALSE(work.due(100.9));
  CHECK(work.due(107.0));
}

}  // namespace
