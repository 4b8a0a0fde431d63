// SPDX-License-Identifier: MIT

#include "reference.hpp"

#include <multitudes/steering/monitor.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {

mt::reading_axis axis_at(std::size_t layer, std::uint64_t seed, double middle = 0.5,
                         double half_gap = 2) {
  const auto u = unit_persona(small_space, seed);
  const auto values = u.direction().row(mt::layer_index(layer));
  return {"axis", small_space, mt::layer_index(layer), {values.begin(), values.end()},
          middle, half_gap};
}

}  // namespace

TEST_CASE("a monitor reads what each of its axes reads, and only at that axis' layer") {
  std::vector<mt::reading_axis> axes;
  for (std::size_t i = 0; i < st::max_axes; ++i) axes.push_back(axis_at((i * 7) % 3, i + 1));
  const auto m = *st::monitor::make(axes);
  const auto h = random_row(small_space.model_dim, 5);
  std::vector<float> readings(axes.size(), -77.0f);
  for (std::size_t l = 0; l < 5; ++l) {
    m.read(mt::layer_index(l), h, readings);
    for (std::size_t a = 0; a < axes.size(); ++a) {
      const bool seen = axes[a].layer.value <= l;
      // Both sum floats, each in its own order: a rounding for each term.
      const double rounding = 1e-7 * static_cast<double>(h.size());
      CHECK(std::fabs(readings[a] - (seen ? axes[a].read(h) : -77.0)) <= rounding);
    }
  }
  CHECK(m.axes().size() == st::max_axes);
}

TEST_CASE("axes that do not fit together, or too many, are refused") {
  const auto code = [](std::vector<mt::reading_axis> axes) {
    const auto made = st::monitor::make(std::move(axes));
    return made ? mt::errc::io_failure : made.error().code;
  };
  CHECK(code({}) == mt::errc::invalid_argument);
  CHECK(code(std::vector<mt::reading_axis>(33, axis_at(1, 1))) == mt::errc::invalid_argument);
  auto other = axis_at(1, 1);
  other.space.model.value = 8;
  CHECK(code({axis_at(1, 1), other}) == mt::errc::space_mismatch);
  auto outside = axis_at(1, 1);
  outside.layer = mt::layer_index(4);
  CHECK(code({outside}) == mt::errc::invalid_argument);
  auto narrow = axis_at(1, 1);
  narrow.unit.pop_back();
  CHECK(code({narrow}) == mt::errc::shape_mismatch);
  auto broken = axis_at(1, 1);
  broken.unit[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK(code({broken}) == mt::errc::non_finite);
  CHECK(code({axis_at(1, 1, 0, 0)}) == mt::errc::non_finite);
}

TEST_CASE("a monitor that was never made reads nothing") {
  const st::monitor nothing;
  std::vector<float> h(small_space.model_dim);
  nothing.read(mt::layer_index(0), h, {});
  CHECK(nothing.axes().empty());
}
