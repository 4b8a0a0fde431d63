// SPDX-License-Identifier: MIT
#include "toy_policy.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/train/preference.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace mt = multitudes;
namespace train = multitudes::train;
using namespace multitudes_test;

namespace {

using learning = train::preference_learning<mt::simd::full_precision<float>>;
using numbers = std::vector<double>;

/// Pairs of answers of the first policy, judged as Bradley and Terry have it.
class judge {
 public:
  judge(const toy_policy& toy, numbers first, toy_policy::reward reward)
      : toy_(toy), answers_(toy.answers()), first_(std::move(first)), reward_(std::move(reward)) {}

  std::vector<train::preference> pairs(std::size_t n) {
    std::vector<train::preference> all;
    while (all.size() < n) {
      const auto &a = draw(), &b = draw();
      const double a_wins = 1 / (1 + std::exp(reward_(b) - reward_(a)));
      const bool is_a = static_cast<double>(random_.uniform()) < a_wins;
      all.push_back({toy_.prompt, is_a ? a : b, is_a ? b : a});
    }
    return all;
  }

 private:
  const toy_policy::answer& draw() {
    double u = static_cast<double>(random_.uniform());
    std::size_t i = 0;
    while (i + 1 < first_.size() && u >= first_[i]) u -= first_[i++];
    return answers_[i];
  }

  toy_policy toy_;
  std::vector<toy_policy::answer> answers_;
  numbers first_;
  toy_policy::reward reward_;
  mt::philox random_{1};
};

train::preference_report learn(train::trainer<>& policy, judge& people, double kl_weight,
                               std::size_t n_pairs, std::uint64_t n_steps, double peak) {
  mt::inline_executor one;
  auto reference = *train::reference_policy<>::make(policy.values(), toy_policy::limits());
  learning rule(kl_weight);
  const train::cosine_schedule rate{.peak = peak, .n_steps = n_steps, .n_warm_up = 5, .last = 0.01};
  train::preference_report report;
  for (std::uint64_t i = 0; i < n_steps; ++i) {
    const auto done = rule.step(one, policy, reference, people.pairs(n_pairs), rate(i));
    REQUIRE(done.has_value());
    report = *done;
  }
  return report;
}

}  // namespace

TEST_CASE("preferences that follow a reward lead to the policy gradient's optimum") {
  const toy_policy toy;
  auto policy = toy.start();
  const auto before = toy.probabilities(policy);
  const auto reward = [](std::span<const mt::token_id> answer) {
    constexpr std::array<double, 8> rewards{0.5, -1.5, 1.2, 0.0, 1.5, -0.6, 0.8, -1.0};
    return rewards[answer[0].value];
  };
  const auto best = toy.tilted(before, reward, 1 / 1.0);
  judge people(toy, before, reward);
  const auto report = learn(policy, people, 1.0, 128, 250, 0.02);
  const auto after = toy.probabilities(policy);
  MESSAGE("from the optimum: " << divergence(best, before) << ", then " << divergence(best, after));
  CHECK(divergence(best, before) > 0.2);
  CHECK(divergence(best, after) < 0.05);
  CHECK(report.accuracy > 0.6);
  CHECK(report.loss < std::log(2.0));
}

TEST_CASE("over answers of unequal lengths, and with another weight, the optimum is the same") {
  const toy_policy toy{.vocab_size = 3, .max_tokens = 3, .end = mt::token_id(0)};
  REQUIRE(toy.answers().size() == 1 + 2 + 4 * 3);
  auto policy = toy.start();
  const auto before = toy.probabilities(policy);
  const auto reward = [](std::span<const mt::token_id> answer) {
    double sum = answer.size() == 2 ? 1.0 : 0.0;
    for (std::size_t t = 1; t < answer.size(); ++t) {
      sum += answer[t - 1].value == 2 && answer[t].value == 1 ? 1.5 : 0;
    }
    return sum;
  };
  const auto best = toy.tilted(before, reward, 1 / 1.25);
  judge people(toy, before, reward);
  learn(policy, people, 1.25, 128, 250, 0.02);
  const auto after = toy.probabilities(policy);
  MESSAGE("from the optimum: " << divergence(best, before) << ", then " << divergence(best, after));
  CHECK(divergence(best, before) > 0.1);
  CHECK(divergence(best, after) < 0.05);
}

