// SPDX-License-Identifier: MIT
// The examples of docs/multitude.md: what the page quotes must compile and print what it says.
#include <multitudes/persona.hpp>
#include <multitudes/persona/basis.hpp>
#include <multitudes/persona/conceptor_algebra.hpp>
#include <multitudes/persona/decompose.hpp>
#include <multitudes/persona/multitude.hpp>
#include <multitudes/persona/subspace.hpp>

#include "quotes.hpp"

#include <doctest/doctest.h>

#include <cstdarg>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

using namespace multitudes;
using namespace multitudes_test;

namespace {

const quoted_page multitude_page{"tests/docs/multitude.cpp", "docs/multitude.md"};

// clang-format off
// [frame]
// A model with one layer of width 3; a real one says `lm.space()`.
const activation_space space{.model = {1}, .n_layers = 1, .model_dim = 3};

persona make(const char* label, std::vector<float> values) {
  auto d = direction::make(space, values);
  auto p = persona::make(label, std::move(*d));
  return std::move(*p);  // a program would look whether there was an error
}

void show(const char* label, std::span<const float> row) {
  print("%s {%.3g %.3g %.3g}\n", label, row[0], row[1], row[2]);
}

void show(const multitude& m) {
  for (std::size_t i = 0; i < m.size(); ++i) {
    print("%s %.3f  ", std::string(m.label(i)).c_str(), m.prevalence(i));
  }
  print("entropy %.3f\n", m.entropy());
}
// [frame]
// clang-format on

}  // namespace

TEST_CASE("the page on multitudes quotes examples that compile, and what they print") {
  multitude_page.check("frame");

  // [population]
  const auto village = multitude::make({{"bard", 1}, {"cook", 2}, {"spy", 1}});
  show(*village);
  print("cook against the rest: %.3f nats\n", village->log_odds(1));
  // [population]
  multitude_page.check("population");

  // [evidence]
  const std::vector<double> a_rhyme{-2, -4, -4}, a_secret{-5, -6, -1};
  show(*village->posterior(a_rhyme));
  show(*village->posterior(a_rhyme)->posterior(a_secret));
  show(*village->posterior(a_secret)->posterior(a_rhyme));
  const auto exposed = village->posterior(std::vector<double>{0, 0, -INFINITY});
  show(*exposed->upweight("spy", 1000));
  // [evidence]
  multitude_page.check("evidence");

  // [upweight]
  const auto festive = village->upweight("bard", 2);
  show(*festive);
  print("%.3f -> %.3f nats\n", village->log_odds(0), festive->log_odds(0));
  const auto far = village->upweight("bard", -1000);
  show(*far);
  show(*far->upweight("bard", 1000));
  print("lost by expecting the old village: %.3f nats\n", *divergence(*festive, *village));
  // [upweight]
  multitude_page.check("upweight");

  // [mean]
  const auto bard = std::make_shared<const persona>(make("bard", {2, 0, 0}));
  const auto cook = std::make_shared<const persona>(make("cook", {1, 1, 0}));
  const auto inn = multitude::make({{"bard", 1, bard}, {"cook", 3, cook}});
  show("the inn", inn->mean_persona("the inn")->values());
  // [mean]
  multitude_page.check("mean");

  // [subspace]
  const auto plane = subspace::spanned_by(*bard, *cook, 2 * *bard - *cook);
  print("rank %d\n", static_cast<int>(plane->rank(layer_index(0))));
  show("row 0", plane->row(layer_index(0), 0));
  show("row 1", plane->row(layer_index(0), 1));
  // [subspace]
  multitude_page.check("subspace");

  // [decompose]
  const persona mystery = make("mystery", {3, 1, 1});
  std::vector<behavior_unit> units;
  units.push_back({"rhyme", make("", {2, 0, 0}).direction().clone()});
  units.push_back({"taste", make("", {1, 1, 0}).direction().clone()});
  units.push_back({"whine", make("", {-1, 0, 0}).direction().clone()});
  const auto parts = decompose(mystery, units);
  for (const weighted_unit& u : parts->of_units.units()) {
    print("%.3f %s\n", u.weight, u.unit.label.c_str());
  }
  show("remainder", parts->remainder.values());
  print("explained %.3f\n", parts->explained);
  // [decompose]
  multitude_page.check("decompose");

  // [basis]
  std::vector<persona> both;
  both.push_back(bard->clone());
  both.push_back(cook->clone());
  const auto in_order = gram_schmidt_basis(both);
  const auto alike = lowdin_basis(both);
  for (const auto* basis : {&*in_order, &*alike}) {
    for (const persona& p : *basis) show(p.label().c_str(), p.values());
  }
  // [basis]
  multitude_page.check("basis");

  // [conceptor]
  const std::vector<float> a{3, 0, 0, -3, 0, 0, 0, 1, 0, 0, -1, 0};  // 4 activations of width 3
  const std::vector<float> b{0, 1, 0, 0, -1, 0, 0, 0, 2, 0, 0, -2};
  const layer_index first(0);
  const auto of_a = conceptor::learned(space, first, {a.data(), 4, 3}, 1);
  const auto of_b = conceptor::learned(space, first, {b.data(), 4, 3}, 1);
  const auto say = [](const char* name, const conceptor& c) {
    std::vector<float> kept(3);
    if (c.apply(std::vector<float>{1, 1, 1}, kept)) show(name, kept);
    print("  quota %.3f, rank %d\n", c.quota(), static_cast<int>(c.rank()));
  };
  say("a", *of_a);
  say("b", *of_b);
  say("not a", negation(*of_a));
  say("a and b", *conjunction(*of_a, *of_b));
  say("a or b", *disjunction(*of_a, *of_b));
  say("b and not a", *conjunction(*of_b, negation(*of_a)));
  // [conceptor]
  multitude_page.check("conceptor");
}
