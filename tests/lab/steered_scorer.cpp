// SPDX-License-Identifier: MIT
#include <multitudes/lab/laboratory.hpp>
#include <multitudes/lab/measure/state_patch.hpp>
#include <multitudes/lab/measure/steered_scorer.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

constexpr student_size tiny{.model_dim = 16, .n_layers = 3, .n_heads = 2};

texts some_texts() {
  texts all;
  for (const char* text : {"<doc> ask tide ?", "<doc> bid cup !", "<doc> ask moss ? well"}) {
    all.push_back(*gazette_tokens(text));
  }
  return all;
}

template <class Asked>
std::vector<double> probabilities(Asked& asked, const texts& all, token_id next) {
  std::vector<double> p(all.size());
  REQUIRE(asked.predict_next(all, [&](std::size_t i, std::span<const float> log_p) {
    p[i] = std::exp(static_cast<double>(log_p[next.value]));
  }));
  return p;
}

TEST_CASE("Without a plan a steered scorer says what a scorer says; with one, something else") {
  thread_pool workers(2);
  const auto who = laboratory::newborn(tiny, 1);
  auto asked = scorer::make(workers, *who);
  auto steered = steered_scorer::make(workers, *who);
  REQUIRE(asked);
  REQUIRE(steered);
  const texts all = some_texts();
  const auto wanted = probabilities(*asked, all, word("well"));
  const auto found = probabilities(*steered, all, word("well"));
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(found[i] == doctest::Approx(wanted[i]));
  const std::vector<float> offset(16, 1.0f);
  auto plan = push_plan(steered->space(), layer_index(1), offset);
  REQUIRE(plan);
  steered->steer({.what = *plan});
  const auto pushed = probabilities(*steered, all, word("well"));
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(std::abs(pushed[i] / wanted[i] - 1) > 1e-3);
}

TEST_CASE("A state of the last layer brings its text's expectations with it") {
  thread_pool workers(2);
  const auto who = laboratory::newborn(tiny, 1);
  auto asked = scorer::make(workers, *who);
  auto steered = steered_scorer::make(workers, *who);
  REQUIRE(asked);
  REQUIRE(steered);
  const texts all = some_texts();
  const layer_index last(2);
  for (std::size_t from = 0; from < all.size(); ++from) {
    const texts one{all[from]};
    const auto state = mean_last_state(*asked, one, last);
    REQUIRE(state);
    const auto p = probability_with_state(*asked, *steered, all, last, *state, word("ice"));
    REQUIRE(p);
    const double wanted = probabilities(*asked, one, word("ice"))[0];
    for (const double found : *p) CHECK(found == doctest::Approx(wanted).epsilon(1e-4));
  }
  CHECK_FALSE(mean_last_state(*asked, all, layer_index(3)));
}

}  // namespace
