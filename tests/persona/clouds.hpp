// SPDX-License-Identifier: MIT
#pragma once

#include "helpers.hpp"

#include <multitudes/persona/conceptor.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace multitudes_test {

/// Activations of one layer: (n, width).
struct cloud {
  std::size_t n = 0;
  std::size_t width = 0;
  std::vector<float> values;

  [[nodiscard]] matrix_view<const float> view() const { return {values.data(), n, width}; }
};

/// A cloud that is longer along some axes than along others.
inline cloud random_cloud(philox& random, std::size_t n, std::size_t width) {
  std::vector<float> mix(width * width);
  for (std::size_t i = 0; i < mix.size(); ++i) {
    mix[i] = random.normal() * std::exp(-static_cast<float>(i / width) / 3);
  }
  cloud c{n, width, std::vector<float>(n * width, 0.0f)};
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t k = 0; k < width; ++k) {
      const float x = random.normal();
      for (std::size_t i = 0; i < width; ++i) c.values[r * width + i] += x * mix[k * width + i];
    }
  }
  return c;
}

/// A conceptor as the matrix that `apply` multiplies with: (width, width).
inline std::vector<double> matrix_of(const conceptor& c) {
  const std::size_t width = c.space().model_dim;
  std::vector<double> m(width * width);
  std::vector<float> h(width), out(width);
  for (std::size_t i = 0; i < width; ++i) {
    std::ranges::fill(h, 0.0f);
    h[i] = 1;
    REQUIRE(c.apply(h, out));
    for (std::size_t j = 0; j < width; ++j) m[i * width + j] = static_cast<double>(out[j]);
  }
  return m;
}

inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    worst = std::max(worst, std::fabs(a[i] - b[i]));
  }
  return worst;
}
inline double distance(const conceptor& a, const conceptor& b) {
  return distance(matrix_of(a), matrix_of(b));
}

inline conceptor learned(const cloud& c, double aperture) {
  auto made = conceptor::learned(space_of_shape(2, static_cast<std::uint32_t>(c.width)),
                                 layer_index(1), c.view(), aperture);
  REQUIRE(made);
  return std::move(*made);
}

/// A conceptor with the given share along each axis of the space, and a0 elsewhere.
inline conceptor along_axes(const std::vector<double>& shares, outside_rows outside,
                            std::uint32_t width) {
  std::vector<float> rows(shares.size() * width, 0.0f);
  for (std::size_t i = 0; i < shares.size(); ++i) rows[i * width + i] = 1;
  auto made = conceptor::make(space_of_shape(2, width), layer_index(1), outside, shares,
                              {rows.data(), shares.size(), width});
  REQUIRE(made);
  return std::move(*made);
}

}  // namespace multitudes_test