TEST_CASE("loss, accuracy and gradient are those of the margins") {
  const toy_policy toy;
  auto first = toy.start(), policy = toy.start();
  mt::philox random(4);
  for (float& x : policy.values().values()) x += 0.05f * random.normal();
  const auto p0 = toy.probabilities(first), p = toy.probabilities(policy);
  const auto log_ratio = [&](std::uint32_t v) { return std::log(p[v] / p0[v]); };
  // One token each; `answers` lists the last token first.
  const auto place = [&](std::uint32_t v) {
    const auto all = toy.answers();
    return static_cast<std::uint32_t>(std::ranges::find(all, tokens_of({v})) - all.begin());
  };
  constexpr double kl_weight = 3.0;
  const std::vector<train::preference> pairs{{toy.prompt, tokens_of({1}), tokens_of({2})},
                                             {toy.prompt, tokens_of({5}), tokens_of({0})},
                                             {toy.prompt, tokens_of({3}), {}},
                                             {toy.prompt, tokens_of({4}), tokens_of({4})}};
  const double margins[] = {kl_weight * (log_ratio(place(1)) - log_ratio(place(2))),
                            kl_weight * (log_ratio(place(5)) - log_ratio(place(0))),
                            kl_weight * log_ratio(place(3)), 0.0};
  double loss = 0, accuracy = 0;
  for (const double margin : margins) {
    loss += std::log1p(std::exp(-margin)) / 4;
    accuracy += margin > 0 ? 0.25 : 0;
  }
  mt::inline_executor one;
  auto reference = *train::reference_policy<>::make(first.values(), toy_policy::limits());
  auto learner = *train::trainer<>::make(*policy.values().clone(), toy_policy::limits(),
                                         {.weight_decay = 0, .max_norm = 0});
  const auto report = learning(kl_weight).step(one, learner, reference, pairs, 1e-4);
  REQUIRE(report.has_value());
  CHECK(report->loss == doctest::Approx(loss).epsilon(1e-5));
  CHECK(report->accuracy == accuracy);
  CHECK(report->gradient_norm > 0.01);
  // The gradient, through the moment of a first step, against the loss that the next step
  // reports from nearby weights.
  const auto moment = learner.optimizer().first_moment();
  const auto loss_at = [&](std::size_t i, float offset) {
    auto nearby = *policy.values().clone();
    nearby.values()[i] += offset;
    auto other = *train::trainer<>::make(std::move(nearby), toy_policy::limits());
    return learning(kl_weight).step(one, other, reference, pairs, 1e-4)->loss;
  };
  std::vector<std::size_t> largest(moment.size());
  for (std::size_t i = 0; i < largest.size(); ++i) largest[i] = i;
  std::ranges::partial_sort(largest, largest.begin() + 5, [&](std::size_t a, std::size_t b) {
    return std::abs(moment[a]) > std::abs(moment[b]);
  });
  for (std::size_t k = 0; k < 5; ++k) {
    const std::size_t i = largest[k];
    const double slope = (loss_at(i, 2e-3f) - loss_at(i, -2e-3f)) / 4e-3;
    CHECK(10 * static_cast<double>(moment[i]) == doctest::Approx(slope).epsilon(0.01));
  }
}

TEST_CASE("a step does not depend on threads") {
  const toy_policy toy{.vocab_size = 4, .max_tokens = 3, .end = mt::token_id(0)};
  auto start = toy.start();
  judge people(toy, toy.probabilities(start),
               [](auto answer) { return static_cast<double>(answer.size()); });
  const auto pairs = people.pairs(60);
  std::vector<float> first;
  for (const std::size_t n : {1u, 2u, 4u}) {
    mt::thread_pool workers(n);
    const mt::model::training_limits limits{1024, 16, n};
    auto policy = *train::trainer<>::make(*start.values().clone(), limits);
    auto reference = *train::reference_policy<>::make(start.values(), limits);
    for (int i = 0; i < 3; ++i) {
      REQUIRE(learning(0.5).step(workers, policy, reference, pairs, 0.01).has_value());
    }
    const auto values = policy.values().values();
    if (first.empty()) first.assign(values.begin(), values.end());
    CHECK(std::memcmp(first.data(), values.data(), values.size_bytes()) == 0);
  }
}

TEST_CASE("pairs without a prompt or with unknown tokens are errors that change nothing") {
  const toy_policy toy;
  auto policy = toy.start();
  auto reference = *train::reference_policy<>::make(policy.values(), toy_policy::limits());
  const std::vector<float> before(policy.values().values().begin(), policy.values().values().end());
  mt::inline_executor one;
  const auto code = [&](const train::preference& wrong) {
    const train::preference pairs[] = {{toy.prompt, tokens_of({1}), tokens_of({2})}, wrong};
    return code_of(learning(0.5).step(one, policy, reference, pairs, 0.01));
  };
  CHECK(code({{}, tokens_of({1}), tokens_of({2})}) == "invalid_argument");
  CHECK(code({toy.prompt, tokens_of({8}), tokens_of({2})}) == "invalid_argument");
  CHECK(code({toy.prompt, tokens_of({1}), tokens_of({8, 1})}) == "invalid_argument");
  CHECK(code({tokens_of({8}), tokens_of({1}), tokens_of({1})}) == "invalid_argument");
  CHECK(code({random_tokens(30, 8, 1), tokens_of({1}), tokens_of({1})}) == "out_of_memory");
  CHECK(std::ranges::equal(policy.values().values(), before));
  CHECK(code({toy.prompt, {}, {}}) == "");
}
