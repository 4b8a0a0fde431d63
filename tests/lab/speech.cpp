// SPDX-License-Identifier: MIT
#include <multitudes/lab/laboratory.hpp>
#include <multitudes/lab/measure/speech.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

TEST_CASE("Divergence by place is nothing from oneself, and the mean log-ratio from others") {
  thread_pool workers(2);
  const student_size tiny{.model_dim = 16, .n_layers = 1, .n_heads = 2};
  const student a = *laboratory::newborn(tiny, 1), b = *laboratory::newborn(tiny, 2);
  const texts prompts{{word("<doc>")}, {word("<doc>"), word("ask")}};
  const auto answers = speak(workers, a, prompts, 32, 4, 9);
  REQUIRE(answers);
  REQUIRE(answers->size() == 64);
  auto of_a = scorer::make(workers, a), again = scorer::make(workers, a);
  auto of_b = scorer::make(workers, b);
  const auto none = divergence_by_place(*of_a, *again, *answers);
  REQUIRE(none);
  CHECK(std::abs(mean_sum(*none)) < 1e-5);
  const auto kl = divergence_by_place(*of_a, *of_b, *answers);
  REQUIRE(kl);
  std::size_t n_places = 0;
  for (std::size_t i = 0; i < kl->size(); ++i) {
    CHECK((*kl)[i].size() == (*answers)[i].answer().size());
    n_places += (*kl)[i].size();
    for (const double x : (*kl)[i]) CHECK(x > 0);
  }
  // The first place's divergence, counted out.
  texts first{prompts[0]};
  std::vector<double> p, q;
  REQUIRE(of_a->predict_next(first, [&](std::size_t, std::span<const float> log_p) {
    p.assign(log_p.begin(), log_p.end());
  }));
  REQUIRE(of_b->predict_next(first, [&](std::size_t, std::span<const float> log_p) {
    q.assign(log_p.begin(), log_p.end());
  }));
  double sum = 0;
  for (std::size_t v = 0; v < p.size(); ++v) sum += std::exp(p[v]) * (p[v] - q[v]);
  CHECK((*kl)[0][0] == doctest::Approx(sum).epsilon(1e-4));
  CHECK(n_places > 200);
}

}  // namespace
