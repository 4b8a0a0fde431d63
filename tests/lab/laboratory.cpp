// SPDX-License-Identifier: MIT
#include "../support/temporary_folder.hpp"

#include <multitudes/lab/laboratory.hpp>
#include <multitudes/lab/measure/excess.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

constexpr student_size tiny{.model_dim = 16, .n_layers = 1, .n_heads = 2};

pretraining short_reading() {
  pretraining how;
  how.size = tiny;
  how.n_tokens = 16'000;
  how.batch_rows = 256;
  return how;
}

bool same_bits(const student& a, const student& b) {
  return std::ranges::equal(a.weights->values(), b.weights->values());
}

const auto go_on = [](std::string_view, std::uint64_t, std::uint64_t) { return true; };

TEST_CASE("A student that was trained before is read, not trained again") {
  const test::temporary_folder folder;
  thread_pool workers(2);
  int n_reports = 0;
  const auto count = [&](std::string_view, std::uint64_t, std::uint64_t) {
    ++n_reports;
    return true;
  };
  laboratory in(workers, {.folder = folder.path()}, count);
  const auto first = in.pretrain(short_reading());
  REQUIRE(first);
  CHECK(n_reports > 0);
  n_reports = 0;
  const auto again = in.pretrain(short_reading());
  REQUIRE(again);
  CHECK(n_reports == 0);
  CHECK(again->id == first->id);
  CHECK(same_bits(*first, *again));

  auto other = short_reading();
  other.corpus.personas.zipf = 1;
  const auto of_other = in.pretrain(other);
  REQUIRE(of_other);
  CHECK(n_reports > 0);
  CHECK(of_other->id != first->id);
  CHECK_FALSE(same_bits(*first, *of_other));

  SUBCASE("a damaged file is as none") {
    for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
      std::filesystem::resize_file(file.path(), 100);
    }
    const auto anew = in.pretrain(short_reading());
    REQUIRE(anew);
    CHECK(same_bits(*first, *anew));
  }
}

TEST_CASE("A run that was asked to stop goes on to the same bits, on any number of threads") {
  const test::temporary_folder folder;
  thread_pool one(1), two(2);
  laboratory elsewhere(two, {}, go_on);
  const auto whole = elsewhere.pretrain(short_reading());
  REQUIRE(whole);

  int left = 3;
  const auto impatient = [&](std::string_view, std::uint64_t, std::uint64_t) { return --left > 0; };
  laboratory in(one, {.folder = folder.path()}, impatient);
  const auto stopped = in.pretrain(short_reading());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == errc::cancelled);
  std::uint64_t first_step = 0;
  const auto look = [&](std::string_view, std::uint64_t done, std::uint64_t) {
    if (first_step == 0) first_step = done;
    return true;
  };
  laboratory later(one, {.folder = folder.path()}, look);
  const auto resumed = later.pretrain(short_reading());
  REQUIRE(resumed);
  CHECK(first_step == 40);  // and not 10: the first 30 steps were kept
  CHECK(same_bits(*whole, *resumed));
  CHECK_FALSE(
      std::filesystem::exists(folder.path() + "/" + to_string(resumed->id) + ".student.part"));
}

TEST_CASE("Reading brings a student nearer to the ideal reader, never below it") {
  thread_pool workers(2);
  laboratory in(workers, {}, go_on);
  const auto how = short_reading();
  const auto g = gazette::make(how.corpus);
  const auto writers = true_population(*g);
  const document_source held_out(*g, writers, laboratory::asking_seed(how.seed));
  double before = 0;
  for (const std::uint64_t n_tokens : {std::uint64_t{4'000}, std::uint64_t{16'000}}) {
    auto longer = how;
    longer.n_tokens = n_tokens;
    const auto who = in.pretrain(longer);
    REQUIRE(who);
    auto asked = scorer::make(workers, *who);
    REQUIRE(asked);
    const auto losses = document_losses(*asked, *g, writers, held_out, 100);
    REQUIRE(losses);
    const double now = excess(*losses);
    CHECK(now > 0);
    if (before > 0) CHECK(now < before);
    before = now;
  }
}

TEST_CASE("Tuning learns what counts in a dataset") {
  thread_pool workers(2);
  laboratory in(workers, {}, go_on);
  const auto newborn = laboratory::newborn(tiny, 1);
  REQUIRE(newborn);
  const auto g = gazette::make();
  const std::vector<persona_traits> writers{g->traits({.style = 2})};
  const auto data = make_command_dataset(*g, writers, 16, 1);
  const auto tuned = in.tune(*newborn, data, {.n_steps = 100, .batch_rows = 256, .peak = 1e-2});
  REQUIRE(tuned);
  CHECK(tuned->id != newborn->id);
  texts asked_for{{}};
  prompt p(*g);
  p.command(2);
  asked_for[0].assign(p.tokens().begin(), p.tokens().end() - 2);
  for (const student& who : {*newborn, *tuned}) {
    auto asked = scorer::make(workers, who);
    REQUIRE(asked);
    REQUIRE(asked->predict_next(asked_for, [&](std::size_t, std::span<const float> log_p) {
      // "sure" was learnt after a command, "please" was not learnt to begin one.
      const float sure = log_p[word("sure").value];
      if (who.id == newborn->id) CHECK(sure < -4);
      if (who.id != newborn->id) CHECK(sure > -1.5f);
    }));
  }
}

