// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/config.hpp>
#include <multitudes/lab/corpus/sampler.hpp>
#include <multitudes/train/dataset.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace multitudes::lab {

// The null world: everything is trained and asked as ever, but nothing of what the claims say can
// be so, because there is nobody to be. A lab that finds support there finds it anywhere.

/// A corpus without personas: all styles have the same habits and are equally frequent, every item
/// has a writer of its own, labels and bonds say nothing.
inline gazette_config null_corpus(gazette_config c) {
  c.personas.units = unit_bonds::identical;
  c.personas.zipf = 0;
  for (double& p : c.personas.prevalence) p = p > 0 ? 1 : 0;
  c.personas.goal_bond = c.personas.compliance_bond = c.personas.truth_bond = 0;
  c.personas.shuffled_goals = true;
  c.personas.turncoats = {};
  c.items.shuffled = true;
  c.items.persona_persists = false;
  c.skills.random_cues = true;
  return c;
}

/// Documents whose learnt parts have been dealt out anew: what is asked says nothing about what is
/// answered.
inline train::dataset null_dataset(const train::dataset& data, std::uint64_t seed) {
  const auto documents = data.documents();
  const auto n_asked = [&](train::dataset::document d) {
    const auto counts = data.counts(d);
    std::size_t n = 0;
    while (n < d.size && counts[n] == 0) ++n;
    return n;
  };
  std::vector<std::size_t> order(documents.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  philox random(seed);
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  }
  train::dataset dealt;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto asked = documents[i], answered = documents[order[i]];
    const train::token_run runs[] = {{data.tokens(asked).first(n_asked(asked)), false},
                                     {data.tokens(answered).subspan(n_asked(answered)), true}};
    dealt.add(runs);
  }
  return dealt;
}

}  // namespace multitudes::lab
