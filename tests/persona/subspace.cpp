// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "helpers.hpp"

#include <multitudes/persona/subspace.hpp>

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

static_assert(!std::is_copy_constructible_v<subspace>);
static_assert(!std::is_default_constructible_v<subspace>);
static_assert(std::is_nothrow_move_constructible_v<subspace>);
static_assert(std::is_nothrow_move_assignable_v<subspace>);

namespace {

struct one_model {
  static constexpr activation_space value{.model = {1}, .n_layers = 1, .model_dim = 2};
};
struct other_model {
  static constexpr activation_space value{.model = {2}, .n_layers = 1, .model_dim = 2};
};
template <class... E>
concept spans = requires(const E&... e) { subspace::spanned_by(e...); };
static_assert(spans<direction_view<one_model>, direction_view<one_model>>);
static_assert(spans<direction_view<one_model>, persona, zero_expression>);
static_assert(spans<zero_expression, persona>);
static_assert(!spans<direction_view<one_model>, direction_view<other_model>>);
static_assert(!spans<zero_expression>);
static_assert(!spans<direction>);

/// The largest deviation of a layer's rows from orthonormal ones.
double deviation(const subspace& s, layer_index layer) {
  double worst = 0;
  for (std::size_t i = 0; i < s.rank(layer); ++i) {
    for (std::size_t j = 0; j < s.rank(layer); ++j) {
      const double wanted = i == j ? 1.0 : 0.0;
      worst = std::max(worst, std::fabs(dot(s.row(layer, i), s.row(layer, j)) - wanted));
    }
  }
  return worst;
}

/// How much of a vector lies outside of a layer's rows, relative to its length.
double share_outside(const subspace& s, layer_index layer, std::span<const float> v) {
  std::vector<double> rest(v.begin(), v.end());
  for (std::size_t i = 0; i < s.rank(layer); ++i) {
    const auto row = s.row(layer, i);
    double share = 0;
    for (std::size_t c = 0; c < v.size(); ++c) share += rest[c] * static_cast<double>(row[c]);
    for (std::size_t c = 0; c < v.size(); ++c) rest[c] -= share * static_cast<double>(row[c]);
  }
  double outside = 0;
  for (const double x : rest) outside += x * x;
  return std::sqrt(outside / dot(v, v));
}

}  // namespace

TEST_CASE("a subspace has orthonormal rows in the order of its expressions") {
  const activation_space space = space_of_shape(2, 3);
  const persona p = persona_of(space, "p", {3, 0, 0, 0, 0, 0});
  const persona q = persona_of(space, "q", {1, 0, -2, 0, 5, 0});
  const auto s = subspace::spanned_by(p, q - p);
  REQUIRE(s);
  CHECK(s->space() == space);
  CHECK(s->max_rank() == 2);
  REQUIRE(s->rank(layer_index(0)) == 2);
  CHECK(std::ranges::equal(s->row(layer_index(0), 0), std::vector<float>{1, 0, 0}));
  CHECK(std::ranges::equal(s->row(layer_index(0), 1), std::vector<float>{0, 0, -1}));
  REQUIRE(s->rank(layer_index(1)) == 1);
  CHECK(std::ranges::equal(s->row(layer_index(1), 0), std::vector<float>{0, 1, 0}));
  CHECK(s->rows(layer_index(0)).rows() == 2);
  CHECK(s->rows(layer_index(0)).row(1)[2] == -1.0f);
}

TEST_CASE("there is nothing beyond the rows of a subspace") {
  const persona p = persona_of(space_of_shape(1, 2), "p", {1, 1});
  const auto s = subspace::spanned_by(p);
  REQUIRE(s);
  CHECK(s->row(layer_index(0), 1).empty());
  CHECK(s->row(layer_index(1), 0).empty());
  CHECK(s->rank(layer_index(1)) == 0);
  CHECK(s->rank(layer_index(0xFFFFFFFF)) == 0);
  CHECK(s->rows(layer_index(7)).rows() == 0);
}

TEST_CASE("the rows of a subspace are orthonormal to 2^-22 and span what they were made of") {
  const int n = sample_count(500, 10000);
  double worst = 0, outside = 0;
  for (int i = 0; i < n; ++i) {
    case_of_law c(70, static_cast<std::uint64_t>(i), i % 2 ? values_of::wild : values_of::ordinary);
    std::vector<persona> people;
    for (int k = 0; k < 4; ++k) people.push_back(c.next("p"));
    const auto s = subspace::spanned_by(people);
    REQUIRE(s);
    for (std::uint32_t l = 0; l < 3; ++l) {
      worst = std::max(worst, deviation(*s, layer_index(l)));
      for (const persona& p : people) {
        const auto row = p.direction().row(layer_index(l));
        if (dot(row, row) > 0) {
          outside = std::max(outside, share_outside(*s, layer_index(l), row));
        }
      }
    }
  }
  CHECK(worst < 0x1p-22);
  CHECK(outside < 0x1p-19);
}

TEST_CASE("combinations of what is spanned already add no row") {
  for (int i = 0; i < sample_count(200, 10000); ++i) {
    case_of_law c(71, static_cast<std::uint64_t>(i), values_of::ordinary);
    const persona p = c.next("p"), q = c.next("q");
    const auto s = subspace::spanned_by(p, q, *materialize(0.3 * p - 0.7 * q),
                                        *materialize(p + 0.001 * q), -p, p - p, zero_persona);
    REQUIRE(s);
    for (std::uint32_t l = 0; l < 3; ++l) REQUIRE(s->rank(layer_index(l)) == 2);
  }
}

