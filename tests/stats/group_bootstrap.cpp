// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/stats/group_bootstrap.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace {

using namespace multitudes::stats;
using multitudes::philox;

TEST_CASE("items that are alike within groups give an interval as wide as the groups deserve") {
  philox random(1);
  std::vector<double> items;
  std::vector<std::size_t> groups;
  std::vector<std::size_t> alone;
  for (std::size_t g = 0; g < 25; ++g) {
    const auto level = static_cast<double>(random.normal());
    for (int i = 0; i < 16; ++i) {
      items.push_back(level);
      groups.push_back(g * 7);
      alone.push_back(items.size());
    }
  }
  const auto mean = [&](std::span<const std::size_t> chosen) {
    double sum = 0;
    for (const std::size_t i : chosen) sum += items[i];
    return sum / static_cast<double>(chosen.size());
  };
  philox a(2);
  philox b(2);
  const interval by_group = bootstrap_groups(groups, mean, 0.95, 400, a);
  const interval by_item = bootstrap_groups(alone, mean, 0.95, 400, b);
  CHECK(by_group.width() == doctest::Approx(4 * by_item.width()).epsilon(0.2));
  CHECK(by_group.width() == doctest::Approx(2 * 1.96 / 5).epsilon(0.25));
}

TEST_CASE("one group says nothing of another") {
  philox random(1);
  const std::vector<std::size_t> same{3, 3, 3};
  const auto size = [](std::span<const std::size_t> chosen) {
    return static_cast<double>(chosen.size());
  };
  CHECK(bootstrap_groups(same, size, 0.95, 10, random) == interval::whole_line());
  CHECK(bootstrap_groups({}, size, 0.95, 10, random) == interval::whole_line());
}

TEST_CASE("groups are drawn whole") {
  philox random(1);
  const std::vector<std::size_t> groups{0, 1, 1, 1};
  const auto is_whole = [](std::span<const std::size_t> chosen) {
    double of_first = 0;
    double of_others = 0;
    for (const std::size_t i : chosen) ++(i == 0 ? of_first : of_others);
    return of_first + of_others / 3;  // two groups are drawn, each whole
  };
  CHECK(bootstrap_groups(groups, is_whole, 0.99, 200, random) == interval{2, 2});
}

}  // namespace
