// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/score.hpp>
#include <multitudes/train/rollout.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace mt = multitudes;
namespace train = multitudes::train;
using namespace multitudes_test;

namespace {

/// A model with opinions: the head is larger than first weights have it.
mt::model::parameters<float> opinionated(std::uint32_t vocab_size = 12) {
  auto p = small_model(vocab_size);
  for (std::size_t v = 0; v < vocab_size; ++v) {
    for (float& x : p.head().row(v)) x *= 15;
  }
  return p;
}

const std::vector<std::vector<mt::token_id>> some_prompts{
    tokens_of({1}), tokens_of({2, 3, 4}), tokens_of({5, 5}), tokens_of({6, 7, 8, 9, 10})};

bool same(const std::vector<train::rollout>& a, const std::vector<train::rollout>& b) {
  return std::ranges::equal(a, b, [](const train::rollout& x, const train::rollout& y) {
    return x.tokens == y.tokens && x.n_prompt == y.n_prompt &&
           x.log_probabilities == y.log_probabilities && x.ended == y.ended;
  });
}

}  // namespace

TEST_CASE("answers do not depend on the batch's sequences or rows, nor on threads") {
  const auto model = opinionated();
  const train::rollout_options options{.n_per_prompt = 3, .max_tokens = 9, .seed = 5};
  std::vector<train::rollout> first;
  for (const std::size_t n_sequences : {3u, 7u, 12u, 40u}) {
    for (const std::size_t n_threads : {1u, 2u, 4u}) {
      CAPTURE(n_sequences);
      mt::thread_pool workers(n_threads);
      auto b = *mt::batch::make(
          speaker(model), {.n_sequences = n_sequences, .max_rows = n_sequences == 7 ? 2u : 64u});
      const auto all = train::roll_out(workers, b, some_prompts, options);
      REQUIRE(all.has_value());
      if (first.empty()) first = *all;
      CHECK(same(*all, first));
      // Every sequence was given back.
      CHECK(same(*train::roll_out(workers, b, some_prompts, options), first));
    }
  }
  REQUIRE(first.size() == 12);
  for (std::size_t i = 0; i < 12; ++i) {
    CHECK(first[i].n_prompt == some_prompts[i / 3].size());
    CHECK(std::ranges::equal(std::span(first[i].tokens).first(first[i].n_prompt),
                             some_prompts[i / 3]));
  }
  CHECK(first[0].tokens != first[1].tokens);
}

TEST_CASE("the noted log-probabilities are those that scoring gives") {
  const auto model = opinionated();
  mt::inline_executor one;
  auto b = *mt::batch::make(speaker(model), {.n_sequences = 8});
  const auto all = *train::roll_out(one, b, some_prompts, {.n_per_prompt = 4, .max_tokens = 12});
  for (const train::rollout& r : all) {
    REQUIRE(r.log_probabilities.size() == r.answer().size());
    for (std::size_t t = 0; t < r.answer().size(); ++t) {
      const auto said = std::span(r.tokens).first(r.n_prompt + t + 1);
      const mt::scored_text text{{said.begin(), said.end()}, r.n_prompt + t};
      const auto scored = *mt::log_probabilities(b, one, std::span(&text, 1));
      CHECK(std::abs(scored[0] - r.log_probabilities[t]) < 2e-6);
    }
  }
}

TEST_CASE("an answer ends with the end token, which belongs to it, or when it is long enough") {
  const auto model = opinionated();
  mt::inline_executor one;
  auto b = *mt::batch::make(speaker(model), {.n_sequences = 64});
  const mt::token_id end(0);
  const auto all = *train::roll_out(
      one, b, some_prompts, {.n_per_prompt = 64, .max_tokens = 4, .end_token = end, .seed = 2});
  std::size_t n_ended = 0, n_cut = 0;
  for (const train::rollout& r : all) {
    REQUIRE(!r.answer().empty());
    CHECK(r.answer().size() <= 4);
    const auto before = r.answer().first(r.answer().size() - 1);
    CHECK(std::ranges::find(before, end) == before.end());
    CHECK(r.ended == (r.answer().back() == end));
    if (!r.ended) CHECK(r.answer().size() == 4);
    ++(r.ended ? n_ended : n_cut);
  }
  CHECK(n_ended > 10);
  CHECK(n_cut > 10);
  const auto single =
      *train::roll_out(one, b, some_prompts, {.n_per_prompt = 2, .max_tokens = 1, .seed = 2});
  for (const train::rollout& r : single) CHECK(r.answer().size() == 1);
}

