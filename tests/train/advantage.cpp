// SPDX-License-Identifier: MIT
#include <multitudes/train/advantage.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace multitudes;
using numbers = std::vector<double>;

namespace {

void check_equal(const numbers& found, const numbers& wanted) {
  REQUIRE(found.size() == wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i] == doctest::Approx(wanted[i]));
  }
}

}  // namespace

TEST_CASE("leave-one-out: each reward minus the mean of its group's others") {
  const numbers rewards{1, 2, 6, 10, 10, 10, 4, 5};
  // Groups of three, the last of two.
  check_equal(train::leave_one_out_advantages(rewards, 3),
              {1 - 4.0, 2 - 3.5, 6 - 1.5, 0, 0, 0, -1, 1});
  check_equal(train::leave_one_out_advantages(numbers{3, 5, 7}, 2), {-2, 2, 7});
  check_equal(train::leave_one_out_advantages(rewards, 1), rewards);
  check_equal(train::leave_one_out_advantages(rewards, 0), rewards);
  check_equal(train::leave_one_out_advantages({}, 4), {});
}

TEST_CASE("group-relative: each reward in deviations from its group's mean") {
  const double spread = std::sqrt(14.0 / 3.0);  // of 1, 2, 6 around 3
  check_equal(train::group_relative_advantages(numbers{1, 2, 6, 5, 5, 5, -4, 4}, 3),
              {-2 / spread, -1 / spread, 3 / spread, 0, 0, 0, -1, 1});
  // Their unit and offset do not matter.
  check_equal(train::group_relative_advantages(numbers{110, 120, 160}, 3),
              {-2 / spread, -1 / spread, 3 / spread});
  check_equal(train::group_relative_advantages(numbers{1, 2}, 1), {0, 0});
  check_equal(train::group_relative_advantages(numbers{1, 2}, 0), {0, 0});
  check_equal(train::group_relative_advantages({}, 4), {});
}

TEST_CASE("feedback chooses between praise and blame") {
  const numbers given{-2, 0, 3};
  numbers a = given;
  train::choose_feedback(train::feedback::signed_both, a);
  CHECK(a == given);
  train::choose_feedback(train::feedback::positive_only, a);
  CHECK(a == numbers{0, 0, 3});
  a = given;
  train::choose_feedback(train::feedback::negative_only, a);
  CHECK(a == numbers{-2, 0, 0});
}
