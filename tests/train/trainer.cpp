// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/score.hpp>
#include <multitudes/train/trainer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace mt = multitudes;
namespace train = multitudes::train;
namespace simd = multitudes::simd;
using namespace multitudes_test;

namespace {

train::training_batch batch_of(const std::vector<std::vector<mt::token_id>>& texts) {
  train::training_batch batch;
  for (const auto& text : texts) {
    batch.append(text, std::vector<std::uint8_t>(text.size(), std::uint8_t{1}));
  }
  return batch;
}

template <class P = simd::full_precision<float>>
train::trainer<P> trainer_of(mt::model::parameters<float> start, std::size_t n_threads = 1) {
  auto made = train::trainer<P>::make(std::move(start), {.max_rows = 400, .n_threads = n_threads});
  REQUIRE(made.has_value());
  return *std::move(made);
}

std::vector<float> copy(std::span<const float> values) { return {values.begin(), values.end()}; }

}  // namespace

TEST_CASE("the loss is what the runner's scores say, and a step reports it before it learns") {
  const std::vector<std::vector<mt::token_id>> texts{
      random_tokens(9, 12, 1), random_tokens(2, 12, 2), random_tokens(31, 12, 3)};
  auto t = trainer_of(small_model());
  mt::inline_executor one;
  const auto batch = batch_of(texts);
  CHECK(batch.asked.size() == 8 + 1 + 30);
  auto b = *mt::batch::make(speaker(t.values()), {.n_sequences = 3});
  std::vector<mt::scored_text> scored;
  for (const auto& text : texts) scored.push_back({text, 1});
  const auto before = *t.loss(one, batch);
  double sum = 0;
  const auto log_ps = *mt::log_probabilities(b, one, scored);
  for (const double x : log_ps) sum -= x;
  CHECK(before == doctest::Approx(sum / 39).epsilon(1e-6));
  const auto report = t.step(one, batch, 0.01);
  REQUIRE(report.has_value());
  CHECK(report->loss == doctest::Approx(before).epsilon(1e-12));
  CHECK(report->n_targets == 39);
  CHECK(report->gradient_norm > 0);
  CHECK(*t.loss(one, batch) < before);
}

TEST_CASE_TEMPLATE("1, 2 and 4 threads train to the same weights and moments", P,
                   simd::full_precision<float>, simd::bf16_inputs) {
  auto shape = small_shape(150);
  shape.model_dim = 40;
  shape.n_layers = 2;
  shape.ffn_dim = 130;
  auto start = *mt::model::parameters<float>::make(shape, true);
  train::initialize(start, 1);
  std::vector<train::training_batch> batches;
  for (std::uint64_t i = 0; i < 4; ++i) {
    std::vector<std::vector<mt::token_id>> texts;
    for (std::uint64_t k = 0; k < 8; ++k) {
      texts.push_back(random_tokens(5 + 13 * (k % 4), 150, 8 * i + k));
    }
    batches.push_back(batch_of(texts));
  }
  std::vector<float> first;
  for (const std::size_t n : {1u, 2u, 4u}) {
    mt::thread_pool workers(n);
    auto t = trainer_of<P>(*start.clone(), n);
    std::vector<float> all;
    for (const auto& batch : batches) {
      all.push_back(static_cast<float>(t.step(workers, batch, 0.01)->loss));
    }
    for (const auto part : {std::span<const float>(t.values().values()),
                            std::span<const float>(t.optimizer().first_moment()),
                            std::span<const float>(t.optimizer().second_moment())}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    if (first.empty()) first = all;
    CHECK(std::memcmp(all.data(), first.data(), all.size() * sizeof(float)) == 0);
  }
}

TEST_CASE("the order of a batch's documents changes the gradient by rounding only") {
  const std::vector<std::vector<mt::token_id>> texts{
      random_tokens(9, 12, 1), random_tokens(2, 12, 2), random_tokens(31, 12, 3)};
  const std::vector<std::vector<mt::token_id>> turned{texts[2], texts[0], texts[1]};
  mt::inline_executor one;
  auto a = trainer_of(small_model()), b = trainer_of(small_model());
  const auto x = *a.step(one, batch_of(texts), 0.01), y = *b.step(one, batch_of(turned), 0.01);
  CHECK(x.loss == doctest::Approx(y.loss).epsilon(1e-6));
  CHECK(x.gradient_norm == doctest::Approx(y.gradient_norm).epsilon(1e-5));
}

TEST_CASE("one step in parts is one step") {
  const std::vector<std::vector<mt::token_id>> texts{random_tokens(20, 12, 1),
                                                     random_tokens(20, 12, 2)};
  mt::inline_executor one;
  const auto loss = [](const train::training_batch& batch) {
    return [&batch](std::size_t i, std::span<float> logits) {
      train::cross_entropy(logits, batch.targets[i], 1.0f / 38);
    };
  };
  auto whole = trainer_of(small_model());
  REQUIRE(whole.step(one, batch_of(texts), 0.01).has_value());
  auto parts = trainer_of(small_model());
  for (const auto& text : texts) {
    const auto batch = batch_of({text});
    REQUIRE(parts.forward(one, batch.rows).has_value());
    parts.backward(one, batch.asked, loss(batch));
  }
  REQUIRE(parts.apply(one, 0.01).has_value());
  // Moments, not weights: Adam divides gradients that are mere rounding by their own size.
  const auto a = whole.optimizer().first_moment(), b = parts.optimizer().first_moment();
  float most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  CHECK(most < 1e-7f);
  // What was added is used up.
  const auto moment = copy(parts.optimizer().first_moment());
  REQUIRE(parts.apply(one, 0.01).has_value());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(std::abs(parts.optimizer().first_moment()[i] - 0.9f * moment[i]) < 1e-9f);
  }
}

