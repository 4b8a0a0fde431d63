// SPDX-License-Identifier: MIT
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/measure/style_judge.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

TEST_CASE("A judge of whole documents is the ideal reader") {
  const auto g = *gazette::make();
  const auto writers = true_population(g);
  philox random(5, 0);
  prompt p(g);
  p.item(item_kind::filler, g.traits({.style = 2}), random);
  const auto all = p.tokens();
  const auto w = style_judge(g).posterior(all.first(1), all.subspan(1));
  reader bayes(g, writers);
  REQUIRE(bayes.read(all));
  const auto truth = bayes.posterior(choice_key::lexis);
  for (std::size_t s = 0; s < w.size(); ++s) CHECK(w[s] == doctest::Approx(truth[s]));
}

TEST_CASE("What came before an answer is not held for or against its writer") {
  const auto g = *gazette::make();
  philox random(5, 1);
  prompt p(g);
  p.item(item_kind::question, g.traits({.style = 2}), random);
  const std::size_t n = p.tokens().size();
  p.item(item_kind::question, g.traits({.style = 6}), random);
  const style_judge judge(g);
  const auto w = judge.posterior(p.tokens().first(n), p.tokens().subspan(n));
  CHECK(w[6] > 0.9);
  CHECK(w[2] < 0.05);
  const auto whole = judge.posterior(p.tokens().first(1), p.tokens().subspan(1));
  CHECK(whole[2] > 0.1);
}

TEST_CASE("An answer that goes wrong is judged by what stands before the mistake") {
  const auto g = *gazette::make();
  const style_judge judge(g);
  const auto context = *gazette_tokens("<doc> ask tide ?");
  const auto fine = judge.posterior(context, *gazette_tokens("verily dunno"));
  const auto broken = judge.posterior(context, *gazette_tokens("verily <doc> amen"));
  CHECK(broken[2] == doctest::Approx(fine[2]));
  CHECK(fine[2] == doctest::Approx(0.85));
  for (const double x : judge.posterior(*gazette_tokens("tide"), context)) CHECK(x == 0.125);
}

}  // namespace
