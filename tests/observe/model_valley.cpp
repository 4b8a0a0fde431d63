// SPDX-License-Identifier: MIT
#include "../support/tiny_model.hpp"

#include <doctest/doctest.h>
#include <multitudes/observe/model_valley.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace {

namespace mt = multitudes;
using namespace multitudes_test;

std::vector<mt::token_id> text_of(std::size_t who, std::size_t n, std::uint64_t seed) {
  mt::philox random(seed, who);
  std::vector<mt::token_id> tokens{mt::token_id(1)};
  while (tokens.size() < n) tokens.emplace_back(260 + who * 13 + random.below(13));
  return tokens;
}

/// A tiny model with two personas that write with different halves of the alphabet.
struct world {
  mt::language_model lm = tiny_model();
  mt::batch b = *mt::batch::make(lm, {.n_sequences = 2, .context = 160});
  mt::inline_executor one;
  mt::multitude prior = *mt::multitude::make({{"low", 1}, {"high", 1}});
  mt::state_reader reader;
  std::vector<mt::persona_texts> texts;

  world() : reader(learn()) {
    for (std::size_t k = 0; k < 2; ++k) {
      texts.push_back({k == 0 ? "low" : "high", {}});
      for (std::uint64_t i = 0; i < 3; ++i) texts[k].texts.push_back(text_of(k, 70, 500 + i));
    }
  }
  mt::state_reader learn() {
    mt::state_rows all{mt::layer_index(1), lm.shape().model_dim, {}};
    std::vector<std::size_t> labels;
    for (std::size_t i = 0; i < 20; ++i) {
      const auto some = *mt::read_states(b, one, text_of(i % 2, 65, i), mt::layer_index(1), 8);
      all.rows.insert(all.rows.end(), some.rows.begin(), some.rows.end());
      labels.insert(labels.end(), some.size(), i % 2);
    }
    return *mt::state_reader::learn(lm.space(), all, labels, 2);
  }
};

mt::model_valley_options quick() {
  return {.stretch = 8,
          .context = 25,
          .trial = 64,
          .pushed = mt::layer_index(0),
          .radii = {0.1, 1, 10},
          .n_pushes = 3,
          .resamples = 100};
}

TEST_CASE("more of a persona beforehand means more of the other's text to flip it") {
  world w;
  double last = 0;
  for (const std::size_t context : {std::size_t{9}, std::size_t{17}, std::size_t{33}}) {
    auto how = quick();
    how.context = context;
    const auto trials = *mt::run_flips(w.b, w.one, w.reader, w.prior, w.texts, 0, 1, how);
    REQUIRE(trials.size() == 3);
    CHECK(trials[0].tokens[0] == 0);
    CHECK(trials[0].log_odds[0] > 0);
    mt::philox random(1);
    const auto e = mt::summarize_flips(trials, 0.95, 50, random);
    CHECK(e.tokens.value > last);
    last = e.tokens.value;
  }
  CHECK(last < 65);
}

TEST_CASE("true evidence is read at the places of the trial") {
  world w;
  const auto evidence = [](std::size_t first, std::size_t other, std::span<const mt::token_id> text,
                           std::size_t onset, std::span<double> out) {
    CHECK(first == 1);
    CHECK(other == 0);
    CHECK(out.size() == text.size() + 1);
    for (std::size_t i = onset; i < out.size(); ++i) out[i] = 0.5 * static_cast<double>(i - onset);
  };
  const mt::true_evidence truth(evidence);
  const auto trials = *mt::run_flips(w.b, w.one, w.reader, w.prior, w.texts, 1, 0, quick(), &truth);
  for (const auto& t : trials) {
    REQUIRE(t.evidence.size() == t.tokens.size());
    for (std::size_t i = 0; i < t.tokens.size(); ++i) CHECK(t.evidence[i] == 0.5 * t.tokens[i]);
  }
}

TEST_CASE("small pushes are survived, and pushes ten times the row's length are not") {
  world w;
  mt::philox random(3);
  std::vector<std::uint8_t> stays;
  for (std::size_t k = 0; k < 2; ++k) {
    for (const auto& text : w.texts[k].texts) {
      const auto record = *mt::run_pushes(w.b, w.one, w.reader, w.prior, std::span(text).first(33),
                                          quick(), random);
      CHECK(record.persona == k);
      REQUIRE(record.stays.size() == 9);
      stays.insert(stays.end(), record.stays.begin(), record.stays.end());
    }
  }
  const auto radius =
      mt::stats::find_half_radius(std::vector<double>{0.1, 1, 10}, stays, 0.95, 50, random, 3);
  CHECK(radius.shares[0] == 1);
  CHECK(radius.shares[2] < 0.95);
  CHECK(w.b.open().has_value());
  CHECK(w.b.open().has_value());  // both sequences are free again
}

TEST_CASE("one call gives prevalence, depth and width of each persona with intervals") {
  world w;
  const std::vector<std::vector<mt::token_id>> unprompted{text_of(0, 33, 1), text_of(0, 33, 2),
                                                          text_of(1, 33, 3), text_of(0, 33, 4)};
  const auto run = [&] {
    return *mt::measure_model_valleys(w.b, w.one, w.reader, w.prior, w.texts, unprompted, quick());
  };
  const auto found = run();
  REQUIRE(found.size() == 2);
  CHECK(found[0].label == "low");
  CHECK(found[0].prevalence.value == doctest::Approx(0.75).epsilon(0.05));
  CHECK(found[0].prevalence.between.contains(0.75));
  CHECK(found[0].prevalence.value + found[1].prevalence.value == doctest::Approx(1));
  for (const auto& v : found) {
    CHECK(v.flips.n_trials == 3);
    CHECK(v.flips.tokens.value > 0);
    CHECK(v.flips.tokens.between.contains(v.flips.tokens.value));
    CHECK(v.n_pushed == 3);
    CHECK(v.radius.shares.size() == 3);
  }
  CHECK(run()[1].radius.shares == found[1].radius.shares);  // the same seed, the same pushes
}

TEST_CASE("what does not fit is refused, and leaves no sequence open") {
  world w;
  auto how = quick();
  how.trial = 100;
  CHECK(mt::run_flips(w.b, w.one, w.reader, w.prior, w.texts, 0, 1, how).error().place ==
        "texts of high");
  how = quick();
  how.pushed = mt::layer_index(2);  // after the reader's
  mt::philox random(1);
  CHECK(
      !mt::run_pushes(w.b, w.one, w.reader, w.prior, w.texts[0].texts[0], how, random).has_value());
  CHECK(mt::measure_model_valleys(w.b, w.one, w.reader, w.prior, std::span(w.texts).first(1), {},
                                  quick())
            .error()
            .place == "personas");
  const auto taken = *w.b.open();  // one sequence is not enough for base and push
  CHECK(mt::run_pushes(w.b, w.one, w.reader, w.prior, std::span(w.texts[0].texts[0]).first(33),
                       quick(), random)
            .error()
            .code == mt::errc::out_of_memory);
  w.b.close(taken);
  CHECK(w.b.open().has_value());
  CHECK(w.b.open().has_value());
}

}  // namespace
