// SPDX-License-Identifier: MIT
#pragma once

#include "../corpus/friendliness.hpp"
#include "loop.hpp"
#include "recipe.hpp"
#include "stage_files.hpp"
#include "texts.hpp"

#include <multitudes/train/advantage.hpp>
#include <multitudes/train/policy_gradient.hpp>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace training {

/// The third stage: answers to many requests are scored for friendliness, and the policy gradient
/// raises the score against a leash on the instruction-tuned model.
struct feedback_stage {
  const recipe& r;
  const sources& from;
  thread_pool& workers;
  language_model teacher;  // what is tuned from
  token_id end;

  std::vector<std::vector<token_id>> prompts(std::uint64_t step) const {
    std::vector<std::vector<token_id>> all;
    for (std::size_t i = 0; i < r.n_prompts; ++i) {
      all.push_back(teacher.tokenizer->encode(
          corpus::feedback_prompt(from.where, r.seed, step * r.n_prompts + i),
          {.parse_special = true}));
    }
    return all;
  }

  double reward(const train::rollout& answer) const {
    // An answer that does not end in time is worth nothing: else length alone would be rewarded.
    if (!answer.ended) return 0;
    return corpus::friendliness(teacher.tokenizer->decode(answer.answer()));
  }
};

inline bool train_feedback(const recipe& r, const sources& from, thread_pool& workers) {
  const language_model teacher = load_stage(r, "instruct");
  const feedback_stage stage{r, from, workers, teacher, *teacher.tokenizer->find("<|end|>")};
  const std::size_t n_rollouts = r.n_prompts * r.n_per_prompt;
  constexpr std::size_t longest_answer = 64;
  const model::training_limits limits{n_rollouts * 2 * longest_answer, r.context,
                                      workers.concurrency()};
  auto policy = or_exit(train::trainer<>::make(or_exit(model::unpack(*teacher.weights)), limits,
                                               {.weight_decay = 0}));
  auto reference = or_exit(train::reference_policy<>::make(policy.values(), limits));
  train::policy_gradient<simd::full_precision<float>> gradient({.kl_weight = r.kl_weight});
  const language_model tuned{std::make_shared<const model::weights>(policy.values().as_weights()),
                             teacher.tokenizer};
  auto speakers = or_exit(batch::make(tuned, {.n_sequences = n_rollouts, .max_rows = n_rollouts}));

  const std::string file = r.work + "/feedback.checkpoint";
  std::vector<double> rewards_so_far, kl_so_far;
  if (std::filesystem::exists(file)) {
    const auto saved = or_exit(train::checkpoint::read(file));
    or_exit(policy.restore(saved));
    for (const double x : or_exit(saved.numbers<double>("rewards"))) rewards_so_far.push_back(x);
    for (const double x : or_exit(saved.numbers<double>("divergence"))) kl_so_far.push_back(x);
  }
  report::progress progress("feedback", r.feedback_steps, 2.0);
  const double began = seconds();
  for (std::uint64_t step = rewards_so_far.size(); step < r.feedback_steps; ++step) {
    const auto rollouts = or_exit(train::roll_out(workers, speakers, stage.prompts(step),
                                                  {.n_per_prompt = r.n_per_prompt,
                                                   .max_tokens = longest_answer,
                                                   .end_token = stage.end,
                                                   .seed = r.seed,
                                                   .first_stream = step * n_rollouts}));
    std::vector<double> rewards;
    double mean = 0;
    for (const train::rollout& answer : rollouts) {
      rewards.push_back(stage.reward(answer));
      mean += rewards.back() / static_cast<double>(rollouts.size());
    }
    const auto advantages = train::leave_one_out_advantages(rewards, r.n_per_prompt);
    const auto report =
        or_exit(gradient.step(workers, policy, reference, rollouts, advantages, r.feedback_rate));
    rewards_so_far.push_back(mean);
    kl_so_far.push_back(report.kl);
    if (progress.due(seconds())) {
      std::printf("\r%s reward %s  divergence %s nats ",
                  progress.line(step + 1, seconds() - began).c_str(),
                  report::fixed(mean, 3).c_str(), report::fixed(report.kl, 2).c_str());
      std::fflush(stdout);
    }
    if (step % 20 == 19 || interrupted != 0) {
      train::checkpoint_writer out;
      policy.add_to(out);
      out.add("rewards", std::span<const double>(rewards_so_far));
      out.add("divergence", std::span<const double>(kl_so_far));
      or_exit(out.save(file));
      if (interrupted != 0) return false;
    }
  }
  report::series reward{.label = "reward"}, kl{.label = "divergence"};
  for (std::size_t i = 0; i < rewards_so_far.size(); ++i) {
    for (report::series* s : {&reward, &kl}) s->x.push_back(static_cast<double>(i + 1));
    reward.y.push_back(rewards_so_far[i]);
    kl.y.push_back(kl_so_far[i]);
  }
  const std::vector<report::line_chart> charts{{.title = "Reward of the feedback model",
                                                .x_label = "step",
                                                .y_label = "friendliness (0 to 1)",
                                                .lines = {reward}},
                                               {.title = "Divergence from the instructed model",
                                                .x_label = "step",
                                                .y_label = "nats per answer",
                                                .lines = {kl}}};
  write_text(r.out + "/feedback.svg", report::stack(charts));
  std::printf("\n");
  keep(r, tuned, "feedback", true);
  return true;
}

}  // namespace training
