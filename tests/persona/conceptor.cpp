// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "clouds.hpp"

#include <multitudes/persona/conceptor.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace multitudes;
using namespace multitudes_test;

static_assert(!std::is_copy_constructible_v<conceptor>);
static_assert(!std::is_default_constructible_v<conceptor>);
static_assert(std::is_nothrow_move_constructible_v<conceptor>);

TEST_CASE("a conceptor keeps by half what has a mean square of aperture^-2") {
  // Mean squares 4.5 and 0.5 along two axes, nothing along the third.
  const cloud c{4, 3, {3, 0, 0, -3, 0, 0, 0, 0, 1, 0, 0, -1}};
  const conceptor made = learned(c, std::sqrt(2.0));
  CHECK(made.outside() == outside_rows::nothing_kept);
  CHECK(made.layer() == layer_index(1));
  REQUIRE(made.rank() == 2);
  CHECK(made.shares()[0] == doctest::Approx(0.9));
  CHECK(made.shares()[1] == doctest::Approx(0.5));
  CHECK(made.quota() == doctest::Approx(1.4 / 3));
  std::vector<float> out(3);
  REQUIRE(made.apply(std::vector<float>{10, 10, 10}, out));
  CHECK(out[0] == doctest::Approx(9));
  CHECK(out[1] == doctest::Approx(0));
  CHECK(out[2] == doctest::Approx(5));
}

TEST_CASE("a conceptor is R (R + aperture^-2 I)^-1, from few activations and from many") {
  for (int i = 0; i < sample_count(60, 2000); ++i) {
    philox random(110, static_cast<std::uint64_t>(i));
    const std::size_t width = 2 + random.below(10), n = 1 + random.below(20);
    const cloud c = random_cloud(random, n, width);
    const double aperture = std::exp(static_cast<double>(random.normal()));
    const auto m = matrix_of(learned(c, aperture));
    // C (R + aperture^-2 I) must be R.
    std::vector<double> r(width * width), product(width * width);
    for (std::size_t a = 0; a < width; ++a) {
      for (std::size_t b = 0; b < width; ++b) {
        for (std::size_t k = 0; k < n; ++k) {
          r[a * width + b] += static_cast<double>(c.view().row(k)[a]) *
                              static_cast<double>(c.view().row(k)[b]) / static_cast<double>(n);
        }
      }
    }
    double size = 0;
    for (std::size_t a = 0; a < width; ++a) {
      for (std::size_t b = 0; b < width; ++b) {
        size = std::max(size, r[a * width + a]);
        for (std::size_t k = 0; k < width; ++k) {
          const double ridge = k == b ? 1 / (aperture * aperture) : 0;
          product[a * width + b] += m[a * width + k] * (r[k * width + b] + ridge);
        }
      }
    }
    REQUIRE(distance(product, r) < 1e-5 * (size + 1 / (aperture * aperture)));
  }
}

TEST_CASE("a wider aperture keeps more, and adapting it is learning with it") {
  for (int i = 0; i < sample_count(60, 2000); ++i) {
    philox random(111, static_cast<std::uint64_t>(i));
    const cloud c = random_cloud(random, 1 + random.below(20), 2 + random.below(10));
    const conceptor narrow = learned(c, 0.5), wide = learned(c, 2);
    REQUIRE(narrow.quota() < wide.quota());
    const auto adapted = narrow.adapted(4), back = wide.adapted(0.25);
    REQUIRE(adapted);
    REQUIRE(back);
    REQUIRE(distance(*adapted, wide) < 2e-5);
    REQUIRE(distance(*back, narrow) < 2e-5);
    const auto twice = narrow.adapted(1.5)->adapted(2), once = narrow.adapted(3);
    REQUIRE(distance(*twice, *once) < 1e-5);
  }
}

TEST_CASE("hard shares stay under any aperture") {
  const conceptor c = along_axes({1, 0, 0.5}, outside_rows::everything_kept, 5);
  CHECK(c.rank() == 2);  // a share of 1 is what holds outside anyway
  const auto wide = c.adapted(1e200), narrow = c.adapted(1e-200);
  REQUIRE(wide);
  REQUIRE(narrow);
  CHECK(distance(*wide, along_axes({1, 0, 1}, outside_rows::everything_kept, 5)) == 0);
  CHECK(distance(*narrow, along_axes({1, 0, 0}, outside_rows::everything_kept, 5)) == 0);
  CHECK(along_axes({1}, outside_rows::nothing_kept, 2).adapted(1e-200)->shares()[0] == 1);
}

