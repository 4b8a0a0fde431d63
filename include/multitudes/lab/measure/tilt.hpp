// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/corpus/population.hpp>

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// The same writers, with the odds of those who have this value of a trait raised by so many nats:
/// what feedback of that worth makes of an ideal reader.
inline population tilted(const population& from, trait t, std::size_t value, double nats) {
  std::vector<population_block> blocks(from.blocks().begin(), from.blocks().end());
  population_block& b = blocks[from.block_of(t)];
  double sum = 0;
  for (std::size_t r = 0; r < b.rows.size(); ++r) {
    if (b.rows[r][t] == value) b.prior[r] *= std::exp(nats);
    sum += b.prior[r];
  }
  for (double& p : b.prior) p /= sum;
  return population(std::move(blocks));
}

/// A probability after its odds rose by so many nats.
inline double raised(double p, double nats) noexcept {
  return p * std::exp(nats) / (1 - p + p * std::exp(nats));
}

}  // namespace multitudes::lab