TEST_CASE("a small model learns to count") {
  std::vector<std::vector<mt::token_id>> texts;
  for (std::uint32_t first = 0; first < 12; ++first) {
    texts.emplace_back();
    for (std::uint32_t i = 0; i < 8; ++i) texts.back().emplace_back((first + i) % 12);
  }
  auto t = trainer_of(small_model());
  mt::inline_executor one;
  const auto batch = batch_of(texts);
  CHECK(*t.loss(one, batch) == doctest::Approx(std::log(12.0)).epsilon(0.01));
  for (int step = 0; step < 150; ++step) REQUIRE(t.step(one, batch, 0.01).has_value());
  CHECK(*t.loss(one, batch) < 0.05);
}

TEST_CASE("unknown tokens, also as the last target, are errors that change nothing") {
  auto t = trainer_of(small_model());
  mt::inline_executor one;
  const auto before = copy(t.values().values());
  for (const auto& text : {tokens_of({1, 12, 3}), tokens_of({1, 2, 12})}) {
    const auto batch = batch_of({text});
    const auto refused = t.step(one, batch, 0.01);
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == mt::errc::invalid_argument);
    CHECK(refused.error().message().find("token 12") != std::string::npos);
    CHECK(code_of(t.loss(one, batch)) == "invalid_argument");
  }
  CHECK(copy(t.values().values()) == before);
  CHECK(t.optimizer().n_steps() == 0);
}

TEST_CASE("a loss that is no number is an error, leaves the weights and the next step alone") {
  mt::inline_executor one;
  const auto batch = batch_of({random_tokens(20, 12, 1)});
  auto t = trainer_of(small_model()), undisturbed = trainer_of(small_model());
  const auto before = copy(t.values().values());
  const auto refused =
      t.step(one, batch.rows, batch.asked, 0.01, [](std::size_t, std::span<float> logits) {
        std::ranges::fill(logits, std::numeric_limits<float>::quiet_NaN());
      });
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::non_finite);
  CHECK(copy(t.values().values()) == before);
  REQUIRE(t.step(one, batch, 0.01).has_value());
  REQUIRE(undisturbed.step(one, batch, 0.01).has_value());
  CHECK(copy(t.values().values()) == copy(undisturbed.values().values()));
}

TEST_CASE("the runner speaks with what has just been learnt") {
  auto t = trainer_of(small_model());
  const auto lm = speaker(t.values());
  mt::inline_executor one;
  const std::vector<mt::scored_text> text{{random_tokens(20, 12, 1), 1}};
  auto b = *mt::batch::make(lm, {.n_sequences = 1});
  const double before = (*mt::log_probabilities(b, one, text))[0];
  for (int i = 0; i < 20; ++i) {
    REQUIRE(t.step(one, batch_of({text[0].tokens}), 0.01).has_value());
  }
  const double after = (*mt::log_probabilities(b, one, text))[0];
  CHECK(after > before + 5);
  CHECK(-after / 19 == doctest::Approx(*t.loss(one, batch_of({text[0].tokens}))).epsilon(1e-5));
}
