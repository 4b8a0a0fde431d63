// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

TEST_CASE("a blend turns evenly from one persona to the other") {
  const activation_space space = space_of_shape(1, 2);
  const persona p = persona_of(space, "p", {1, 0}), q = persona_of(space, "q", {0, 2});
  const auto third = values_in(blend(p, q, 1.0 / 3.0));
  REQUIRE(third.size() == 2);
  const double norm = 4.0 / 3.0;
  CHECK(static_cast<double>(third[0]) == doctest::Approx(norm * std::sqrt(0.75)).epsilon(1e-7));
  CHECK(static_cast<double>(third[1]) == doctest::Approx(norm * 0.5).epsilon(1e-7));
}

TEST_CASE("a blend starts at one persona and ends at the other, bit for bit") {
  int failed = 0;
  for (int i = 0; i < 10000; ++i) {
    case_of_law c(50, static_cast<std::uint64_t>(i), i % 2 ? values_of::wild : values_of::ordinary);
    const persona p = c.next("p"), q = c.next("q");
    failed += !same_bits(blend(p, q, 0), p);
    failed += !same_bits(blend(p, q, 1.0f), q);
    failed += !same_bits(blend(p - q, q, 0.0), p - q);
    failed += !same_bits(2 * blend(p, q, 1), 2 * q);
  }
  CHECK(failed == 0);
}

TEST_CASE("a blend is symmetric, and its norm goes evenly from one to the other") {
  int asymmetric = 0;
  double worst_norm = 0.0;
  for (int i = 0; i < 10000; ++i) {
    case_of_law c(51, static_cast<std::uint64_t>(i), i % 2 ? values_of::wild : values_of::ordinary);
    const persona p = c.next("p"), q = c.next("q");
    const auto t = static_cast<double>(c.random().uniform());
    const auto there = values_in(blend(p, q, t)), back = values_in(blend(q, p, 1.0 - t));
    REQUIRE(there.size() == back.size());
    const std::size_t width = c.space().model_dim;
    for (std::size_t l = 0; l < 3; ++l) {
      const auto row = std::span(there).subspan(l * width, width);
      const double from = p.direction().norm(layer_index(l));
      const double to = q.direction().norm(layer_index(l));
      if (from < 1e-30 || to < 1e-30) continue;
      const double cosine =
          dot(p.direction().row(layer_index(l)), q.direction().row(layer_index(l))) / from / to;
      const double sine = std::sqrt(std::max(0.0, 1.0 - cosine * cosine));
      const double norm = (1.0 - t) * from + t * to;
      if (sine > 1e-3) {
        worst_norm =
            std::max(worst_norm, std::fabs(std::sqrt(dot(row, row)) / norm - 1.0) - 0x1p-28 / sine);
      }
      for (std::size_t k = l * width; k < (l + 1) * width; ++k) {
        // Neither term's coefficient times its row exceeds norm / sine times the unit vector.
        const double terms = norm / std::max(sine, 1e-4) *
                             (std::fabs(static_cast<double>(p.values()[k])) / from +
                              std::fabs(static_cast<double>(q.values()[k])) / to);
        const double gap = std::fabs(static_cast<double>(there[k]) - static_cast<double>(back[k]));
        asymmetric += gap > std::max(ulp(there[k]), ulp(back[k])) + 0x1p-28 * terms;
      }
    }
  }
  CHECK(asymmetric == 0);
  INFO("worst error of the norm ", worst_norm);
  CHECK(worst_norm < 0x1p-23);
}

TEST_CASE("a blend of equal norms keeps the norm to two ulps") {
  double worst = 0.0;
  for (int i = 0; i < 10000; ++i) {
    case_of_law c(52, static_cast<std::uint64_t>(i), values_of::ordinary);
    const auto p = normalized(c.next("p").direction()), q = normalized(c.next("q").direction());
    REQUIRE(p);
    REQUIRE(q);
    const auto out = values_in(blend(view_of(*p), view_of(*q), c.random().uniform()));
    const std::size_t width = c.space().model_dim;
    for (std::size_t l = 0; l < 3; ++l) {
      const auto row = std::span(out).subspan(l * width, width);
      worst = std::max(worst, std::fabs(std::sqrt(dot(row, row)) - 1.0));
    }
  }
  INFO("worst ", worst);
  CHECK(worst < 2 * 0x1p-23);
}

TEST_CASE("where no arc is the shortest, a blend is the straight line") {
  const activation_space space = space_of_shape(1, 2);
  const persona p = persona_of(space, "p", {1, 2}), opposite = persona_of(space, "o", {-1, -2});
  const persona longer = persona_of(space, "l", {3, 6}), none = persona_of(space, "n", {0, 0});
  CHECK(values_in(blend(p, opposite, 0.25)) == std::vector<float>{0.5f, 1.0f});
  CHECK(values_in(blend(p, opposite, 0.5)) == std::vector<float>{0.0f, 0.0f});
  CHECK(values_in(blend(p, longer, 0.5)) == std::vector<float>{2.0f, 4.0f});
  CHECK(values_in(blend(p, none, 0.5)) == std::vector<float>{0.5f, 1.0f});
  CHECK(values_in(blend(zero_persona, p, 0.5)) == std::vector<float>{0.5f, 1.0f});
  CHECK(values_in(blend(none, none, 0.5)) == std::vector<float>{0.0f, 0.0f});
}

TEST_CASE("a fraction that is not between 0 and 1 is refused") {
  const persona p = persona_of(space_of_shape(1, 1), "p", {1});
  const auto beyond = validate(blend(p, p, 1.5f));
  REQUIRE(!beyond);
  CHECK(beyond.error().code == errc::invalid_argument);
  CHECK(beyond.error().message() ==
        "blend: t: found 1.5, expected 0 to 1; use + with weights to go beyond");
  const auto nan = validate(blend(p, p, std::nan("")));
  REQUIRE(!nan);
  CHECK(nan.error().code == errc::non_finite);
}