TEST_CASE("barely independent directions still give orthonormal rows") {
  const activation_space space = space_of_shape(1, 4);
  const persona p = persona_of(space, "p", {1, 1, 1, 1});
  const persona q = persona_of(space, "q", {1, 1, 1, 1.00002f});
  const persona r = persona_of(space, "r", {1, 1, 1.00002f, 1});
  const auto s = subspace::spanned_by(p, q, r);
  REQUIRE(s);
  CHECK(s->rank(layer_index(0)) == 3);
  CHECK(deviation(*s, layer_index(0)) < 0x1p-22);
  const persona too_near = persona_of(space, "t", {1, 1, 1, 1.0000005f});
  CHECK(subspace::spanned_by(p, too_near)->rank(layer_index(0)) == 1);
}

TEST_CASE("more directions than dimensions span all of them") {
  std::vector<float> values(std::size_t{1} * 5 * 3);
  philox random(3);
  for (float& x : values) x = random.normal();
  const auto s = subspace::make(space_of_shape(1, 3), 5, values);
  REQUIRE(s);
  CHECK(s->rank(layer_index(0)) == 3);
  CHECK(deviation(*s, layer_index(0)) < 0x1p-22);
}

TEST_CASE("raw rows and personas with the same values span the same, bit for bit") {
  const activation_space space = space_of_shape(2, 3);
  const persona p = persona_of(space, "p", {1, 2, 3, 0, 0, 0});
  const persona q = persona_of(space, "q", {4, 5, 7, 1, -1, 2});
  const auto a = subspace::spanned_by(p, q);
  const auto b = subspace::make(space, 2, std::vector<float>{1, 2, 3, 4, 5, 7, 0, 0, 0, 1, -1, 2});
  REQUIRE(a);
  REQUIRE(b);
  for (std::uint32_t l = 0; l < 2; ++l) {
    REQUIRE(a->rank(layer_index(l)) == b->rank(layer_index(l)));
    for (std::size_t i = 0; i < a->rank(layer_index(l)); ++i) {
      CHECK(std::ranges::equal(a->row(layer_index(l), i), b->row(layer_index(l), i)));
    }
  }
}

TEST_CASE("a subspace of nothing is refused") {
  const activation_space space = space_of_shape(2, 2);
  const persona none = persona_of(space, "none", {0, 0, 0, -0.0f});
  const auto s = subspace::spanned_by(none, zero_persona);
  REQUIRE(!s);
  CHECK(s.error().code == errc::zero_direction);
  CHECK(s.error().message() ==
        "span a subspace: residual_stream(model 0000000000000001, 2 layers, width 2): found zeros "
        "in all layers, expected a vector with a length in at least one layer");
  CHECK(subspace::spanned_by(std::span<const persona>()).error().code == errc::invalid_argument);
  CHECK(subspace::make(space, 0, {}).error().code == errc::zero_direction);
  CHECK(subspace::make(space_of_shape(0xFFFFFFFF, 0), 3, {}).error().code == errc::zero_direction);
}

TEST_CASE("a subspace across spaces, of wrong size, or of numbers that are none, is refused") {
  const persona p = persona_of(space_of_shape(1, 2), "p", {1, 0});
  const persona q = persona_of(space_of_shape(1, 2, 2), "q", {0, 1});
  const auto mixed = subspace::spanned_by(p, q);
  REQUIRE(!mixed);
  CHECK(mixed.error().code == errc::space_mismatch);
  std::vector<persona> both;
  both.push_back(p.clone());
  both.push_back(q.clone());
  CHECK(subspace::spanned_by(both).error().code == errc::space_mismatch);
  CHECK(subspace::spanned_by(p, p / 0).error().code == errc::non_finite);
  CHECK(subspace::spanned_by(p / 0, p).error().code == errc::non_finite);
  CHECK(subspace::spanned_by(p, 1e300 * p).error().code == errc::non_finite);

  const auto sized = subspace::make(space_of_shape(2, 2), 2, std::vector<float>(7));
  REQUIRE(!sized);
  CHECK(sized.error().code == errc::shape_mismatch);
  CHECK(sized.error().expected == "2 x 2 x 2");
  CHECK_FALSE(subspace::make(space_of_shape(0xFFFFFFFF, 0xFFFFFFFF), 4, std::vector<float>(4)));

  std::vector<float> values(8, 1.0f);
  values[6] = std::numeric_limits<float>::quiet_NaN();
  const auto nan = subspace::make(space_of_shape(2, 2), 2, values);
  REQUIRE(!nan);
  CHECK(nan.error().message() ==
        "span a subspace: layer 1, row 1, element 0: found NaN, expected a finite number");
}

TEST_CASE("moving a subspace leaves an empty one, cloning leaves an equal one") {
  const persona p = persona_of(space_of_shape(1, 2), "p", {3, 4});
  auto s = subspace::spanned_by(p);
  REQUIRE(s);
  const subspace copy = s->clone();
  const subspace moved = std::move(*s);
  CHECK(s->rank(layer_index(0)) == 0);  // NOLINT(bugprone-use-after-move)
  CHECK(s->max_rank() == 0);
  CHECK(moved.row(layer_index(0), 0)[0] == 0.6f);
  CHECK(std::ranges::equal(copy.row(layer_index(0), 0), moved.row(layer_index(0), 0)));
  CHECK(copy.row(layer_index(0), 0).data() != moved.row(layer_index(0), 0).data());
}
