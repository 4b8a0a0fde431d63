// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/corpus/reader.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// The ideal reader, asked as a student is: an instrument that is fed with it must show what is
/// known to be so. It refuses texts that are no documents.
///
/// The gazette and the population must stay where they are.
class ideal_scorer {
 public:
  ideal_scorer(const gazette& g, const population& prior) : gazette_(&g), prior_(&prior) {}

  /// As scorer::predict; what is impossible has a log-probability of -100.
  ///
  /// Errors:  those of reader::read.
  template <class Wanted, class Visit>
  expected<void> predict(std::span<const std::vector<token_id>> all, Wanted&& wanted,
                         Visit&& visit) {
    std::vector<double> p(gazette_vocab_size);
    std::vector<float> log_p(gazette_vocab_size);
    reader r(*gazette_, *prior_);
    for (std::size_t i = 0; i < all.size(); ++i) {
      r.restart();
      for (std::size_t t = 0; t < all[i].size(); ++t) {
        if (auto ok = r.read(all[i][t]); !ok) return forward_error(ok);
        if (!wanted(i, t)) continue;
        r.predict(p);
        for (std::size_t v = 0; v < p.size(); ++v) {
          log_p[v] = p[v] > 0 ? static_cast<float>(std::log(p[v])) : -100.0f;
        }
        visit(i, t, std::span<const float>(log_p));
      }
    }
    return {};
  }

 private:
  const gazette* gazette_;
  const population* prior_;
};

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
