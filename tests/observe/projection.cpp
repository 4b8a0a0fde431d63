// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/extract/mean_difference.hpp>
#include <multitudes/generate/session.hpp>
#include <multitudes/observe/projection.hpp>

#include <doctest/doctest.h>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

std::vector<mt::contrast_pair> pairs() {
  std::vector<mt::contrast_pair> all;
  for (const char* base : {"abc", "cdh", "bad", "gef", "haf"}) {
    all.push_back({std::string(base) + "zzz", std::string(base) + "mmm"});
  }
  return all;
}

}  // namespace

TEST_CASE("the learning texts read +1 and -1 on average") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto found = *mt::learn(lm, "z", pairs(), one);
  const auto axis = *mt::axis_of(found, mt::layer_index(2));
  const mt::projection_meter meter({axis}, 32);
  double positive = 0;
  double negative = 0;
  for (const auto& pair : pairs()) {
    for (const bool side : {true, false}) {
      auto s = *mt::session<>::make(lm);
      REQUIRE(s.read(side ? pair.positive : pair.negative, meter).has_value());
      double mean = 0;
      for (std::size_t t = 1; t < s.tokens().size(); ++t) mean += meter.reading(0, t);
      (side ? positive : negative) += mean / static_cast<double>(s.tokens().size() - 1);
    }
  }
  CHECK(positive / 5 == doctest::Approx(1).epsilon(1e-4));
  CHECK(negative / 5 == doctest::Approx(-1).epsilon(1e-4));
}

TEST_CASE("readings do not depend on threads, and tokens beyond the meter are not seen") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto found = *mt::learn(lm, "z", pairs(), one);
  const auto read = [&](auto& workers) {
    const mt::projection_meter meter(
        {*mt::axis_of(found, mt::layer_index(1)), *mt::axis_of(found, mt::layer_index(2))}, 4);
    auto s = *mt::session<std::remove_reference_t<decltype(workers)>>::make(lm, {}, workers);
    REQUIRE(s.read("abcdefgh", meter).has_value());
    return std::vector{meter.reading(0, 3), meter.reading(1, 3)};
  };
  mt::thread_pool pool(4);
  CHECK(read(one) == read(pool));
}

TEST_CASE("an axis at a layer without a direction is refused") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto found = *mt::learn(lm, "z", pairs(), one);
  CHECK(mt::axis_of(found, mt::layer_index(0)).error().code == mt::errc::zero_direction);
  CHECK(mt::axis_of(found, mt::layer_index(9)).error().code == mt::errc::zero_direction);
}
