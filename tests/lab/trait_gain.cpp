// SPDX-License-Identifier: MIT
#include <multitudes/lab/laboratory.hpp>
#include <multitudes/lab/measure/trait_gain.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

texts documents(const gazette& g, const population& writers, std::uint64_t n) {
  const document_source source(g, writers, 1);
  texts all;
  for (std::uint64_t i = 0; i < n; ++i) all.push_back(source.document(i).tokens);
  return all;
}

TEST_CASE("A trait is worth what it tells: nothing where everyone has the same habit") {
  gazette_config c;
  c.personas.units = unit_bonds::shuffled;
  c.clarity.form = 0.5;
  const auto g = *gazette::make(c);
  const population writers = true_population(g);
  const texts all = documents(g, writers, 60);
  const auto form = find_trait_places(g, writers, all, choice_key::form);
  REQUIRE(form);
  CHECK(form->gain() == doctest::Approx(0));
  CHECK(form->learnt(form->ideal) == 0);
  // Two line ends for each filler, each a toss.
  CHECK(form->ideal == doctest::Approx(std::log(2) * static_cast<double>(form->places.size())));

  const auto opener = find_trait_places(g, writers, all, choice_key::opener);
  REQUIRE(opener);
  CHECK(opener->gain() > 30);
  CHECK(opener->learnt(opener->ideal) == doctest::Approx(1));
  CHECK(opener->learnt(opener->blind) == doctest::Approx(0));
  // The blind reader takes each of eight openers for as likely.
  CHECK(opener->blind == doctest::Approx(std::log(8) * static_cast<double>(opener->places.size())));
}

TEST_CASE("A newborn has learnt nothing of a trait, and loses the logarithm of all words") {
  const auto g = *gazette::make();
  const population writers = true_population(g);
  const texts all = documents(g, writers, 40);
  std::vector<trait_places> traits;
  for (const choice_key k : {choice_key::opener, choice_key::form}) {
    traits.push_back(*find_trait_places(g, writers, all, k));
  }
  thread_pool workers(1);
  auto asked = scorer::make(workers, *laboratory::newborn({.model_dim = 8, .n_layers = 1}, 1));
  REQUIRE(asked);
  const auto lost = losses_at(*asked, all, traits);
  REQUIRE(lost);
  for (std::size_t u = 0; u < 2; ++u) {
    const double each = (*lost)[u] / static_cast<double>(traits[u].places.size());
    CHECK(each == doctest::Approx(std::log(gazette_vocab_size)).epsilon(0.05));
    CHECK(traits[u].learnt((*lost)[u]) < 0);
  }
}

}  // namespace
