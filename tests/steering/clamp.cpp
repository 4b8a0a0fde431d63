// SPDX-License-Identifier: MIT

#include "reference.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {

const st::residual_norms norms{small_space, {1.0f, 2.0f, 4.0f, 8.0f}};

/// A row that reads `x` along `d`.
std::vector<float> row_that_reads(double x, const row& d) {
  auto h = random_row(d.size(), 3);
  const double now = along(h, d);
  for (std::size_t i = 0; i < h.size(); ++i) h[i] += static_cast<float>((x - now) * d[i]);
  return h;
}

}  // namespace

TEST_CASE("a clamp brings readings into the band, in norms of the layer, and leaves those inside") {
  const auto u = unit_persona(small_space, 1);
  const auto plan = *st::compile(st::clamp(u, st::in_norms(-0.25f), st::in_norms(0.5f)), norms);
  for (std::size_t l = 0; l < small_space.n_layers; ++l) {
    const row d = row_of(u, l);
    const double norm = static_cast<double>(norms.typical[l]);
    CHECK(along(steered(plan, l, row_that_reads(9, d)), d) == doctest::Approx(0.5 * norm));
    CHECK(along(steered(plan, l, row_that_reads(-9, d)), d) == doctest::Approx(-0.25 * norm));
    const auto inside = row_that_reads(0.1 * norm, d);
    CHECK(steered(plan, l, inside) == inside);
  }
}

TEST_CASE("a cap has no lower bound") {
  const auto u = unit_persona(small_space, 1);
  const auto plan = *st::compile(st::cap(u, st::in_raw_units(2)));
  const row d = row_of(u, 1);
  CHECK(along(steered(plan, 1, row_that_reads(9, d)), d) == doctest::Approx(2));
  const auto low = row_that_reads(-900, d);
  CHECK(steered(plan, 1, low) == low);
}

TEST_CASE("on a learned axis, bounds are its readings, at its layer alone") {
  const auto u = unit_persona(small_space, 1);
  const auto values = u.direction().row(mt::layer_index(2));
  for (const double half_gap : {0.5, -0.5}) {
    const mt::reading_axis axis{
        "kind", small_space, mt::layer_index(2), {values.begin(), values.end()}, 3, half_gap};
    const auto plan = *st::compile(st::clamp(axis, -1.0, 2.0));
    const row d = row_of(u, 2);
    for (const double raw : {-9.0, 3.1, 9.0}) {
      const auto h = row_that_reads(raw, d);
      const double wanted = std::clamp(axis.read(h), -1.0, 2.0);
      CHECK(axis.read(steered(plan, 2, h)) == doctest::Approx(wanted).epsilon(1e-5));
      CHECK(steered(plan, 1, h) == h);
    }
    const auto capped = *st::compile(st::cap(axis, 1.0));
    for (const double raw : {-9.0, 9.0}) {
      const auto h = row_that_reads(raw, d);
      CHECK(axis.read(steered(capped, 2, h)) ==
            doctest::Approx(std::min(axis.read(h), 1.0)).epsilon(1e-5));
    }
    CHECK(plan.label() == "clamp(kind, -1, 2)");
  }
}

TEST_CASE("bounds that are no numbers or upside down, and axes of no use, are refused") {
  const auto u = unit_persona(small_space, 1);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const auto code = [](const auto& op) {
    const auto plan = st::compile(op, norms);
    return plan ? mt::errc::io_failure : plan.error().code;
  };
  CHECK(code(st::clamp(u, st::in_norms(nan), st::in_norms(1))) == mt::errc::non_finite);
  CHECK(code(st::clamp(u, st::in_norms(0), st::in_norms(nan))) == mt::errc::non_finite);
  CHECK(code(st::cap(u, st::in_norms(infinity))) == mt::errc::non_finite);
  CHECK(code(st::clamp(u, st::in_norms(0.2f), st::in_norms(0.1f))) == mt::errc::invalid_argument);
  // The same numbers in two units: upside down in the layers with a norm above 3.
  const auto mixed = st::compile(st::clamp(u, st::in_norms(1), st::in_raw_units(3)), norms);
  REQUIRE(!mixed.has_value());
  CHECK(mixed.error().place == "layer 2");
  CHECK(code(st::clamp(2 * u, st::in_norms(0), st::in_norms(1))) == mt::errc::invalid_argument);
  CHECK(st::compile(st::cap(u, st::in_norms(1))).error().code == mt::errc::invalid_argument);
  const auto values = u.direction().row(mt::layer_index(2));
  mt::reading_axis axis{"x", small_space, mt::layer_index(2), {values.begin(), values.end()}, 0, 1};
  CHECK(code(st::cap(axis, std::numeric_limits<double>::quiet_NaN())) == mt::errc::non_finite);
  CHECK(st::compile(st::cap(axis, 1.0)).has_value());
  axis.layer = mt::layer_index(4);
  CHECK(code(st::cap(axis, 1.0)) == mt::errc::invalid_argument);
  axis.layer = mt::layer_index(2);
  axis.half_gap = 0;
  CHECK(code(st::cap(axis, 1.0)) == mt::errc::non_finite);
  axis.half_gap = 1;
  axis.unit.pop_back();
  CHECK(code(st::cap(axis, 1.0)) == mt::errc::shape_mismatch);
}
