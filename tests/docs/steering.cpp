// SPDX-License-Identifier: MIT
// The examples of docs/steering.md, compiled and run.
#include "../support/random_persona.hpp"
#include "../support/tiny_model.hpp"
#include "quotes.hpp"

#include <multitudes/generate/calibrate.hpp>
#include <multitudes/generate/session.hpp>
#include <multitudes/steering/clamp.hpp>
#include <multitudes/steering/over_time.hpp>
#include <multitudes/steering/project_out.hpp>
#include <multitudes/steering/rotate.hpp>
#include <multitudes/steering/when.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace multitudes;
using multitudes_test::contents;
using multitudes_test::region;

namespace {

persona unit(const activation_space& space, std::uint64_t seed, const char* label) {
  const auto p = multitudes_test::random_persona(space, seed);
  return *persona::make(label, *normalized(p.direction()));
}

void quoted(const char* name) {
  CAPTURE(name);
  const std::string lines = region("tests/docs/steering.cpp", name, 2);
  CHECK(contents("docs/steering.md").find("```cpp\n" + lines + "```\n") != std::string::npos);
}

}  // namespace

TEST_CASE("what docs/steering.md shows compiles and does what it says") {
  const auto lm = multitudes_test::tiny_model();
  const auto norms = multitudes_test::unit_norms(lm.space());
  const persona bard = unit(lm.space(), 1, "bard");
  const persona chemist = unit(lm.space(), 2, "chemist");
  const persona assistant = unit(lm.space(), 3, "assistant");

  // [compose]
  namespace st = multitudes::steering;
  const auto plan = st::compile(st::project_out(assistant) |            // first this,
                                    st::add(bard, st::in_norms(0.3f)),  // then that
                                norms);
  if (!plan) return;  // plan.error() says what is wrong
  // [compose]
  CHECK(plan->label() == "project_out(assistant) | add(bard, 0.3)");

  // [span]
  const auto both = subspace::spanned_by(bard, chemist - 0.5f * bard);
  const auto neither = st::compile(st::project_out(*both));
  // [span]
  CHECK(neither.has_value());

  // [gate]
  const auto reminder =
      st::when(st::below(bard, st::in_norms(0.05f)).at(layer_index(1)),  // it slips: push
               st::add(bard | only_layers(1, 2), st::in_norms(0.3f)));
  // [gate]
  CHECK(st::compile(reminder, norms).has_value());

  // [time]
  const auto brief = st::over_time(st::fade_in(8) | st::hold(32) | st::decay(16.0f),
                                   st::add(bard, st::in_norms(0.3f)));
  // [time]
  CHECK(st::compile(brief, norms)->has_envelopes());

  auto made = session<>::make(lm);
  REQUIRE(made.has_value());
  auto& talk = *made;
  // [attach]
  auto ok = talk.steer({*plan, st::answer_only()}, memory::keep);
  // [attach]
  CHECK(ok.has_value());

  const auto row = bard.direction().row(layer_index(2));
  const reading_axis axis{"bard", lm.space(), layer_index(2), {row.begin(), row.end()}, 0, 1};
  // [watch]
  auto monitor = st::monitor::make({axis});  // up to 32 axes, from axis_of(learned, layer)
  if (monitor) ok = talk.watch(*monitor);
  ok = talk.read("a tale");
  const float last = talk.readings()[0];  // of the last token; readings(p) for others
  // [watch]
  CHECK(ok.has_value());
  CHECK(std::isfinite(last));
  for (const char* name : {"compose", "span", "gate", "time", "attach", "watch"}) quoted(name);
}
