// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "helpers.hpp"

#include <multitudes/persona/basis.hpp>

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

namespace {

double deviation(const std::vector<persona>& basis, layer_index layer) {
  double worst = 0;
  for (std::size_t i = 0; i < basis.size(); ++i) {
    for (std::size_t j = 0; j < basis.size(); ++j) {
      const double product = dot(basis[i].direction().row(layer), basis[j].direction().row(layer));
      worst = std::max(worst, std::fabs(product - (i == j ? 1.0 : 0.0)));
    }
  }
  return worst;
}

std::vector<persona> random_personas(std::uint64_t number, std::size_t n) {
  case_of_law c(90, number, values_of::ordinary);
  std::vector<persona> people;
  for (std::size_t i = 0; i < n; ++i) people.push_back(c.next("p" + std::to_string(i)));
  return people;
}

double unit_distance(const persona& p, const persona& q) {
  double sum = 0;
  for (std::uint32_t l = 0; l < 3; ++l) {
    const auto a = p.direction().row(layer_index(l)), b = q.direction().row(layer_index(l));
    sum += 2 - 2 * dot(a, b) / p.direction().norm(layer_index(l));
  }
  return sum;
}

}  // namespace

TEST_CASE("by Gram and Schmidt the first stays and the others lose what it has") {
  const activation_space space = space_of_shape(2, 2);
  std::vector<persona> people;
  people.push_back(persona_of(space, "bard", {2, 0, 0, 0}));
  people.push_back(persona_of(space, "cook", {3, 4, 0, 5}, {{{"feed", "", {}}, 1.0}}));
  const auto basis = gram_schmidt_basis(people);
  REQUIRE(basis);
  REQUIRE(basis->size() == 2);
  CHECK((*basis)[0].label() == "orthonormal(bard)");
  CHECK((*basis)[1].label() == "orthonormal(cook)");
  CHECK((*basis)[1].goals().size() == 1);
  CHECK(std::ranges::equal((*basis)[0].values(), std::vector<float>{1, 0, 0, 0}));
  CHECK(std::ranges::equal((*basis)[1].values(), std::vector<float>{0, 1, 0, 1}));
}

TEST_CASE("by Löwdin both move by the same angle") {
  const activation_space space = space_of_shape(2, 2);
  std::vector<persona> people;
  people.push_back(persona_of(space, "bard", {5, 0, 0, 0}));
  people.push_back(persona_of(space, "cook", {1, 1, 0, -3}));
  const auto basis = lowdin_basis(people);
  REQUIRE(basis);
  CHECK((*basis)[0].label() == "lowdin(bard)");
  // 0 and 45 degrees become -22.5 and 67.5.
  CHECK((*basis)[0].values()[0] == doctest::Approx(std::cos(std::acos(-1.0) / 8)));
  CHECK((*basis)[0].values()[1] == doctest::Approx(-std::sin(std::acos(-1.0) / 8)));
  CHECK((*basis)[1].values()[1] == doctest::Approx(std::cos(std::acos(-1.0) / 8)));
  // In the second layer only one of them is anything.
  CHECK((*basis)[0].direction().norm(layer_index(1)) == 0);
  CHECK((*basis)[1].values()[3] == -1.0f);
}

TEST_CASE("both bases are orthonormal to 2^-22 in every layer") {
  double worst = 0;
  for (int i = 0; i < sample_count(200, 5000); ++i) {
    const auto people = random_personas(static_cast<std::uint64_t>(i), 5);
    const auto a = gram_schmidt_basis(people), b = lowdin_basis(people);
    REQUIRE(a);
    REQUIRE(b);
    for (std::uint32_t l = 0; l < 3; ++l) {
      worst = std::max({worst, deviation(*a, layer_index(l)), deviation(*b, layer_index(l))});
    }
  }
  CHECK(worst < 0x1p-22);
}

TEST_CASE("Löwdin's basis does not care for the order and stays nearer, Gram and Schmidt's does") {
  double apart = 0;
  int order_matters = 0;
  const int n = sample_count(100, 5000);
  for (int i = 0; i < n; ++i) {
    auto people = random_personas(static_cast<std::uint64_t>(i), 4);
    const auto a = lowdin_basis(people), g = gram_schmidt_basis(people);
    REQUIRE(a);
    REQUIRE(g);
    double near = 0, far = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      near += unit_distance(people[k], (*a)[k]);
      far += unit_distance(people[k], (*g)[k]);
    }
    REQUIRE(near <= far);
    std::ranges::reverse(people);
    const auto b = lowdin_basis(people), h = gram_schmidt_basis(people);
    REQUIRE(b);
    REQUIRE(h);
    for (std::size_t k = 0; k < 4; ++k) {
      const auto x = (*a)[k].values(), y = (*b)[3 - k].values();
      for (std::size_t c = 0; c < x.size(); ++c) {
        apart = std::max(apart, static_cast<double>(std::fabs(x[c] - y[c])));
      }
    }
    order_matters += !std::ranges::equal((*g)[0].values(), (*h)[3].values());
  }
  CHECK(apart < 0x1p-22);
  CHECK(order_matters == n);
}

TEST_CASE("the first k of Gram and Schmidt's basis span the first k personas") {
  for (int i = 0; i < sample_count(50, 2000); ++i) {
    const auto people = random_personas(static_cast<std::uint64_t>(i), 4);
    const auto basis = gram_schmidt_basis(people);
    REQUIRE(basis);
    for (std::uint32_t l = 0; l < 3; ++l) {
      for (std::size_t k = 0; k < 4; ++k) {
        const auto row = people[k].direction().row(layer_index(l));
        double inside = 0;
        for (std::size_t j = 0; j <= k; ++j) {
          const double share = dot(row, (*basis)[j].direction().row(layer_index(l)));
          inside += share * share;
        }
        REQUIRE(inside == doctest::Approx(dot(row, row)).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("personas that depend on others make no basis") {
  const activation_space space = space_of_shape(2, 2);
  std::vector<persona> people;
  CHECK(gram_schmidt_basis(people).error().code == errc::invalid_argument);
  people.push_back(persona_of(space, "bard", {2, 0, 1, 0}));
  people.push_back(persona_of(space, "twin", {1, 0, -3, 0}));
  const auto basis = gram_schmidt_basis(people);
  REQUIRE(!basis);
  CHECK(basis.error().message() ==
        "make a basis: 'twin': found a combination of the personas before it, in all layers, "
        "expected something of its own; leave it out");
  const auto nearest = lowdin_basis(people);
  REQUIRE(!nearest);
  CHECK(nearest.error().code == errc::invalid_argument);
  CHECK(nearest.error().place == "layer 0");
  people[1] = persona_of(space, "cousin", {1, 0, 0, 1});
  REQUIRE(gram_schmidt_basis(people));
  CHECK(gram_schmidt_basis(people)->at(1).direction().norm(layer_index(0)) == 0);
  people.push_back(persona_of(space_of_shape(2, 2, 9), "stranger", {1, 0, 0, 1}));
  CHECK(gram_schmidt_basis(people).error().code == errc::space_mismatch);
  CHECK(lowdin_basis(people).error().code == errc::space_mismatch);
}
