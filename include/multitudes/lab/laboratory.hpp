// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/core/function_ref.hpp>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/lab/corpus/dataset.hpp>
#include <multitudes/lab/corpus/fingerprint.hpp>
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/null_world.hpp>
#include <multitudes/lab/student.hpp>
#include <multitudes/train/advantage.hpp>
#include <multitudes/train/checkpoint.hpp>
#include <multitudes/train/initialize.hpp>
#include <multitudes/train/policy_gradient.hpp>
#include <multitudes/train/reference_policy.hpp>
#include <multitudes/train/rollout.hpp>
#include <multitudes/train/trainer.hpp>
#include <multitudes/train/training_run.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// Told how far a long piece of work is; false asks it to stop.
using progress_report =
    function_ref<bool(std::string_view what, std::uint64_t done, std::uint64_t total)>;

struct laboratory_options {
  std::string folder{};  ///< keeps what was trained; must exist
  bool quick = false;    ///< a small budget: less reading, fewer questions
  /// What is read has no personas, what is answered not what was asked, and rewards are chance: see
  /// null_world.hpp. What is measured stays the same.
  bool null_world = false;
};

/// The reading that makes a student of nothing.
struct pretraining {
  gazette_config corpus{};
  student_size size{};
  std::uint64_t seed = 1;
  std::uint64_t n_tokens = 8'000'000;
  std::size_t batch_rows = 1024;
  double peak = 3e-3;   ///< learning rate
  double last = 0.1;    ///< the rate at the end, as a share of it
  double beta2 = 0.95;  ///< of AdamW: nearer to 1 for small batches
};

/// Learning from a dataset, whose masked tokens are not learnt.
struct tuning {
  std::uint64_t n_steps = 80;
  std::size_t batch_rows = 1024;
  double peak = 1e-3;
  std::uint64_t seed = 1;
};

/// Learning from reward: the policy gradient on the student's own answers, against a leash on what
/// it was before.
struct reinforcement {
  std::uint64_t n_steps = 250;
  std::size_t n_prompts = 8;  ///< of a step
  std::size_t n_per_prompt = 8;
  std::size_t max_tokens = 48;  ///< of an answer
  double rate = 1e-3;           ///< learning rate
  double kl_weight = 1;         ///< reward that a nat away from the beginning costs: beta
  train::feedback feedback = train::feedback::signed_both;
  std::size_t first_credited = 0;  ///< tokens of an answer before this one get no credit
  std::uint64_t seed = 1;
};

/// Trains students, and keeps every one in a folder under the fingerprint of all that made it: what
/// was trained once is read the next time. A run that was stopped goes on where it was.
///
/// The pool and the report must outlive it.
class laboratory {
 public:
  laboratory(thread_pool& workers, laboratory_options options, progress_report report)
      : workers_(&workers), options_(std::move(options)), report_(report) {}

  [[nodiscard]] thread_pool& workers() noexcept { return *workers_; }
  [[nodiscard]] bool is_quick() const noexcept { return options_.quick; }
  /// `n`, or a smaller number where little time may be spent.
  [[nodiscard]] std::uint64_t budget(std::uint64_t n, std::uint64_t when_quick) const noexcept {
    return options_.quick ? std::min(n, when_quick) : n;
  }

  /// The seed of documents to learn from, and that of documents to be asked about: never the same.
  [[nodiscard]] static constexpr std::uint64_t reading_seed(std::uint64_t seed) noexcept {
    return 2 * seed;
  }
  [[nodiscard]] static constexpr std::uint64_t asking_seed(std::uint64_t seed) noexcept {
    return 2 * seed + 1;
  }

  /// A student that has read nothing.
  ///
  /// Errors:  those of parameters::make.
  static expected<student> newborn(student_size size, std::uint64_t seed) {
    auto weights = model::parameters<float>::make(size.shape(), false);
    if (!weights) return forward_error(weights);
    train::initialize(*weights, seed);
    fingerprint_builder id;
    id.add("newborn").add(size.model_dim).add(size.n_layers).add(size.n_heads).add(seed);
    return student{std::make_shared<const model::parameters<float>>(std::move(*weights)),
                   id.finish()};
  }

