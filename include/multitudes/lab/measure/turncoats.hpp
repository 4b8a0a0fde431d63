// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/lab/measure/demonstration.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/readout.hpp>
#include <multitudes/lab/measure/scorer.hpp>
#include <multitudes/lab/measure/valley.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace multitudes::lab {

/// Which style some writers begin as, and which they turn into.
struct turncoat {
  std::size_t mask = 0;
  std::size_t under = 0;
};

/// How many nats more a change of habits is believed there than back.
struct turncoat_asymmetry {
  double ideal = 0;
  double student = 0;
};

/// Three items of one persona and then one, two and three of another, there and back: how much
/// more either reader believes in the second where documents have that turn, than in the other
/// direction, which none has.
///
/// Shapes:  (n_draws * 3)
/// Errors:  those of expectation_readout::weights.
inline expected<std::vector<turncoat_asymmetry>> turncoat_asymmetries(
    scorer& student, ideal_scorer& ideal, const gazette& g, expectation_readout& r1,
    turncoat between, std::uint64_t n_draws, philox& random) {
  constexpr std::size_t n_before = 3, n_after = 3;
  texts all;
  for (std::uint64_t i = 0; i < n_draws; ++i) {
    for (const bool is_back : {false, true}) {
      prompt p(g);
      const auto first = g.traits({.style = is_back ? between.under : between.mask});
      const auto second = g.traits({.style = is_back ? between.mask : between.under});
      for (std::size_t n = 0; n < n_before; ++n) p.item(item_kind::filler, first, random);
      for (std::size_t n = 0; n < n_after; ++n) {
        p.item(item_kind::filler, second, random);
        all.push_back(text_of(p));
      }
    }
  }
  auto own = r1.weights(student, all);
  if (!own) return forward_error(own);
  auto truth = r1.weights(ideal, all);
  if (!truth) return forward_error(truth);
  const auto of = [&](const std::vector<std::vector<double>>& w, std::size_t there) {
    return log_odds(w[there], between.under, between.mask, weight_resolution) -
           log_odds(w[there + n_after], between.mask, between.under, weight_resolution);
  };
  std::vector<turncoat_asymmetry> found;
  for (std::size_t i = 0; i < all.size(); i += 2 * n_after) {
    for (std::size_t n = 0; n < n_after; ++n) found.push_back({of(*truth, i + n), of(*own, i + n)});
  }
  return found;
}

}  // namespace multitudes::lab
