// SPDX-License-Identifier: MIT
#include "toy_policy.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/train/advantage.hpp>
#include <multitudes/train/policy_gradient.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace mt = multitudes;
namespace train = multitudes::train;
using namespace multitudes_test;

namespace {

using gradient = train::policy_gradient<mt::simd::full_precision<float>>;
using numbers = std::vector<double>;

struct course {
  train::policy_options options;
  std::size_t n_rollouts = 64;
  std::uint64_t n_batches = 300;
  std::size_t steps_of_each = 1;
  double rate = 0.02;
};

/// Trains on rollouts of the policy itself; `advantages_of(rewards)`.
template <class F>
train::policy_report learn(const toy_policy& toy, train::trainer<>& policy,
                           const toy_policy::reward& reward, const course& c,
                           const F& advantages_of) {
  mt::inline_executor one;
  auto reference = *train::reference_policy<>::make(policy.values(), toy_policy::limits());
  auto b = *mt::batch::make(speaker(policy.values()), {.n_sequences = c.n_rollouts, .context = 16});
  const std::vector<std::vector<mt::token_id>> prompts{toy.prompt};
  gradient climb(c.options);
  const train::cosine_schedule rate{
      .peak = c.rate, .n_steps = c.n_batches, .n_warm_up = 5, .last = 0.02};
  train::policy_report report;
  for (std::uint64_t i = 0; i < c.n_batches; ++i) {
    const auto rollouts = train::roll_out(one, b, prompts,
                                          {.n_per_prompt = c.n_rollouts,
                                           .max_tokens = toy.max_tokens,
                                           .end_token = toy.end,
                                           .first_stream = i * c.n_rollouts});
    REQUIRE(rollouts.has_value());
    numbers rewards;
    for (const auto& r : *rollouts) rewards.push_back(reward(r.answer()));
    const numbers advantages = advantages_of(rewards);
    for (std::size_t k = 0; k < c.steps_of_each; ++k) {
      const auto done = climb.step(one, policy, reference, *rollouts, advantages, rate(i));
      REQUIRE(done.has_value());
      report = *done;
    }
  }
  return report;
}

numbers leave_one_out(const numbers& rewards) {
  return train::leave_one_out_advantages(rewards, rewards.size());
}

/// From -0.75 to 0.75 over the first tokens, in no order.
double token_reward(std::span<const mt::token_id> answer) {
  constexpr std::array<double, 8> rewards{0.2, -0.75, 0.6, 0.0, 0.75, -0.3, 0.4, -0.5};
  return rewards[answer[0].value % 8];
}

}  // namespace

TEST_CASE("REINFORCE with a baseline reaches the known optimum") {
  const toy_policy toy;
  auto policy = toy.start();
  const auto before = toy.probabilities(policy);
  const auto best = toy.tilted(before, token_reward, 1 / 0.5);
  CHECK(divergence(best, before) > 0.2);
  const auto report =
      learn(toy, policy, token_reward, {.options = {.kl_weight = 0.5}}, leave_one_out);
  const auto after = toy.probabilities(policy);
  MESSAGE("from the optimum: " << divergence(best, before) << ", then " << divergence(best, after));
  CHECK(divergence(best, after) < 0.05);
  CHECK(report.kl == doctest::Approx(divergence(after, before)).epsilon(0.02));
  CHECK(report.clipped == 0);
}

TEST_CASE("clipped PPO with several steps on each batch reaches the same optimum") {
  const toy_policy toy;
  auto policy = toy.start();
  const auto before = toy.probabilities(policy);
  const auto best = toy.tilted(before, token_reward, 1 / 0.5);
  learn(toy, policy, token_reward,
        {.options = {.kl_weight = 0.5, .clip = 0.2}, .n_batches = 150, .steps_of_each = 4},
        leave_one_out);
  const auto after = toy.probabilities(policy);
  MESSAGE("from the optimum: " << divergence(best, after));
  CHECK(divergence(best, after) < 0.05);
}

TEST_CASE("group-relative advantages reach the optimum of the reward in its own deviations") {
  const toy_policy toy;
  auto policy = toy.start();
  const auto before = toy.probabilities(policy);
  const auto all = toy.answers();
  const auto deviation = [&](const numbers& p) {
    double mean = 0, squares = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      mean += p[i] * token_reward(all[i]);
      squares += p[i] * token_reward(all[i]) * token_reward(all[i]);
    }
    return std::sqrt(squares - mean * mean);
  };
  // The unit is the deviation under the policy that it leads to.
  constexpr double kl_weight = 1.5;
  numbers best = before;
  for (int i = 0; i < 100; ++i) {
    best = toy.tilted(before, token_reward, 1 / (kl_weight * deviation(best)));
  }
  REQUIRE(divergence(toy.tilted(before, token_reward, 1 / (kl_weight * deviation(best))), best) <
          1e-9);
  CHECK(divergence(best, before) > 0.1);
  CHECK(divergence(best, toy.tilted(before, token_reward, 1 / kl_weight)) > 0.05);
  learn(toy, policy, token_reward, {.options = {.kl_weight = kl_weight}},
        [](const numbers& rewards) {
          return train::group_relative_advantages(rewards, rewards.size());
        });
  const auto after = toy.probabilities(policy);
  MESSAGE("from the optimum: " << divergence(best, before) << ", then " << divergence(best, after));
  CHECK(divergence(best, after) < 0.05);
}

