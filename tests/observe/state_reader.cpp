// SPDX-License-Identifier: MIT
#include "../support/tiny_model.hpp"

#include <doctest/doctest.h>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/observe/state_reader.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace {

namespace mt = multitudes;
using namespace multitudes_test;

/// Texts over different halves of the alphabet: two personas that any layer tells apart.
std::vector<mt::token_id> text_of(std::size_t who, std::size_t n, std::uint64_t seed) {
  mt::philox random(seed, who);
  std::vector<mt::token_id> tokens{mt::token_id(1)};
  while (tokens.size() < n) tokens.emplace_back(260 + who * 13 + random.below(13));
  return tokens;
}

struct corpus {
  mt::state_rows states;
  std::vector<std::size_t> labels;
  std::vector<std::size_t> groups;
};

corpus read_corpus(mt::batch& b, std::uint64_t seed, std::size_t n_texts) {
  mt::inline_executor one;
  corpus c;
  for (std::size_t i = 0; i < n_texts; ++i) {
    const auto some = *mt::read_states(b, one, text_of(i % 2, 49, seed + i), mt::layer_index(1), 8);
    REQUIRE(some.size() == 6);
    c.states.layer = some.layer;
    c.states.width = some.width;
    c.states.rows.insert(c.states.rows.end(), some.rows.begin(), some.rows.end());
    c.labels.insert(c.labels.end(), some.size(), i % 2);
    c.groups.insert(c.groups.end(), some.size(), i);
  }
  return c;
}

TEST_CASE("states are means over stretches of the layer's rows") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = 64});
  mt::inline_executor one;
  const auto tokens = text_of(0, 12, 1);
  const auto states = *mt::read_states(b, one, tokens, mt::layer_index(2), 5);
  CHECK(states.size() == 2);  // tokens 1 to 5 and 6 to 10; the rest is too short
  const mt::feed news{*b.open(), tokens, 0};
  const mt::layer_index layers[] = {mt::layer_index(2)};
  const mt::capture kept(std::span(&news, 1), layers, lm.shape().model_dim);
  REQUIRE(b.evaluate(one, std::span(&news, 1), kept).has_value());
  for (std::size_t i = 0; i < states.width; ++i) {
    double sum = 0;
    for (std::size_t t = 6; t <= 10; ++t) sum += static_cast<double>(kept.row({0, t}, 0)[i]);
    CHECK(states.row(1)[i] == doctest::Approx(sum / 5));
  }
  b.close(news.sequence);
  mt::thread_pool pool(3);
  CHECK(mt::read_states(b, pool, tokens, mt::layer_index(2), 5)->rows == states.rows);
  CHECK(b.open().has_value());  // nothing stays open
}

TEST_CASE("a stretch that is read alone does not know what stood before it") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto tokens = text_of(0, 25, 1);
  auto roomy = *mt::batch::make(lm, {.n_sequences = 9, .context = 64});
  const auto alone = *mt::read_stretches(roomy, one, tokens, mt::layer_index(1), 8);
  REQUIRE(alone.size() == 3);
  const auto running = *mt::read_states(roomy, one, tokens, mt::layer_index(1), 8);
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<mt::token_id> text{tokens[0]};
    const auto own = tokens.begin() + static_cast<std::ptrdiff_t>(1 + 8 * i);
    text.insert(text.end(), own, own + 8);
    const auto whole = *mt::read_states(roomy, one, text, mt::layer_index(1), 8);
    CHECK(std::vector<float>(alone.row(i).begin(), alone.row(i).end()) == whole.rows);
    CHECK((running.row(i)[0] == alone.row(i)[0]) == (i == 0));
  }
  // However few sequences are free, and with any number of threads.
  auto narrow = *mt::batch::make(lm, {.n_sequences = 2, .context = 64});
  mt::thread_pool pool(3);
  CHECK(mt::read_stretches(narrow, pool, tokens, mt::layer_index(1), 8)->rows == alone.rows);
  CHECK(narrow.open().has_value());
  CHECK(mt::read_stretches(narrow, one, tokens, mt::layer_index(1), 8)->rows == alone.rows);
  CHECK(narrow.open().has_value());
  const auto none = mt::read_stretches(narrow, one, tokens, mt::layer_index(1), 8);
  CHECK(none.error().code == mt::errc::out_of_memory);
  CHECK(mt::read_stretches(roomy, one, tokens, mt::layer_index(1), 0).error().place == "stretch");
  CHECK(mt::read_stretches(roomy, one, std::span(tokens).first(5), mt::layer_index(1), 8)->size() ==
        0);
}