TEST_CASE("what a conceptor leaves, its negation keeps") {
  for (int i = 0; i < sample_count(60, 2000); ++i) {
    philox random(112, static_cast<std::uint64_t>(i));
    const conceptor c = learned(random_cloud(random, 3, 9), 1);
    const conceptor n = negation(c);
    REQUIRE(n.outside() == outside_rows::everything_kept);
    REQUIRE(n.rank() == c.rank());
    REQUIRE(c.quota() + n.quota() == doctest::Approx(1).epsilon(1e-12));
    REQUIRE(distance(negation(n), c) < 1e-6);
    std::vector<float> h(9), kept(9), left(9);
    for (float& x : h) x = random.normal();
    REQUIRE(c.apply(h, kept));
    REQUIRE(n.apply(h, left));
    for (std::size_t k = 0; k < 9; ++k) {
      REQUIRE(std::fabs(kept[k] + left[k] - h[k]) < 1e-5f);
    }
  }
}

TEST_CASE("without rows a conceptor keeps nothing or everything, bit for bit") {
  const activation_space space = space_of_shape(1, 2);
  const auto nothing = conceptor::make(space, layer_index(0), outside_rows::nothing_kept);
  const auto everything = conceptor::make(space, layer_index(0), outside_rows::everything_kept);
  REQUIRE(nothing);
  REQUIRE(everything);
  CHECK(nothing->quota() == 0);
  CHECK(everything->quota() == 1);
  const std::vector<float> h{-0.0f, 1e-45f};
  std::vector<float> out(2, 7.0f);
  REQUIRE(everything->apply(h, out));
  CHECK(same_bits(out, h));
  REQUIRE(nothing->apply(h, out));
  CHECK(out == std::vector<float>{0, 0});
  const cloud still{3, 2, std::vector<float>(6, 0.0f)};
  CHECK(learned(still, 10).rank() == 0);
}

TEST_CASE("activations and apertures that make no sense are refused") {
  const activation_space space = space_of_shape(2, 2);
  const std::vector<float> values{1, 2, 3, 4};
  const matrix_view<const float> two(values.data(), 2, 2);
  const layer_index layer(1);
  CHECK(conceptor::learned(space, layer_index(2), two, 1).error().message() ==
        "conceptor: residual_stream(model 0000000000000001, 2 layers, width 2): found layer 2, "
        "expected a layer below 2");
  CHECK(conceptor::learned(space, layer, {values.data(), 1, 4}, 1).error().code ==
        errc::shape_mismatch);
  CHECK(conceptor::learned(space, layer, {values.data(), 0, 2}, 1).error().code ==
        errc::invalid_argument);
  const double inf = std::numeric_limits<double>::infinity();
  for (const double aperture : {0.0, -1.0, inf, std::nan("")}) {
    CHECK(conceptor::learned(space, layer, two, aperture).error().code == errc::invalid_argument);
    CHECK(conceptor::learned(space, layer, two, 1)->adapted(aperture).error().code ==
          errc::invalid_argument);
  }
  const std::vector<float> nan{1, 2, std::nanf(""), 4};
  CHECK(conceptor::learned(space, layer, {nan.data(), 2, 2}, 1).error().code == errc::non_finite);
}

TEST_CASE("rows that are not orthonormal and shares beyond 0 to 1 are refused") {
  const activation_space space = space_of_shape(1, 2);
  const auto code_of = [&](const std::vector<double>& shares, const std::vector<float>& rows,
                           std::size_t n) {
    const auto c = conceptor::make(space, layer_index(0), outside_rows::nothing_kept, shares,
                                   {rows.data(), n, rows.size() / n});
    REQUIRE(!c);
    return c.error().code;
  };
  CHECK(code_of({0.5}, {1, 0.01f}, 1) == errc::invalid_argument);
  CHECK(code_of({0.5, 0.5}, {1, 0, 0.6f, 0.8f}, 2) == errc::invalid_argument);
  CHECK(code_of({0.5}, {std::nanf(""), 0}, 1) == errc::invalid_argument);
  CHECK(code_of({1.5}, {1, 0}, 1) == errc::invalid_argument);
  CHECK(code_of({std::nan("")}, {1, 0}, 1) == errc::invalid_argument);
  CHECK(code_of({0.5}, {1, 0, 0, 1}, 2) == errc::shape_mismatch);
  CHECK(code_of({0.5}, {1, 0, 0}, 1) == errc::shape_mismatch);
  const conceptor c = along_axes({0.5}, outside_rows::nothing_kept, 2);
  std::vector<float> out(2, 7.0f);
  CHECK(c.apply(std::vector<float>{1, 2, 3}, out).error().code == errc::shape_mismatch);
  CHECK(c.apply(std::vector<float>{1, 2}, std::span(out).first(1)).error().code ==
        errc::shape_mismatch);
  CHECK(out[0] == 7);
}
