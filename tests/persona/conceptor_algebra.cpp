// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "clouds.hpp"

#include <multitudes/persona/conceptor_algebra.hpp>

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

namespace {

constexpr double tolerance = 0x1p-16;

conceptor both(const conceptor& a, const conceptor& b) {
  auto c = conjunction(a, b);
  REQUIRE(c);
  return std::move(*c);
}
conceptor either(const conceptor& a, const conceptor& b) {
  auto c = disjunction(a, b);
  REQUIRE(c);
  return std::move(*c);
}
conceptor extreme(outside_rows outside, std::uint32_t width) {
  return along_axes({}, outside, width);
}

/// Conceptors of clouds that fill a part of the space, all of it, or all but a part of it.
conceptor some_conceptor(philox& random, std::size_t width) {
  const std::size_t n = 1 + random.below(static_cast<std::uint32_t>(2 * width));
  conceptor c =
      learned(random_cloud(random, n, width), 0.5 + static_cast<double>(random.uniform()));
  return random.below(3) == 0 ? negation(c) : std::move(c);
}

/// The inverse of a well-conditioned matrix.
std::vector<double> inverse(std::vector<double> m, std::size_t n) {
  std::vector<double> inv(n * n);
  for (std::size_t i = 0; i < n; ++i) inv[i * n + i] = 1;
  for (std::size_t p = 0; p < n; ++p) {
    std::size_t best = p;
    for (std::size_t r = p; r < n; ++r) {
      if (std::fabs(m[r * n + p]) > std::fabs(m[best * n + p])) best = r;
    }
    for (std::size_t c = 0; c < n; ++c) {
      std::swap(m[p * n + c], m[best * n + c]);
      std::swap(inv[p * n + c], inv[best * n + c]);
    }
    const double pivot = m[p * n + p];
    for (std::size_t c = 0; c < n; ++c) {
      m[p * n + c] /= pivot;
      inv[p * n + c] /= pivot;
    }
    for (std::size_t r = 0; r < n; ++r) {
      const double f = r == p ? 0 : m[r * n + p];
      for (std::size_t c = 0; c < n; ++c) {
        m[r * n + c] -= f * m[p * n + c];
        inv[r * n + c] -= f * inv[p * n + c];
      }
    }
  }
  return inv;
}

}  // namespace

TEST_CASE("shares of a common direction combine as 1 / (1/s + 1/t - 1)") {
  const auto none = outside_rows::nothing_kept, all = outside_rows::everything_kept;
  const conceptor a = along_axes({0.5, 1, 0.25, 0}, none, 5);
  const conceptor b = along_axes({0.5, 0.5, 0, 0.5}, all, 5);
  const auto m = matrix_of(both(a, b));
  const std::vector<double> wanted{1.0 / 3, 0.5, 0, 0, 0};
  const auto o = matrix_of(either(a, b));
  // 1 - 1 / (1/(1-s) + 1/(1-t) - 1)
  const std::vector<double> either_wanted{2.0 / 3, 1, 0.25, 0.5, 1};
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < 5; ++j) {
      CHECK(m[i * 5 + j] == doctest::Approx(i == j ? wanted[i] : 0).epsilon(1e-6));
      CHECK(o[i * 5 + j] == doctest::Approx(i == j ? either_wanted[i] : 0).epsilon(1e-6));
    }
  }
  CHECK(both(a, b).outside() == none);
  CHECK(either(a, b).outside() == all);
}

TEST_CASE("of full clouds, and is (A^-1 + B^-1 - I)^-1") {
  for (int i = 0; i < sample_count(60, 2000); ++i) {
    philox random(120, static_cast<std::uint64_t>(i));
    const std::size_t width = 2 + random.below(7);
    const conceptor a = learned(random_cloud(random, 3 * width, width), 1.5);
    const conceptor b = learned(random_cloud(random, 3 * width, width), 1.5);
    // Rows are floats: the reference gets rounded matrices, whose inverses amplify that.
    if (a.shares().back() < 0.01 || b.shares().back() < 0.01) continue;
    const auto x = inverse(matrix_of(a), width), y = inverse(matrix_of(b), width);
    std::vector<double> sum(width * width);
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] = x[k] + y[k];
    for (std::size_t k = 0; k < width; ++k) sum[k * width + k] -= 1;
    REQUIRE(distance(matrix_of(both(a, b)), inverse(sum, width)) < 1e-4);
  }
}

TEST_CASE("or is what both clouds together would have taught") {
  for (int i = 0; i < sample_count(60, 2000); ++i) {
    philox random(121, static_cast<std::uint64_t>(i));
    const std::size_t width = 3 + random.below(9), n = 1 + random.below(12);
    const cloud a = random_cloud(random, n, width), b = random_cloud(random, n, width);
    cloud together{2 * n, width, a.values};
    together.values.insert(together.values.end(), b.values.begin(), b.values.end());
    // The mean of x x^T over both is half the sum of theirs.
    const conceptor wanted = learned(together, std::sqrt(2.0));
    REQUIRE(distance(either(learned(a, 1), learned(b, 1)), wanted) < tolerance);
  }
}