TEST_CASE("personas are read from new texts, and more text makes it surer") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = 64});
  mt::inline_executor one;
  const auto c = read_corpus(b, 100, 16);
  const auto reader = *mt::state_reader::learn(lm.space(), c.states, c.labels, 2);
  CHECK(reader.dim() == 1);
  const auto prior = *mt::multitude::make({{"low", 1}, {"high", 1}});
  int right = 0;
  double first = 0;
  double last = 0;
  for (std::size_t i = 0; i < 10; ++i) {
    const auto states =
        *mt::read_states(b, one, text_of(i % 2, 49, 900 + i), mt::layer_index(1), 8);
    const auto evidence = mt::evidence_over(reader, states, mt::accumulation::summed);
    const auto trace = *mt::posterior_over(prior, evidence);
    right += trace.best(trace.size() - 1) == i % 2 ? 1 : 0;
    first += trace.log_odds(0, i % 2, 1 - i % 2);
    last += trace.log_odds(trace.size() - 1, i % 2, 1 - i % 2);
  }
  CHECK(right == 10);
  CHECK(last > first);
}

TEST_CASE("evidence is the density of the projection under its tails, and summing adds it up") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = 64});
  const auto c = read_corpus(b, 100, 8);
  const auto reader = *mt::state_reader::learn(lm.space(), c.states, c.labels, 2);
  const auto points = reader.project(c.states);
  const auto latest = mt::evidence_over(reader, c.states, mt::accumulation::latest);
  const auto summed = mt::evidence_over(reader, c.states, mt::accumulation::summed);
  double sum = 0;
  for (std::size_t i = 0; i < c.states.size(); ++i) {
    const auto at = std::span(points).subspan(i, 1);
    const double density = reader.population().log_peak(1) +
                           reader.tails().log_fall(reader.population().square_distance(1, at));
    CHECK(latest.row(i)[1] == density);
    sum += density;
    CHECK(summed.row(i)[1] == doctest::Approx(sum));
  }
}

TEST_CASE("reach is how far random pushes of the stream go along the axes") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = 64});
  const auto c = read_corpus(b, 100, 8);
  const auto reader = *mt::state_reader::learn(lm.space(), c.states, c.labels, 2);
  mt::philox random(1);
  const std::size_t width = c.states.width;
  const auto h = c.states.row(0);
  std::vector<double> base(1);
  reader.project(h, base);
  double squares = 0;
  for (int i = 0; i < 4000; ++i) {
    std::vector<double> u(width);
    double norm = 0;
    for (double& x : u) {
      x = static_cast<double>(random.normal());
      norm += x * x;
    }
    std::vector<float> pushed(h.begin(), h.end());
    for (std::size_t j = 0; j < width; ++j) {
      pushed[j] += static_cast<float>(2 * u[j] / std::sqrt(norm));
    }
    std::vector<double> y(1);
    reader.project(pushed, y);
    squares += (y[0] - base[0]) * (y[0] - base[0]) / 4000;
  }
  CHECK(reader.reach(2) == doctest::Approx(std::sqrt(squares)).epsilon(0.05));
}

TEST_CASE("probes give their log-odds as evidence") {
  mt::probe_reader reader;
  mt::probe p;
  p.axis = {"up", {}, mt::layer_index(0), {1, 0}, 0.5, 2};
  p.link.slope = 3;
  p.link.bias = -1;
  reader.probes = {p, p};
  reader.probes[1].link.bias = 1;
  const std::vector<float> h{4.5f, 7};
  CHECK(reader.evidence(h) == std::vector<double>{5, 7});
  mt::state_rows states{mt::layer_index(0), 2, {4.5f, 7, 0.5f, 0}};
  const auto trace = mt::evidence_over(reader, states, mt::accumulation::latest);
  CHECK(trace.nats == std::vector<double>{5, 7, -1, 1});
}

TEST_CASE("layers and rows that are not the model's are refused") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = 64});
  mt::inline_executor one;
  const auto tokens = text_of(0, 12, 1);
  CHECK(mt::read_states(b, one, tokens, mt::layer_index(3), 5).error().place == "layer");
  CHECK(mt::read_states(b, one, tokens, mt::layer_index(1), 0).error().place == "stretch");
  CHECK(mt::read_states(b, one, text_of(0, 65, 1), mt::layer_index(1), 5).error().code ==
        mt::errc::out_of_memory);
  CHECK(b.open().has_value());
  const mt::state_rows narrow{mt::layer_index(1), 3, {1, 2, 3}};
  CHECK(mt::state_reader::learn(lm.space(), narrow, {}, 2).error().code ==
        mt::errc::shape_mismatch);
}

}  // namespace
