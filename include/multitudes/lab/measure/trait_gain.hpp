// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/corpus/slots.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace multitudes::lab {

/// Places of texts where one thing about writers matters, and what readers lose there.
struct trait_places {
  struct place {
    std::size_t text = 0, token = 0;
  };
  std::vector<place> places{};  ///< tokens that were chosen by the trait, in order
  double ideal = 0;             ///< nats lost there by the ideal reader, in all
  double blind = 0;             ///< by the best reader that never learns this trait

  /// What the trait is worth for guessing, nats in all.
  [[nodiscard]] double gain() const noexcept { return blind - ideal; }
  /// The share of it that a reader has who loses so much.
  [[nodiscard]] double learnt(double lost) const noexcept {
    return gain() > 0 ? (blind - lost) / gain() : 0;
  }
};

/// Where a trait is seen in texts, and what knowing it is worth there.
///
/// Shapes:  key: that of the trait's choices (domain and truth are one in this).
/// Errors:  those of reader.
/// Cost:    two exact readings of every text.
inline expected<trait_places> find_trait_places(const gazette& g, const population& writers,
                                                std::span<const std::vector<token_id>> all,
                                                choice_key key) {
  const population without = blind_population(g, trait_of(key));
  trait_places found;
  reader ideal(g, writers), blind(g, without);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto slots = mark_slots(g, all[i]);
    if (!slots) return forward_error(slots);
    ideal.restart();
    blind.restart();
    std::size_t next = 0;
    for (std::size_t t = 0; t < all[i].size(); ++t) {
      auto p = ideal.read(all[i][t]);
      if (!p) return forward_error(p);
      auto q = blind.read(all[i][t]);
      if (!q) return forward_error(q);
      while (next < slots->size() && (*slots)[next].at < t) ++next;
      if (next == slots->size() || (*slots)[next].at != t || (*slots)[next].key != key) continue;
      found.places.push_back({i, t});
      found.ideal -= *p;
      found.blind -= *q;
    }
  }
  return found;
}

/// What a student loses at the places of each of these traits, nats in all, in order.
///
/// Errors:  those of scorer.
inline expected<std::vector<double>> losses_at(scorer& asked,
                                               std::span<const std::vector<token_id>> all,
                                               std::span<const trait_places> traits) {
  // For each token, one more than the trait it shows.
  std::vector<std::vector<std::size_t>> shows;
  for (const auto& text : all) shows.emplace_back(text.size(), 0);
  for (std::size_t u = 0; u < traits.size(); ++u) {
    for (const trait_places::place& at : traits[u].places) shows[at.text][at.token] = u + 1;
  }
  std::vector<double> lost(traits.size());
  auto done = asked.predict(
      all,
      [&](std::size_t i, std::size_t t) { return t + 1 < all[i].size() && shows[i][t + 1] > 0; },
      [&](std::size_t i, std::size_t t, std::span<const float> log_p) {
        lost[shows[i][t + 1] - 1] -= static_cast<double>(log_p[all[i][t + 1].value]);
      });
  if (!done) return forward_error(done);
  return lost;
}

}  // namespace multitudes::lab