  /// A student that has read so much of a gazette, each document once.
  ///
  /// Errors:  those of gazette::make and of training; cancelled if the report says so.
  /// Cost:    three minutes for model S on two cores.
  expected<student> pretrain(pretraining how) {
    if (options_.null_world) how.corpus = null_corpus(how.corpus);
    auto begin = newborn(how.size, how.seed);
    if (!begin) return begin;
    fingerprint_builder key;
    key.add("pretrain").add(version).add(begin->id.value).add(fingerprint_of(how.corpus).value);
    key.add(how.seed).add(how.n_tokens).add(how.batch_rows);
    for (const double x : {how.peak, how.last, how.beta2}) key.add(std::bit_cast<std::uint64_t>(x));
    const fingerprint id = key.finish();
    if (auto kept = find(id, how.size.shape())) return *kept;
    auto g = gazette::make(how.corpus);
    if (!g) return forward_error(g);
    const population writers = true_population(*g);
    const document_source source(*g, writers, reading_seed(how.seed));
    train::dataset data;
    for (std::uint64_t i = 0; data.n_tokens() < how.n_tokens; ++i) {
      data.add(source.document(i).tokens);
    }
    const std::uint64_t n_steps = std::max<std::uint64_t>(how.n_tokens / how.batch_rows, 1);
    return learn(
        *begin, data, id, "reading",
        {.schedule = {.peak = how.peak, .n_steps = n_steps, .n_warm_up = 50, .last = how.last},
         .batches = {.n_rows = how.batch_rows, .context = 255, .seed = how.seed},
         .optimizer = {.beta2 = how.beta2},
         .n_threads = workers_->concurrency()});
  }

  /// A student that has learnt from a dataset, after all that it learnt before.
  ///
  /// Errors:  those of training; cancelled if the report says so.
  expected<student> tune(const student& from, const train::dataset& given, const tuning& how) {
    const train::dataset data = options_.null_world ? null_dataset(given, how.seed) : given;
    fingerprint_builder key;
    key.add("tune").add(version).add(from.id.value);
    for (const train::dataset::document& d : data.documents()) {
      key.add(std::as_bytes(data.tokens(d))).add(std::as_bytes(data.counts(d)));
    }
    key.add(how.n_steps).add(how.batch_rows).add(std::bit_cast<std::uint64_t>(how.peak));
    const fingerprint id = key.add(how.seed).finish();
    if (auto kept = find(id, from.shape())) return *kept;
    const std::uint64_t n_warm_up = std::min<std::uint64_t>(how.n_steps / 10, 30);
    return learn(from, data, id, "tuning",
                 {.schedule = {.peak = how.peak, .n_steps = how.n_steps, .n_warm_up = n_warm_up},
                  .batches = {.n_rows = how.batch_rows, .context = 255, .seed = how.seed},
                  .optimizer = {.weight_decay = 0},
                  .n_threads = workers_->concurrency()});
  }

  /// A student that was rewarded for its answers. `prompts(step)` gives those of a step,
  /// `n_prompts` texts; `reward(rollout)` says what an answer is worth. Answers end at `<end>` or
  /// at the longest length.
  ///
  /// What the prompts and rewards are is part of the fingerprint by the first step's answers and
  /// what they were worth: give both a dependence on everything that matters from the first step.
  ///
  /// Errors:  those of roll_out and policy_gradient; cancelled if the report says so.
  /// Cost:    half a minute for model S on two cores.
  template <class Prompts, class Reward>
  expected<student> reinforce(const student& from, Prompts&& prompts, Reward&& reward,
                              const reinforcement& how) {
    philox chance(how.seed, 0);
    const auto worth = [&](const train::rollout& r) {
      return options_.null_world ? static_cast<double>(chance.normal())
                                 : static_cast<double>(reward(r));
    };
    auto policy = policy_of(from, how);
    if (!policy) return forward_error(policy);
    auto first = answers(*policy, prompts(std::uint64_t{0}), 0, how);
    if (!first) return forward_error(first);
    fingerprint_builder key;
    key.add("reinforce").add(version).add(from.id.value);
    for (const train::rollout& r : *first) {
      key.add(std::as_bytes(std::span(r.tokens)));
      key.add(std::bit_cast<std::uint64_t>(worth(r)));
    }
    key.add(how.n_steps).add(how.n_prompts).add(how.n_per_prompt).add(how.max_tokens);
    key.add(std::bit_cast<std::uint64_t>(how.rate))
        .add(std::bit_cast<std::uint64_t>(how.kl_weight));
    key.add(static_cast<std::uint64_t>(how.feedback)).add(how.first_credited);
    const fingerprint id = key.add(how.seed).finish();
    if (auto kept = find(id, from.shape())) return *kept;
    for (std::uint64_t step = 0; step < how.n_steps; ++step) {
      auto rollouts = answers(*policy, prompts(step), step, how);
      if (!rollouts) return forward_error(rollouts);
      std::vector<double> rewards;
      for (const train::rollout& r : *rollouts) rewards.push_back(worth(r));
      auto advantages = train::leave_one_out_advantages(rewards, how.n_per_prompt);
      train::choose_feedback(how.feedback, advantages);
      // Half a cosine down to a tenth: what the reward is worth is settled by the end.
      const train::cosine_schedule rate{.peak = how.rate, .n_steps = how.n_steps, .n_warm_up = 5};
      auto done = policy->gradient.step(*workers_, policy->state, policy->reference, *rollouts,
                                        advantages, rate(step));
      if (!done) return forward_error(done);
      if (!report_("reward", step + 1, how.n_steps)) return stopped("reinforce");
    }
    return keep(id, policy->state.values());
  }

