// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/extract/learn.hpp>
#include <multitudes/generate/session.hpp>
#include <multitudes/observe/projection.hpp>

#include <doctest/doctest.h>

#include <utility>

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

TEST_CASE("the learning texts read +1 and -1 on average, where they were read") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  // The texts of a pair part behind the beginning token, the space and three letters.
  const std::pair<mt::read_position, std::size_t> ways[] = {
      {mt::read_position::mean_over_text, 1}, {mt::read_position::after_difference, 5}};
  for (const auto& [read, first] : ways) {
    CAPTURE(first);
    const auto found = *mt::learn(lm, "z", pairs(), one, {.read = read});
    const auto axis = *mt::axis_of(found, mt::layer_index(2));
    const auto meter = *mt::projection_meter::make(lm.space(), {axis}, 32);
    double positive = 0;
    double negative = 0;
    for (const auto& pair : pairs()) {
      for (const bool side : {true, false}) {
        auto s = *mt::session<>::make(lm);
        REQUIRE(s.read(side ? pair.positive : pair.negative, meter).has_value());
        double mean = 0;
        for (std::size_t t = first; t < s.tokens().size(); ++t) mean += meter.reading(0, t);
        (side ? positive : negative) += mean / static_cast<double>(s.tokens().size() - first);
      }
    }
    CHECK(positive / 5 == doctest::Approx(1).epsilon(1e-4));
    CHECK(negative / 5 == doctest::Approx(-1).epsilon(1e-4));
  }
}

TEST_CASE("readings do not depend on threads, and tokens beyond the meter are not seen") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto found = *mt::learn(lm, "z", pairs(), one);
  const auto read = [&](auto& workers) {
    const auto meter = *mt::projection_meter::make(
        lm.space(),
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

TEST_CASE("each axis reads its own layer, token by token") {
  const auto lm = tiny_model();
  const std::size_t width = lm.shape().model_dim;
  std::vector<float> unit(width);
  unit[3] = 1.0f;
  const mt::reading_axis low{"low", lm.space(), mt::layer_index(0), unit, 0, 1};
  const mt::reading_axis high{"high", lm.space(), mt::layer_index(2), unit, 0.5, 2};
  const auto meter = *mt::projection_meter::make(lm.space(), {low, high}, 8);
  auto b = *mt::batch::make(lm, {.context = 8});
  mt::inline_executor one;
  const auto tokens = some_tokens(6);
  const mt::feed feeds[] = {{*b.open(), tokens, 0}};
  std::vector<std::vector<double>> wanted(2, std::vector<double>(tokens.size()));
  REQUIRE(b.evaluate(one, feeds,
                     [&](mt::feed_place place, mt::layer_index l, std::span<const float> h) {
                       meter(place, l, h);
                       const auto x = static_cast<double>(h[3]);
                       if (l.value == 0) wanted[0][place.token] = x;
                       if (l.value == 2) wanted[1][place.token] = (x - 0.5) / 2;
                     })
              .has_value());
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    CHECK(meter.reading(0, t) == wanted[0][t]);
    CHECK(meter.reading(1, t) == wanted[1][t]);
  }
}

TEST_CASE("axes of another model, or none, make no meter") {
  const auto lm = tiny_model();
  const std::vector<float> unit(lm.shape().model_dim, 1.0f);
  mt::reading_axis axis{"x", lm.space(), mt::layer_index(0), unit, 0, 1};
  CHECK(mt::projection_meter::make(lm.space(), {axis}, 8).has_value());
  axis.space.model.value ^= 1;
  CHECK(mt::projection_meter::make(lm.space(), {axis}, 8).error().code == mt::errc::space_mismatch);
  CHECK(mt::projection_meter::make(lm.space(), {}, 8).error().code == mt::errc::invalid_argument);
}
