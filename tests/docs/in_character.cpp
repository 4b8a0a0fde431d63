// SPDX-License-Identifier: MIT
// What docs/embedding.md shows of keeping minds in character compiles, and does what it says.
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/extract/learn.hpp>
#include <multitudes/generate/calibrate.hpp>
#include <multitudes/npc/insight.hpp>
#include <multitudes/npc/stage.hpp>
#include <multitudes/steering/over_time.hpp>

#include "quotes.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace multitudes;
using namespace multitudes_test;

namespace {

template <class T>
T or_exit(expected<T> x) {
  if (!x) FAIL(x.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(x);
}
std::string source_file(const char* name) {
  return std::string(MULTITUDES_SOURCE_DIR) + "/" + name;
}

}  // namespace

TEST_CASE("docs/embedding.md keeps a mind in character") {
  thread_pool workers;
  const auto lm = or_exit(load_model(source_file("models/base.gguf")));
  const std::string pairs_file = source_file("examples/data/archaic_modern.pairs");
  // clang-format off
  // [learn]
  const auto pairs = or_exit(read_pairs(pairs_file));
  const auto old = or_exit(
      learn(lm, "old speech", pairs, workers, {.read = read_position::mean_over_text}));
  const auto last = layer_index(lm.shape().n_layers - 1);
  const auto axis = or_exit(axis_of(old, last));
  const auto norms = or_exit(calibrate(lm, workers));
  const auto more_or_less = steering::over_time(
      steering::dial(0), steering::add(old.who, steering::in_norms(0.15f)));
  const auto plan = or_exit(steering::compile(more_or_less, norms));
  // [learn]

  npc::stage_options options{.n_minds = 3, .context = 160, .watched = last};
  heap_block memory(*npc::stage::required_bytes(lm, options));
  auto stage = or_exit(npc::stage::make(lm, options, memory.bytes()));
  double reads[2] = {};
  // [look]
  for (const float dial : {0.0f, 1.0f}) {
    const auto m = or_exit(stage.enter({.persona = {.what = plan, .dials = {dial}}}));
    or_exit(stage.hear(m, "The king came home, and"));
    or_exit(stage.say(m, {.max_tokens = 60, .one_line = false}));
    while (stage.finish(workers) == npc::stage_status::unread_events) while (stage.take_event()) {}
    reads[dial == 1] = or_exit(npc::reading(stage, m, axis));
  }
  // [look]
  while (stage.take_event()) {
  }
  CHECK(reads[1] > reads[0]);
  const double low = (reads[0] + reads[1]) / 2;
  // [keep]
  const auto kept = or_exit(stage.add_keeper({.axis = axis, .low = low, .dial = 0}));
  const auto m = or_exit(stage.enter({.persona = {plan}, .kept = kept}));
  // [keep]
  // clang-format on
  or_exit(stage.hear(m, "The king came home, and"));
  or_exit(stage.say(m, {.max_tokens = 60, .one_line = false}));
  while (stage.finish(workers) == npc::stage_status::unread_events) {
    while (stage.take_event()) {
    }
  }
  CHECK(stage.dial(m, 0) > 0);
  CHECK(or_exit(npc::reading(stage, m, axis)) > reads[0]);
  MESSAGE("reads " << reads[0] << " and " << reads[1] << ", kept: "
                   << or_exit(npc::reading(stage, m, axis)));

  const quoted_page page{"tests/docs/in_character.cpp", "docs/embedding.md"};
  for (const char* name : {"learn", "look", "keep"}) page.check(name);
}
