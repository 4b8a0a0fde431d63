// SPDX-License-Identifier: MIT
// expect: same_space
#include <multitudes/steering/plan.hpp>
#include <multitudes/steering/project_out.hpp>

using namespace multitudes;

struct story_space {
  static constexpr activation_space value{.model = {1}, .n_layers = 1, .model_dim = 2};
};
struct other_space {
  static constexpr activation_space value{.model = {2}, .n_layers = 1, .model_dim = 2};
};
using story_persona = basic_persona<story_space>;
#ifdef MULTITUDES_GOOD
using other_persona = story_persona;
#else
using other_persona = basic_persona<other_space>;
#endif

auto both(const story_persona& p, const other_persona& q) {
  return steering::compile(steering::project_out(p) | steering::add(q, steering::in_raw_units(1)));
}