TEST_CASE("and is or seen from outside: de Morgan's laws") {
  for (int i = 0; i < sample_count(60, 2000); ++i) {
    philox random(122, static_cast<std::uint64_t>(i));
    const std::size_t width = 2 + random.below(9);
    const conceptor a = some_conceptor(random, width), b = some_conceptor(random, width);
    REQUIRE(distance(negation(both(a, b)), either(negation(a), negation(b))) < tolerance);
    REQUIRE(distance(negation(either(a, b)), both(negation(a), negation(b))) < tolerance);
  }
}

TEST_CASE("and and or are commutative, associative and bounded by their operands") {
  double commuted = 0, associated = 0;
  for (int i = 0; i < sample_count(100, 3000); ++i) {
    philox random(123, static_cast<std::uint64_t>(i));
    const std::size_t width = 2 + random.below(9);
    const conceptor a = some_conceptor(random, width), b = some_conceptor(random, width);
    const conceptor c = some_conceptor(random, width);
    commuted = std::max(commuted, distance(both(a, b), both(b, a)));
    commuted = std::max(commuted, distance(either(a, b), either(b, a)));
    associated = std::max(associated, distance(both(both(a, b), c), both(a, both(b, c))));
    associated = std::max(associated, distance(either(either(a, b), c), either(a, either(b, c))));
    REQUIRE(both(a, b).quota() <= std::min(a.quota(), b.quota()) + 1e-6);
    REQUIRE(either(a, b).quota() >= std::max(a.quota(), b.quota()) - 1e-6);
  }
  INFO("commuted ", commuted, " associated ", associated);
  CHECK(commuted < tolerance);
  CHECK(associated < tolerance);
}

TEST_CASE("nothing and everything are the ends of the algebra") {
  for (int i = 0; i < sample_count(60, 2000); ++i) {
    philox random(124, static_cast<std::uint64_t>(i));
    const std::uint32_t width = 2 + random.below(9);
    const conceptor c = some_conceptor(random, width);
    const conceptor nothing = extreme(outside_rows::nothing_kept, width);
    const conceptor everything = extreme(outside_rows::everything_kept, width);
    REQUIRE(distance(both(c, everything), c) < tolerance);
    REQUIRE(distance(either(c, nothing), c) < tolerance);
    REQUIRE(distance(both(c, nothing), nothing) < tolerance);
    REQUIRE(distance(either(c, everything), everything) < tolerance);
  }
}

TEST_CASE("a conceptor and itself is itself with a narrower aperture") {
  for (int i = 0; i < sample_count(60, 2000); ++i) {
    philox random(125, static_cast<std::uint64_t>(i));
    const conceptor c = some_conceptor(random, 2 + random.below(9));
    REQUIRE(distance(both(c, c), *c.adapted(std::sqrt(0.5))) < tolerance);
    REQUIRE(distance(either(c, c), *c.adapted(std::sqrt(2.0))) < tolerance);
  }
  const conceptor soft = along_axes({0.5}, outside_rows::nothing_kept, 1);
  CHECK(matrix_of(either(soft, negation(soft)))[0] == doctest::Approx(2.0 / 3));
}

TEST_CASE("clouds in different planes have only their common line in common") {
  // The planes of x and y, and of y and z; every share is 1/2 in its plane.
  const activation_space space = space_of_shape(1, 3);
  const std::vector<double> half{0.5, 0.5};
  const float r = std::sqrt(0.5f);
  const std::vector<float> xy{r, r, 0, -r, r, 0}, yz{0, r, r, 0, -r, r};
  const auto a =
      conceptor::make(space, layer_index(0), outside_rows::nothing_kept, half, {xy.data(), 2, 3});
  const auto b =
      conceptor::make(space, layer_index(0), outside_rows::nothing_kept, half, {yz.data(), 2, 3});
  REQUIRE(a);
  REQUIRE(b);
  const conceptor common = both(*a, *b);
  REQUIRE(common.rank() == 1);
  CHECK(common.shares()[0] == doctest::Approx(1.0 / 3));
  CHECK(common.rows().row(0)[1] == doctest::Approx(1));
  // Two lines with nothing in common.
  const std::vector<float> x{1, 0, 0}, oblique{0.6f, 0.8f, 0};
  const auto c = conceptor::make(space, layer_index(0), outside_rows::nothing_kept,
                                 std::vector<double>{1}, {x.data(), 1, 3});
  const auto d = conceptor::make(space, layer_index(0), outside_rows::nothing_kept,
                                 std::vector<double>{1}, {oblique.data(), 1, 3});
  CHECK(both(*c, *d).rank() == 0);
}

TEST_CASE("conceptors of other layers and other spaces do not combine") {
  const auto at = [](const activation_space& space, std::size_t layer) {
    return std::move(*conceptor::make(space, layer_index(layer), outside_rows::everything_kept));
  };
  const conceptor here = at(space_of_shape(2, 3), 1);
  const auto other_layer = conjunction(here, at(space_of_shape(2, 3), 0));
  REQUIRE(!other_layer);
  CHECK(other_layer.error().code == errc::space_mismatch);
  CHECK(other_layer.error().message() ==
        "combine conceptors: found layer 0 of residual_stream(model 0000000000000001, 2 layers, "
        "width 3), expected layer 1 of residual_stream(model 0000000000000001, 2 layers, width 3)");
  CHECK(disjunction(here, at(space_of_shape(2, 3, 9), 1)).error().code == errc::space_mismatch);
}
