// SPDX-License-Identifier: MIT
#include "../support/tiny_model.hpp"

#include <doctest/doctest.h>
#include <multitudes/generate/batch.hpp>
#include <multitudes/observe/controller.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace {

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

mt::reading_axis axis_at(const mt::language_model& lm, std::size_t layer) {
  mt::philox random(5);
  mt::reading_axis axis{"held", lm.space(), mt::layer_index(layer), {}, 0.3, 2};
  double squares = 0;
  for (std::size_t i = 0; i < lm.shape().model_dim; ++i) {
    axis.unit.push_back(random.normal());
    squares += static_cast<double>(axis.unit[i]) * static_cast<double>(axis.unit[i]);
  }
  for (float& x : axis.unit) x = static_cast<float>(static_cast<double>(x) / std::sqrt(squares));
  return axis;
}

/// What a token's row reads along an axis when it is appended to a sequence.
double reading_of(mt::batch& b, mt::sequence_id s, const mt::token_id& token,
                  const mt::reading_axis& axis) {
  mt::inline_executor one;
  const mt::feed news{s, std::span(&token, 1), 0};
  double reading = 0;
  REQUIRE(b.evaluate(one, std::span(&news, 1),
                     [&](mt::feed_place, mt::layer_index l, std::span<const float> h) {
                       if (l == axis.layer) reading = axis.read(h);
                     })
              .has_value());
  return reading;
}

TEST_CASE("the change is the least that reaches the band, and nothing inside it") {
  mt::reading_axis axis{"a", {{}, {}, 1, 2}, mt::layer_index(0), {1, 0}, 0, -3};
  const auto c = *mt::projection_controller::make(axis, {.low = -0.5, .high = 1});
  CHECK(c.change(0.2) == 0);
  CHECK(c.change(2) == -1);
  CHECK(c.change(-2) == 1.5);
  CHECK(c.length(-1) == 3);
}

/// Readings of a text under a plan of its own for each token.
template <class PlanOf>
std::vector<double> readings_under(mt::batch& b, const std::vector<mt::token_id>& tokens,
                                   const mt::reading_axis& axis, PlanOf plan_of) {
  const auto s = *b.open();
  std::vector<double> readings;
  for (const auto& t : tokens) {
    REQUIRE(b.steer(s, {plan_of(s, t), {}}).has_value());
    readings.push_back(reading_of(b, s, t, axis));
  }
  b.close(s);
  return readings;
}

double mean_of(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum / static_cast<double>(x.size());
}

TEST_CASE("a held reading stays in the band; constant steering to the same mean does not") {
  const auto lm = tiny_model();
  const auto axis = axis_at(lm, 1);
  auto b = *mt::batch::make(lm, {.n_sequences = 3, .context = 128});
  const auto tokens = some_tokens(100, 3);
  const auto free = readings_under(b, tokens, axis, [](auto, auto) { return st::plan{}; });
  const double middle = mean_of(free);
  const auto controller =
      *mt::projection_controller::make(axis, {.low = middle + 0.1, .high = middle + 0.4});
  std::vector<double> lengths;
  const auto held = readings_under(b, tokens, axis, [&](mt::sequence_id s, mt::token_id t) {
    const auto unsteered = *b.fork(s);
    REQUIRE(b.steer(unsteered, {}).has_value());
    const double before = reading_of(b, unsteered, t, axis);
    b.close(unsteered);
    lengths.push_back(controller.length(controller.change(before)));
    return *controller.plan();
  });
  for (const double x : held) {
    CHECK(x > controller.low() - 1e-4);
    CHECK(x < controller.high() + 1e-4);
  }
  // Constant steering, adjusted until it has the same mean.
  double amount = 0;
  std::vector<double> constant;
  for (int i = 0; i < 20; ++i) {
    amount += 0.8 * (mean_of(held) - (constant.empty() ? middle : mean_of(constant)));
    std::vector<float> values(std::size_t{lm.space().n_layers} * lm.space().model_dim, 0.0f);
    for (std::size_t j = 0; j < axis.unit.size(); ++j) {
      values[lm.space().model_dim + j] = static_cast<float>(amount * axis.half_gap) * axis.unit[j];
    }
    const auto push = *mt::persona::make("push", *mt::direction::make(lm.space(), values));
    const auto plan = *st::compile(push, st::in_raw_units(1));
    constant = readings_under(b, tokens, axis, [&](auto, auto) { return plan; });
  }
  CHECK(mean_of(constant) == doctest::Approx(mean_of(held)).epsilon(1e-3));
  int outside = 0;
  double needed = 0;  // what constant steering would have to add to lift the lowest into the band
  for (const double x : constant) {
    outside += x < controller.low() || x > controller.high() ? 1 : 0;
    needed = std::max(needed, controller.length(amount + controller.low() - x));
  }
  CHECK(outside > 30);
  double squares = 0;
  for (const double x : lengths) squares += x * x / 100;
  CHECK(std::sqrt(squares) < 0.6 * needed);
}

TEST_CASE("what later layers undo is made up for, within the limit") {
  const auto lm = tiny_model();
  const auto act = axis_at(lm, 0);
  const auto watched = axis_at(lm, 2);
  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = 160});
  const auto tokens = some_tokens(150, 4);
  const double rest =
      mean_of(readings_under(b, tokens, watched, [](auto, auto) { return st::plan{}; }));
  const auto mean_with = [&](double gain, double limit) {
    auto controller = *mt::projection_controller::make(
        act, {.low = rest + 1, .high = rest + 1.2, .gain = gain, .limit = limit});
    const auto s = *b.open();
    double late = 0;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      REQUIRE(b.steer(s, {*controller.plan(), {}}).has_value());
      const double held = reading_of(b, s, tokens[t], watched);
      controller.observe(held);
      CHECK(std::abs(controller.offset()) <= limit);
      if (t >= 50) late += held / 100;
    }
    b.close(s);
    return late;
  };
  const double without = mean_with(0, 4);
  const double with = mean_with(0.2, 20);
  const auto missing = [&](double x) { return std::abs(std::clamp(x, rest + 1, rest + 1.2) - x); };
  CAPTURE(without - rest);
  CAPTURE(with - rest);
  CHECK(missing(without) > 0.1);
  CHECK(missing(with) < 0.35 * missing(without));
}

TEST_CASE("readings that are no numbers move nothing") {
  mt::reading_axis axis{"a", {{}, {}, 1, 2}, mt::layer_index(0), {1, 0}, 0, 1};
  auto c = *mt::projection_controller::make(axis, {.low = 0, .high = 1, .gain = 0.5, .limit = 2});
  c.observe(std::nan(""));
  CHECK(c.offset() == 0);
  c.observe(-1);
  CHECK(c.offset() == 0.5);
  CHECK(c.low() == 0.5);
  for (int i = 0; i < 50; ++i) c.observe(-1);
  CHECK(c.offset() == 2);
}

TEST_CASE("settings that mean nothing are refused") {
  mt::reading_axis axis{"a", {{}, {}, 1, 2}, mt::layer_index(0), {1, 0}, 0, 1};
  const auto place = [&](const mt::controller_options& how) {
    return mt::projection_controller::make(axis, how).error().place;
  };
  CHECK(place({.low = 2, .high = 1}) == "low");
  CHECK(place({.gain = -1}) == "gain");
  CHECK(place({.gain = 2}) == "gain");
  CHECK(place({.limit = -1}) == "limit");
  CHECK(place({.low = std::nan("")}) == "options");
  axis.unit = {1};
  CHECK(mt::projection_controller::make(axis).error().code == mt::errc::shape_mismatch);
}

}  // namespace
