// SPDX-License-Identifier: MIT
#pragma once

#include "../support/random_persona.hpp"

#include <multitudes/steering/clamp.hpp>
#include <multitudes/steering/over_time.hpp>
#include <multitudes/steering/plan.hpp>
#include <multitudes/steering/project_out.hpp>
#include <multitudes/steering/rotate.hpp>
#include <multitudes/steering/when.hpp>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace multitudes_test {

inline constexpr multitudes::activation_space small_space{
    {7}, multitudes::hook_point::residual_stream, 4, 37};

/// A persona of unit length in every layer.
inline multitudes::persona unit_persona(const multitudes::activation_space& space,
                                        std::uint64_t seed, std::string label = "unit") {
  const auto p = random_persona(space, seed);
  return *multitudes::persona::make(std::move(label), *multitudes::normalized(p.direction()));
}

// --- Plain double precision: what the operators' formulas say, one step after the other --------

using row = std::vector<double>;

inline double inner(const row& a, const row& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
inline row scaled(const row& a, double factor) {
  row out = a;
  for (double& x : out) x *= factor;
  return out;
}
inline void add_to(row& h, const row& d, double factor) {
  for (std::size_t i = 0; i < h.size(); ++i) h[i] += factor * d[i];
}
inline row unit_of(const row& a) { return scaled(a, 1 / std::sqrt(inner(a, a))); }
inline row row_of(const multitudes::persona& p, std::size_t layer) {
  const auto values = p.direction().row(multitudes::layer_index(layer));
  return {values.begin(), values.end()};
}
/// Orthonormal rows, by Gram and Schmidt.
inline std::vector<row> orthonormal(std::vector<row> rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (int again = 0; again < 2; ++again) {
      for (std::size_t k = 0; k < i; ++k) add_to(rows[i], rows[k], -inner(rows[i], rows[k]));
    }
    rows[i] = unit_of(rows[i]);
  }
  return rows;
}

/// A row of a token on its way through a plan's layers.
inline std::vector<float> random_row(std::size_t n, std::uint64_t seed, float spread = 1.0f) {
  multitudes::philox random(seed, 99);
  std::vector<float> h(n);
  for (float& x : h) x = spread * random.normal();
  return h;
}

/// What a plan makes of a row at one layer, for a token of age 0.
inline std::vector<float> steered(const multitudes::steering::plan& plan, std::size_t layer,
                                  std::vector<float> h) {
  auto state = plan.begin(0);
  plan.apply(multitudes::layer_index(layer), h, state);
  return h;
}

inline double along(const std::vector<float>& h, const row& d) {
  return inner(row(h.begin(), h.end()), d);
}

}  // namespace multitudes_test
