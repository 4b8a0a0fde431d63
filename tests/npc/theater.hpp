// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/stage.hpp>
#include <multitudes/steering/over_time.hpp>

#include "../support/random_persona.hpp"
#include "../support/tiny_model.hpp"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace multitudes_test {

namespace mt = multitudes;
namespace st = multitudes::steering;
namespace npc = multitudes::npc;
using std::chrono::nanoseconds;

/// A stage with its memory.
struct theater {
  theater(const mt::language_model& lm, npc::stage_options o = {})
      : memory(*npc::stage::required_bytes(lm, o)),
        stage(*npc::stage::make(lm, o, memory.bytes())) {}

  mt::heap_block memory;
  npc::stage stage;
};

inline npc::stage_options exact(npc::stage_options o = {}) {
  o.cache = npc::kv_format::f32;
  o.watched = mt::layer_index(1);
  return o;
}

inline st::plan some_plan(const mt::language_model& lm, std::uint64_t seed = 3,
                          float strength = 0.5f) {
  return *st::compile(random_persona(lm.space(), seed), st::in_raw_units(strength));
}
inline st::plan moody_plan(const mt::language_model& lm) {
  return *st::compile(
      st::over_time(st::dial(0), st::add(random_persona(lm.space(), 5), st::in_raw_units(0.8f))) |
      st::over_time(st::dial(1), st::add(random_persona(lm.space(), 6), st::in_raw_units(0.8f))));
}

/// The axis along which the first dial of `moody_plan` pushes.
inline mt::reading_axis axis_of_mood(const mt::language_model& lm, std::uint32_t layer = 1) {
  const mt::persona who = random_persona(lm.space(), 5);
  const auto along = who.direction().row(mt::layer_index(layer));
  mt::reading_axis axis{"mood", lm.space(), mt::layer_index(layer), {along.begin(), along.end()}};
  double squares = 0;
  for (const float x : axis.unit) squares += static_cast<double>(x) * static_cast<double>(x);
  for (float& x : axis.unit) x /= static_cast<float>(std::sqrt(squares));
  return axis;
}

/// Keeps words at the upper end of what the mood does, so that the dial moves all the time.
inline npc::keeping some_keeping(const mt::language_model& lm) {
  return {.axis = axis_of_mood(lm), .low = 2, .high = 2.2, .dial = 0, .gain = 0.3, .patience = 2};
}

inline mt::sampling voice(std::uint64_t seed = 9) { return {.temperature = 1.0f, .seed = seed}; }

inline std::vector<std::uint32_t> ids(std::span<const mt::token_id> tokens) {
  std::vector<std::uint32_t> all;
  for (const mt::token_id t : tokens) all.push_back(t.value);
  return all;
}

/// Time that passes by so much whenever it is looked at.
struct ticking {
  nanoseconds now{0};
  nanoseconds each{100};
  nanoseconds operator()() { return now += each; }
};

/// Steps until nothing is left to do, with so little time for each that it is cut often.
template <class E>
npc::stage_status run_in_slices(npc::stage& s, E& workers, std::int64_t looks) {
  ticking clock;
  while (true) {
    const auto status = s.step(clock, clock.now + nanoseconds(100 * looks), workers);
    if (status != npc::stage_status::in_progress) return status;
  }
}

struct heard_events {
  std::string text;
  std::size_t n_sentences = 0;
  std::vector<npc::event> others;
};
inline heard_events take_all(npc::stage& s) {
  heard_events all;
  while (const auto e = s.take_event()) {
    if (e->what == npc::event_kind::said) {
      all.text += e->text;
    } else if (e->what == npc::event_kind::sentence) {
      ++all.n_sentences;
    } else {
      all.others.push_back(*e);
      all.others.back().text = {};
    }
  }
  return all;
}

}  // namespace multitudes_test
