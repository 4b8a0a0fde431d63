// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/persona.hpp>
#include <multitudes/steering/add.hpp>
#include <multitudes/steering/clamp.hpp>
#include <multitudes/steering/monitor.hpp>
#include <multitudes/steering/plan.hpp>
#include <multitudes/steering/project_out.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace multitudes_bench {

/// A persona of random directions, of about `spread` for each element.
inline multitudes::persona someone(const multitudes::activation_space& space, std::uint64_t seed,
                                   float spread) {
  multitudes::philox random(seed);
  std::vector<float> values(std::size_t{space.n_layers} * space.model_dim);
  for (float& v : values) v = spread * random.normal();
  return *multitudes::persona::make("p" + std::to_string(seed),
                                    *multitudes::direction::make(space, values));
}

inline multitudes::persona unit_persona(const multitudes::activation_space& space,
                                        std::uint64_t seed) {
  const auto p = someone(space, seed, 1.0f);
  return *multitudes::persona::make(p.label(), *multitudes::normalized(p.direction()));
}

/// Eight directions in every layer: one that is added, four that are projected out, three clamped.
inline multitudes::steering::plan eight_directions(const multitudes::activation_space& space,
                                                   std::uint64_t seed,
                                                   multitudes::steering::storage how) {
  namespace st = multitudes::steering;
  const auto p = [&](std::uint64_t i) { return someone(space, seed * 100 + i, 0.01f); };
  const auto u = [&](std::uint64_t i) { return unit_persona(space, seed * 100 + i); };
  const auto a = p(0), b = p(1), c = p(2), d = p(3), added = p(4);
  const auto out = *multitudes::subspace::spanned_by(a, b, c, d);
  const auto e = u(5), f = u(6), g = u(7);
  const auto low = st::in_raw_units(-0.05f);
  const auto high = st::in_raw_units(0.05f);
  return *st::compile(st::add(added, st::in_raw_units(0.1f)) | st::project_out(out) |
                          st::clamp(e, low, high) | st::clamp(f, low, high) |
                          st::clamp(g, low, high),
                      how);
}

/// As many axes as a monitor holds, spread over the layers.
inline multitudes::steering::monitor axes_of(const multitudes::activation_space& space) {
  namespace st = multitudes::steering;
  std::vector<multitudes::reading_axis> axes;
  for (std::size_t i = 0; i < st::max_axes; ++i) {
    const auto p = unit_persona(space, 9000 + i);
    const multitudes::layer_index l(i * space.n_layers / st::max_axes);
    const auto row = p.direction().row(l);
    axes.push_back({p.label(), space, l, {row.begin(), row.end()}, 0, 1});
  }
  return *st::monitor::make(std::move(axes));
}

}  // namespace multitudes_bench
