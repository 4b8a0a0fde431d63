// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

namespace {

std::span<const float> row_of(const std::vector<float>& values, const activation_space& space,
                              std::size_t layer) {
  return std::span<const float>(values).subspan(layer * space.model_dim, space.model_dim);
}

}  // namespace

TEST_CASE("without takes out the projection, layer by layer") {
  const activation_space space = space_of_shape(2, 2);
  const persona p = persona_of(space, "p", {3, 4, 5, 6});
  const persona q = persona_of(space, "q", {2, 0, 0, 0});
  CHECK(values_in(p | without(q)) == std::vector<float>{0, 4, 5, 6});
  CHECK(values_in(2 * (p | without(-8 * q))) == std::vector<float>{0, 8, 10, 12});
  CHECK(values_in(p | without(p)) == std::vector<float>{0, 0, 0, 0});
}

TEST_CASE("what is left is orthogonal to what was taken out, and taking it out twice is once") {
  double worst_cosine = 0.0, worst_change = 0.0;
  for (int i = 0; i < 10000; ++i) {
    case_of_law c(40, static_cast<std::uint64_t>(i), i % 2 ? values_of::wild : values_of::ordinary);
    const persona p = c.next("p"), q = c.next("q"), r = c.next("r");
    const auto once = values_in((0.5 * p + r) | without(q));
    const auto twice = values_in((0.5 * p + r) | without(q) | without(q));
    const auto before = values_in(0.5 * p + r);
    const auto taken = values_in(q);
    REQUIRE(!once.empty());
    for (std::size_t l = 0; l < 3; ++l) {
      const auto rest = row_of(once, c.space(), l), out = row_of(taken, c.space(), l);
      const auto whole = row_of(before, c.space(), l), again = row_of(twice, c.space(), l);
      const double size = std::sqrt(dot(whole, whole)), other = std::sqrt(dot(out, out));
      // Rows of subnormals alone have too few bits to be orthogonal with.
      if (size < 1e-30 || other < 1e-30) continue;
      worst_cosine = std::max(worst_cosine, std::fabs(dot(rest, out)) / (size * other));
      double change = 0.0;
      for (std::size_t k = 0; k < rest.size(); ++k) {
        change = std::hypot(change, static_cast<double>(rest[k]) - static_cast<double>(again[k]));
      }
      worst_change = std::max(worst_change, change / size);
    }
  }
  INFO("worst cosine ", worst_cosine, ", worst change ", worst_change);
  CHECK(worst_cosine < 0x1p-23);
  CHECK(worst_change < 0x1p-23);
}

TEST_CASE("without nobody, a persona stays as it is, bit for bit") {
  int failed = 0;
  for (int i = 0; i < 10000; ++i) {
    case_of_law c(41, static_cast<std::uint64_t>(i), i % 2 ? values_of::wild : values_of::ordinary);
    const persona p = c.next("p"), q = c.next("q");
    failed += !same_bits(p | without(zero_persona), p);
    failed += !same_bits(p | without(0 * q), p);
    failed += !same_bits((p - q) | without(zero_persona), p - q);
  }
  CHECK(failed == 0);
}

TEST_CASE("without ignores the length of what it takes out") {
  const activation_space space = space_of_shape(1, 3);
  const persona p = persona_of(space, "p", {1, 2, 3});
  const persona q = persona_of(space, "q", {1, -1, 2});
  CHECK(same_bits(p | without(q), p | without(0.25f * q)));
  CHECK(same_bits(p | without(q), p | without(-q)));
}

TEST_CASE("an adaptor that owns its persona can be used once") {
  const activation_space space = space_of_shape(1, 2);
  const persona p = persona_of(space, "p", {3, 4});
  auto adaptor = without(persona_of(space, "q", {1, 0}));
  static_assert(!std::is_copy_constructible_v<decltype(adaptor)>);
  CHECK(values_in(p | std::move(adaptor)) == std::vector<float>{0, 4});
  const auto reusable = without(p);
  CHECK(values_in(p | reusable) == values_in(p | reusable));
}