namespace {

/// Answers of up to three tokens, 0 ends them. After 1 a rare answer is worth much; after 2
/// anything is worth something: what the first token is worth depends on how far the policy must
/// bend after it.
toy_policy sequence_toy() { return {.vocab_size = 4, .max_tokens = 3, .end = mt::token_id(0)}; }

double sequence_reward(std::span<const mt::token_id> answer) {
  const auto is = [&](std::size_t t, std::uint32_t v) {
    return answer.size() > t && answer[t].value == v;
  };
  if (is(0, 1)) return is(1, 3) && is(2, 3) ? 2.0 : 0.0;
  if (is(0, 2)) return 1.0;
  return answer.size() == 1 ? 0.5 : 0.0;
}

/// Where a policy ends whose tokens do not answer for the divergence that follows them: the best
/// choice of the last token, then of each one before it by the mean reward alone.
numbers without_later_divergence(const toy_policy& toy, const numbers& before,
                                 const toy_policy::reward& reward, double kl_weight) {
  const auto all = toy.answers();
  numbers result(all.size(), 1.0);
  // What is worth how much after `prefix`, under the policy that chooses so.
  const std::function<double(std::vector<mt::token_id>)> solve =
      [&](std::vector<mt::token_id> prefix) -> double {
    const auto begins = [&](const toy_policy::answer& a) {
      return a.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), a.begin());
    };
    double mass = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!begins(all[i])) continue;
      if (all[i].size() == prefix.size()) return reward(all[i]);
      mass += before[i];
    }
    numbers share(toy.vocab_size), value(toy.vocab_size);
    double sum = 0;
    for (std::uint32_t v = 0; v < toy.vocab_size; ++v) {
      prefix.emplace_back(v);
      for (std::size_t i = 0; i < all.size(); ++i) share[v] += begins(all[i]) ? before[i] : 0;
      value[v] = solve(prefix);
      prefix.pop_back();
      share[v] = share[v] / mass * std::exp(value[v] / kl_weight);
      sum += share[v];
    }
    double mean = 0;
    for (std::uint32_t v = 0; v < toy.vocab_size; ++v) {
      mean += share[v] / sum * value[v];
      prefix.emplace_back(v);
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (begins(all[i])) result[i] *= share[v] / sum;
      }
      prefix.pop_back();
    }
    return mean;
  };
  solve({});
  return result;
}

}  // namespace

TEST_CASE("over answers of several tokens, the best sequences are found, not the best tokens") {
  const toy_policy toy = sequence_toy();
  REQUIRE(toy.answers().size() == 1 + 3 + 9 * 4);
  for (const double clip : {0.0, 0.2}) {
    CAPTURE(clip);
    auto policy = toy.start();
    const auto before = toy.probabilities(policy);
    const auto best = toy.tilted(before, sequence_reward, 1 / 0.6);
    const auto wrong = without_later_divergence(toy, before, sequence_reward, 0.6);
    CHECK(divergence(best, before) > 0.3);
    CHECK(divergence(best, wrong) > 0.15);
    learn(toy, policy, sequence_reward,
          {.options = {.kl_weight = 0.6, .clip = clip},
           .n_batches = clip > 0 ? 150u : 350u,
           .steps_of_each = clip > 0 ? 4u : 1u,
           .rate = 0.01},
          leave_one_out);
    const auto after = toy.probabilities(policy);
    MESSAGE("from the optimum: " << divergence(best, before) << ", then " << divergence(best, after)
                                 << "; without credit for what follows "
                                 << divergence(best, wrong));
    CHECK(divergence(best, after) < 0.05);
  }
}