TEST_CASE("streams continue: later rollouts are those of one long call; seeds differ") {
  const auto model = opinionated();
  mt::inline_executor one;
  auto b = *mt::batch::make(speaker(model), {.n_sequences = 6});
  const std::vector<std::vector<mt::token_id>> twice{some_prompts[1], some_prompts[1]};
  const std::vector<std::vector<mt::token_id>> once{some_prompts[1]};
  const auto roll = [&](const auto& prompts, std::uint64_t seed, std::uint64_t first) {
    return *train::roll_out(
        one, b, prompts,
        {.n_per_prompt = 3, .max_tokens = 10, .seed = seed, .first_stream = first});
  };
  auto joined = roll(once, 7, 0);
  for (const auto& r : roll(once, 7, 3)) joined.push_back(r);
  CHECK(same(roll(twice, 7, 0), joined));
  CHECK(!same(roll(once, 7, 0), roll(once, 8, 0)));
}

TEST_CASE("answers follow the model's own distribution") {
  const auto model = opinionated(6);
  mt::inline_executor one;
  auto b = *mt::batch::make(speaker(model), {.n_sequences = 250});
  const std::vector<std::vector<mt::token_id>> prompts(20, tokens_of({1, 2}));
  const auto all =
      *train::roll_out(one, b, prompts, {.n_per_prompt = 250, .max_tokens = 1, .seed = 11});
  const double n = static_cast<double>(all.size());
  for (std::uint32_t v = 0; v < 6; ++v) {
    const mt::scored_text text{tokens_of({1, 2, v}), 2};
    const double p = std::exp((*mt::log_probabilities(b, one, std::span(&text, 1)))[0]);
    const double found = static_cast<double>(
        std::ranges::count_if(all, [&](const auto& r) { return r.answer()[0].value == v; }));
    // Five standard deviations.
    CHECK(std::abs(found - n * p) < 5 * std::sqrt(n * p * (1 - p)));
  }
}

TEST_CASE("what cannot be rolled out is an error, and every sequence is given back") {
  auto model = opinionated();
  mt::inline_executor one;
  auto b = *mt::batch::make(speaker(model), {.n_sequences = 4, .context = 8});
  const auto code = [&](const std::vector<std::vector<mt::token_id>>& prompts,
                        const train::rollout_options& options) {
    const std::string found = code_of(train::roll_out(one, b, prompts, options));
    std::vector<mt::sequence_id> open;
    for (int i = 0; i < 4; ++i) {
      auto s = b.open();
      REQUIRE(s.has_value());
      open.push_back(*s);
    }
    for (const auto s : open) b.close(s);
    return found;
  };
  const train::rollout_options usual{.n_per_prompt = 2, .max_tokens = 3};
  CHECK(code(some_prompts, usual) == "");
  CHECK(code({}, usual) == "");
  CHECK(code(some_prompts, {.n_per_prompt = 0}) == "invalid_argument");
  CHECK(code(some_prompts, {.n_per_prompt = 5}) == "invalid_argument");
  CHECK(code(some_prompts, {.n_per_prompt = 2, .max_tokens = 0}) == "invalid_argument");
  CHECK(code({tokens_of({1}), {}}, usual) == "invalid_argument");
  CHECK(code({tokens_of({12})}, usual) == "invalid_argument");
  CHECK(code({tokens_of({1, 2, 3, 4, 5, 6, 7, 8, 9})}, usual) == "out_of_memory");
  CHECK(code({tokens_of({1})},
             {.n_per_prompt = 2, .max_tokens = 30, .end_token = mt::token_id(99)}) ==
        "out_of_memory");
  const auto held = *b.open();
  CHECK(code_of(train::roll_out(one, b, some_prompts, usual)) == "out_of_memory");
  b.close(held);
  model.head().row(3)[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(code(some_prompts, usual) == "non_finite");
}