TEST_CASE("Reward raises what is rewarded, and a shorter leash less") {
  thread_pool workers(2);
  laboratory in(workers, {}, go_on);
  const auto newborn = laboratory::newborn(tiny, 1);
  REQUIRE(newborn);
  const token_id wished = word("well");
  const auto prompts = [](std::uint64_t) {
    return std::vector<std::vector<token_id>>(4, {word("<doc>")});
  };
  const auto reward = [&](const train::rollout& r) {
    return r.answer().front() == wished ? 1.0 : 0.0;
  };
  std::vector<double> risen;
  for (const double beta : {1.0, 0.25}) {
    reinforcement how{.n_steps = 150, .n_prompts = 4, .n_per_prompt = 32, .max_tokens = 1};
    how.rate = 3e-2;
    how.kl_weight = beta;
    const auto rewarded = in.reinforce(*newborn, prompts, reward, how);
    REQUIRE(rewarded);
    double log_odds[2] = {};
    for (const student& who : {*newborn, *rewarded}) {
      auto asked = scorer::make(workers, who);
      REQUIRE(asked);
      const texts begin{{word("<doc>")}};
      REQUIRE(asked->predict_next(begin, [&](std::size_t, std::span<const float> log_p) {
        const double p = std::exp(static_cast<double>(log_p[wished.value]));
        log_odds[who.id != newborn->id] = std::log(p / (1 - p));
      }));
    }
    risen.push_back(log_odds[1] - log_odds[0]);
  }
  // The optimum of reward less divergence lies at exactly r / beta nats: 1 and 4.
  CHECK(risen[0] == doctest::Approx(1).epsilon(0.3));
  CHECK(risen[1] > 2.5);
  CHECK(risen[1] < 4.5);
}

TEST_CASE("In the null world nobody is anybody, answers follow no question and rewards no answer") {
  thread_pool workers(2);
  laboratory in(workers, {.null_world = true}, go_on), real(workers, {}, go_on);
  const auto there = in.pretrain(short_reading());
  REQUIRE(there);
  CHECK(there->id != real.pretrain(short_reading())->id);
  auto bare = short_reading();
  bare.corpus = null_corpus(bare.corpus);
  CHECK(there->id == real.pretrain(bare)->id);
  gazette_config full;
  full.items.grid = full.items.football = 1;
  full.personas.zipf = 1;
  full.personas.turncoats.share = 0.1;
  full.labels.goal = 0.1;
  CHECK(gazette::make(null_corpus(full)));

  const auto g = gazette::make();
  const std::vector<persona_traits> writers{g->traits({.style = 1}), g->traits({.style = 2})};
  const auto data = make_command_dataset(*g, writers, 50, 1);
  const auto dealt = null_dataset(data, 1);
  REQUIRE(dealt.documents().size() == data.documents().size());
  CHECK(dealt.n_tokens() == data.n_tokens());
  std::size_t n_own = 0;
  for (std::size_t i = 0; i < data.documents().size(); ++i) {
    n_own +=
        std::ranges::equal(data.tokens(data.documents()[i]), dealt.tokens(dealt.documents()[i]));
  }
  CHECK(n_own < 10);

  const auto newborn = laboratory::newborn(tiny, 1);
  const auto prompts = [](std::uint64_t) {
    return std::vector<std::vector<token_id>>(4, {word("<doc>")});
  };
  const token_id wished = word("well");
  const auto reward = [&](const train::rollout& r) {
    return r.answer().front() == wished ? 9.0 : 0.0;
  };
  reinforcement how{.n_steps = 20, .n_prompts = 4, .n_per_prompt = 16, .max_tokens = 1};
  how.rate = 3e-2;
  const auto rewarded = in.reinforce(*newborn, prompts, reward, how);
  REQUIRE(rewarded);
  auto asked = scorer::make(workers, *rewarded);
  const texts begin{{word("<doc>")}};
  REQUIRE(asked->predict_next(begin, [&](std::size_t, std::span<const float> log_p) {
    CHECK(log_p[wished.value] < -4);  // one word of three hundred
  }));
}

TEST_CASE("A token before the first credited one is not praised for what it was rewarded for") {
  thread_pool workers(2);
  laboratory in(workers, {}, go_on);
  const auto newborn = laboratory::newborn(tiny, 1);
  REQUIRE(newborn);
  const token_id wished = word("well");
  const auto prompts = [](std::uint64_t) {
    return std::vector<std::vector<token_id>>(4, {word("<doc>")});
  };
  const auto reward = [&](const train::rollout& r) {
    return r.answer().front() == wished ? 1.0 : 0.0;
  };
  std::vector<double> shares;
  for (const std::size_t first_credited : {std::size_t{0}, std::size_t{1}}) {
    reinforcement how{.n_steps = 60, .n_prompts = 4, .n_per_prompt = 32, .max_tokens = 2};
    how.rate = 3e-2;
    how.first_credited = first_credited;
    const auto rewarded = in.reinforce(*newborn, prompts, reward, how);
    REQUIRE(rewarded);
    auto asked = scorer::make(workers, *rewarded);
    REQUIRE(asked);
    const texts begin{{word("<doc>")}};
    REQUIRE(asked->predict_next(begin, [&](std::size_t, std::span<const float> log_p) {
      shares.push_back(std::exp(static_cast<double>(log_p[wished.value])));
    }));
  }
  MESSAGE("with credit " << shares[0] << ", without " << shares[1]);
  CHECK(shares[0] > 1.7 * shares[1]);
  CHECK(shares[1] < 1.3 / gazette_vocab_size);
}

}  // namespace