TEST_CASE("praise alone, blame alone and both lead to three different optima") {
  const toy_policy toy;
  const auto before = [&] {
    auto policy = toy.start();
    return toy.probabilities(policy);
  }();
  numbers reached[3];
  for (const auto which : {train::feedback::signed_both, train::feedback::positive_only,
                           train::feedback::negative_only}) {
    auto policy = toy.start();
    // Without a baseline, rewards that are cut are rewards.
    learn(toy, policy, token_reward, {.options = {.kl_weight = 0.5}}, [&](numbers rewards) {
      train::choose_feedback(which, rewards);
      return rewards;
    });
    const auto best = toy.tilted(
        before,
        [&](std::span<const mt::token_id> answer) {
          double r[] = {token_reward(answer)};
          train::choose_feedback(which, r);
          return r[0];
        },
        1 / 0.5);
    auto& after = reached[static_cast<std::size_t>(which)];
    after = toy.probabilities(policy);
    MESSAGE("from the optimum: " << divergence(best, before) << ", then "
                                 << divergence(best, after));
    CHECK(divergence(best, after) < 0.05);
  }
  CHECK(divergence(reached[0], reached[1]) > 0.05);
  CHECK(divergence(reached[0], reached[2]) > 0.05);
  CHECK(divergence(reached[1], reached[2]) > 0.05);
}

namespace {

/// What one step computes, through the first moment of a new optimiser: 0.1 times the gradient.
numbers gradient_of(const toy_policy& toy, train::trainer<>& policy, train::policy_options options,
                    const std::vector<train::rollout>& rollouts, const numbers& advantages,
                    train::policy_report* report = nullptr) {
  mt::inline_executor one;
  auto start = toy.start();
  auto reference = *train::reference_policy<>::make(start.values(), toy_policy::limits());
  auto learner = *train::trainer<>::make(*policy.values().clone(), toy_policy::limits(),
                                         {.weight_decay = 0, .max_norm = 0});
  const auto done = gradient(options).step(one, learner, reference, rollouts, advantages, 0.01);
  REQUIRE(done.has_value());
  if (report != nullptr) *report = *done;
  const auto moment = learner.optimizer().first_moment();
  numbers g(moment.begin(), moment.end());
  for (double& x : g) x *= 10;
  return g;
}

/// A policy that has moved away from the reference, and answers of it.
struct moved_policy {
  toy_policy toy = sequence_toy();
  train::trainer<> policy = toy.start();
  std::vector<train::rollout> rollouts;
  numbers advantages;

  explicit moved_policy(std::size_t n) {
    mt::philox random(9);
    for (float& x : policy.values().values()) x += 0.05f * random.normal();
    mt::inline_executor one;
    auto b = *mt::batch::make(speaker(policy.values()), {.n_sequences = n, .context = 16});
    const std::vector<std::vector<mt::token_id>> prompts{toy.prompt};
    rollouts = *train::roll_out(one, b, prompts,
                                {.n_per_prompt = n, .max_tokens = 3, .end_token = toy.end});
    for (std::size_t i = 0; i < n; ++i) advantages.push_back(random.normal());
  }
};

double distance(const numbers& a, const numbers& b) {
  double most = 0, error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(b[i]));
    error = std::max(error, std::abs(a[i] - b[i]));
  }
  return error / most;
}

}  // namespace

TEST_CASE("the gradient is linear in the feedback, and nothing without feedback or leash") {
  moved_policy m(16);
  const train::policy_options free{.kl_weight = 0};
  const auto with = [&](train::feedback which) {
    numbers advantages = m.advantages;
    train::choose_feedback(which, advantages);
    return gradient_of(m.toy, m.policy, free, m.rollouts, advantages);
  };
  const auto both = with(train::feedback::signed_both);
  numbers sum = with(train::feedback::positive_only);
  const auto blame = with(train::feedback::negative_only);
  CHECK(distance(sum, both) > 0.1);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += blame[i];
  CHECK(distance(sum, both) < 1e-4);
  const auto nothing = gradient_of(m.toy, m.policy, free, m.rollouts, numbers(16, 0.0));
  CHECK(std::ranges::all_of(nothing, [](double x) { return x == 0; }));
}

TEST_CASE("the reported divergence is the sum over tokens, mean over rollouts, and 0 at first") {
  moved_policy m(8);
  train::policy_report report;
  gradient_of(m.toy, m.policy, {}, m.rollouts, m.advantages, &report);
  // By hand, from the next-token distributions of both.
  mt::inline_executor one;
  auto start = m.toy.start();
  auto before = *train::reference_policy<>::make(start.values(), toy_policy::limits());
  auto now = *train::reference_policy<>::make(m.policy.values(), toy_policy::limits());
  double sum = 0;
  for (const train::rollout& r : m.rollouts) {
    mt::model::document_rows rows;
    rows.append(r.tokens);
    std::vector<std::size_t> asked;
    for (std::size_t t = r.n_prompt - 1; t + 1 < r.tokens.size(); ++t) asked.push_back(t);
    const auto p = *now.log_probabilities(one, rows, asked);
    const auto q = *before.log_probabilities(one, rows, asked);
    for (std::size_t i = 0; i < p.size(); ++i) {
      sum += std::exp(static_cast<double>(p[i])) * static_cast<double>(p[i] - q[i]);
    }
  }
  CHECK(sum > 0.1);
  CHECK(report.kl == doctest::Approx(sum / 8).epsilon(1e-4));
  gradient_of(m.toy, start, {}, m.rollouts, m.advantages, &report);
  CHECK(std::abs(report.kl) < 1e-5);
}