 private:
  /// Counts how often the meaning of a recipe changed.
  static constexpr std::uint64_t version = 1;
  /// Steps between two looks at the progress, and between two checkpoints of a run.
  static constexpr std::uint64_t report_every = 10, save_every = 1000;

  using precision = simd::full_precision<float>;

  struct learner {
    train::trainer<precision> state;
    train::reference_policy<precision> reference;
    train::policy_gradient<precision> gradient;
    batch speaker;
  };

  expected<learner> policy_of(const student& from, const reinforcement& how) {
    const std::size_t n = how.n_prompts * how.n_per_prompt;
    constexpr std::size_t longest = 256;
    const model::training_limits limits{n * longest, longest, workers_->concurrency()};
    auto weights = from.weights->clone();
    if (!weights) return forward_error(weights);
    auto state = train::trainer<precision>::make(std::move(*weights), limits, {.weight_decay = 0});
    if (!state) return forward_error(state);
    auto reference = train::reference_policy<precision>::make(*from.weights, limits);
    if (!reference) return forward_error(reference);
    language_model lm;
    lm.weights = std::make_shared<const model::weights>(state->values().as_weights());
    auto speaker = batch::make(std::move(lm), {.n_sequences = n, .context = longest});
    if (!speaker) return forward_error(speaker);
    return learner{std::move(*state), std::move(*reference),
                   train::policy_gradient<precision>(
                       {.kl_weight = how.kl_weight, .first_credited = how.first_credited}),
                   std::move(*speaker)};
  }

  expected<std::vector<train::rollout>> answers(learner& policy,
                                                const std::vector<std::vector<token_id>>& prompts,
                                                std::uint64_t step, const reinforcement& how) {
    return train::roll_out(*workers_, policy.speaker, prompts,
                           {.n_per_prompt = how.n_per_prompt,
                            .max_tokens = how.max_tokens,
                            .end_token = word("<end>"),
                            .seed = how.seed,
                            .first_stream = step * prompts.size() * how.n_per_prompt});
  }

  /// Runs to the end, from where an earlier run was stopped if there was one.
  expected<student> learn(const student& from, const train::dataset& data, fingerprint id,
                          std::string_view what, const train::run_options& options) {
    auto start = from.weights->clone();
    if (!start) return forward_error(start);
    auto run = train::training_run<precision>::make(std::move(*start), data, options);
    if (!run) return forward_error(run);
    const std::string unfinished = path(id) + ".part";
    // A checkpoint that cannot be read, or is another run's, is none.
    if (!options_.folder.empty()) static_cast<void>(run->resume(unfinished));
    while (!run->is_done()) {
      if (auto step = run->step(*workers_); !step) return forward_error(step);
      const bool saves = run->n_steps() % save_every == 0;
      if (run->n_steps() % report_every != 0 && !run->is_done()) continue;
      const bool goes_on = report_(what, run->n_steps(), options.schedule.n_steps);
      if (!options_.folder.empty() && !run->is_done() && (saves || !goes_on)) {
        if (auto ok = run->save(unfinished); !ok) return forward_error(ok);
      }
      if (!goes_on) return stopped(what);
    }
    return keep(id, run->state().values());
  }

  [[nodiscard]] std::string path(fingerprint id) const {
    return options_.folder + "/" + to_string(id) + ".student";
  }

  /// What was trained before; a file that is damaged or of another shape counts as none.
  [[nodiscard]] std::optional<student> find(fingerprint id,
                                            const model::hyper_parameters& shape) const {
    if (options_.folder.empty()) return std::nullopt;
    const auto file = train::checkpoint::read(path(id));
    if (!file) return std::nullopt;
    auto weights = model::parameters<float>::make(shape, false);
    if (!weights || !file->copy_to("weights", weights->values())) return std::nullopt;
    return student{std::make_shared<const model::parameters<float>>(std::move(*weights)), id};
  }
  expected<student> keep(fingerprint id, const model::parameters<float>& weights) const {
    auto copy = weights.clone();
    if (!copy) return forward_error(copy);
    student made{std::make_shared<const model::parameters<float>>(std::move(*copy)), id};
    if (options_.folder.empty()) return made;
    train::checkpoint_writer out;
    out.add("weights", made.weights->values());
    if (auto ok = out.save(path(id)); !ok) return forward_error(ok);
    std::remove((path(id) + ".part").c_str());
    return made;
  }

  static unexpected<error> stopped(std::string_view what) {
    return fail({.code = errc::cancelled,
                 .operation = std::string(what),
                 .place = {},
                 .found = "a request to stop",
                 .expected = {},
                 .remedy = "run it again: it goes on from its last checkpoint"});
  }

  thread_pool* workers_;
  laboratory_options options_;
  progress_report report_;
};

}  // namespace multitudes::lab