TEST_CASE("clipping: the first step is REINFORCE's; far tokens stop counting, in one direction") {
  moved_policy m(16);
  const train::policy_options free{.kl_weight = 0}, clipped{.kl_weight = 0, .clip = 0.2};
  const auto plain = gradient_of(m.toy, m.policy, free, m.rollouts, m.advantages);
  CHECK(distance(gradient_of(m.toy, m.policy, clipped, m.rollouts, m.advantages), plain) < 1e-4);
  // Rollouts that were less likely when they were said: praise has done its work, blame has not.
  auto rollouts = m.rollouts;
  for (auto& r : rollouts) {
    for (double& p : r.log_probabilities) p -= 0.3;
  }
  train::policy_report report;
  const numbers praise(16, 1.0), blame(16, -1.0);
  const auto none = gradient_of(m.toy, m.policy, clipped, rollouts, praise, &report);
  CHECK(report.clipped == 1);
  CHECK(std::ranges::all_of(none, [](double x) { return x == 0; }));
  auto scaled = gradient_of(m.toy, m.policy, free, m.rollouts, blame);
  for (double& x : scaled) x *= std::exp(0.3);
  CHECK(distance(gradient_of(m.toy, m.policy, clipped, rollouts, blame, &report), scaled) < 1e-4);
  CHECK(report.clipped == 0);
  for (auto& r : rollouts) {
    for (double& p : r.log_probabilities) p += 0.6;
  }
  gradient_of(m.toy, m.policy, clipped, rollouts, blame, &report);
  CHECK(report.clipped == 1);
  gradient_of(m.toy, m.policy, clipped, rollouts, praise, &report);
  CHECK(report.clipped == 0);
}

TEST_CASE("a step does not depend on threads") {
  moved_policy m(64);
  std::vector<float> first;
  for (const std::size_t n : {1u, 2u, 4u}) {
    mt::thread_pool workers(n);
    const mt::model::training_limits limits{1024, 16, n};
    auto start = m.toy.start();
    auto policy = *train::trainer<>::make(*m.policy.values().clone(), limits);
    auto reference = *train::reference_policy<>::make(start.values(), limits);
    gradient climb({.kl_weight = 0.3, .clip = 0.2});
    for (int i = 0; i < 3; ++i) {
      REQUIRE(climb.step(workers, policy, reference, m.rollouts, m.advantages, 0.01).has_value());
    }
    const auto values = policy.values().values();
    if (first.empty()) first.assign(values.begin(), values.end());
    CHECK(std::memcmp(first.data(), values.data(), values.size_bytes()) == 0);
  }
}

TEST_CASE("rollouts that no policy made are errors that change nothing") {
  moved_policy m(4);
  mt::inline_executor one;
  auto reference = *train::reference_policy<>::make(m.policy.values(), toy_policy::limits());
  const std::vector<float> before(m.policy.values().values().begin(),
                                  m.policy.values().values().end());
  const auto code = [&](auto change, double clip = 0) {
    auto rollouts = m.rollouts;
    change(rollouts);
    return code_of(
        gradient({.clip = clip}).step(one, m.policy, reference, rollouts, m.advantages, 0.01));
  };
  CHECK(code([](auto& all) { all.pop_back(); }) == "shape_mismatch");
  CHECK(code([](auto& all) { all[1].n_prompt = 0; }) == "invalid_argument");
  CHECK(code([](auto& all) { all[1].n_prompt = 100; }) == "invalid_argument");
  CHECK(code([](auto& all) { all[2].tokens[1] = mt::token_id(4); }) == "invalid_argument");
  CHECK(code([](auto& all) { all[2].tokens.back() = mt::token_id(4); }) == "invalid_argument");
  CHECK(code([](auto& all) { all[3].log_probabilities.pop_back(); }, 0.2) == "shape_mismatch");
  CHECK(code([](auto& all) { all[3].tokens.resize(20, mt::token_id(1)); }) == "out_of_memory");
  CHECK(std::ranges::equal(m.policy.values().values(), before));
  CHECK(code([](auto& all) { all[3].log_probabilities.clear(); }) == "");
  CHECK(code([](auto& all) { all[0].tokens.resize(all[0].n_prompt); }) == "");
}
