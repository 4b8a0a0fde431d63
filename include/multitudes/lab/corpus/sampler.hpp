// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/cursor.hpp>
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/corpus/population.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::lab {

/// Uniform on [0, 1) with 53 bits, from two draws.
inline double uniform_double(philox& random) noexcept {
  const std::uint64_t high = random() >> 5;
  const std::uint64_t low = random() >> 6;
  return static_cast<double>(high << 26 | low) * 0x1p-53;
}

/// An index with these probabilities, which must add up to 1 (to rounding: what is missing goes to
/// the last that is possible).
inline std::size_t draw(std::span<const double> probabilities, philox& random) noexcept {
  double u = uniform_double(random);
  std::size_t last = 0;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (!(probabilities[i] > 0)) continue;
    if (u < probabilities[i]) return i;
    u -= probabilities[i];
    last = i;
  }
  return last;
}

/// Which tokens of a document an item is.
struct told_item {
  item_kind kind = item_kind::filler;
  std::size_t first = 0;
  std::size_t size = 0;
};

struct gazette_document {
  std::vector<token_id> tokens{};
  std::vector<persona_traits> writers{};  ///< of each section, as it begins
  std::vector<told_item> items{};
};

/// Documents of a gazette, exactly as its configuration says. Document i depends on the seed and
/// on i, and on nothing else: documents can be written in any order, on any thread.
///
/// The gazette and the population must stay where they are.
class document_source {
 public:
  document_source(const gazette& g, const population& writers, std::uint64_t seed) noexcept
      : gazette_(&g), writers_(&writers), seed_(seed) {}

  /// Cost:    a draw of two random numbers for each token that is not certain, and for each block
  ///          of traits; allocates the document.
  [[nodiscard]] gazette_document document(std::uint64_t i) const {
    philox random(seed_, i);
    return write(random, nullptr);
  }
  /// A document by this writer, whoever is prevalent.
  [[nodiscard]] gazette_document document(std::uint64_t i, const persona_traits& who) const {
    philox random(seed_, i);
    return write(random, &who);
  }

 private:
  /// The traits of the moment, and which rows of the population's blocks they come from.
  struct author {
    persona_traits who{};
    std::vector<std::size_t> rows{};
  };

  void renew(author& a, std::size_t b, philox& random) const {
    const population_block& block = writers_->blocks()[b];
    move_to(a, b, draw(block.prior, random));
  }
  void move_to(author& a, std::size_t b, std::size_t row) const {
    const population_block& block = writers_->blocks()[b];
    a.rows[b] = row;
    for (std::size_t t = 0; t < n_traits; ++t) {
      if (block.owns.has(static_cast<trait>(t))) a.who.values[t] = block.rows[row].values[t];
    }
  }
  template <class Which>
  void renew_those(author& a, philox& random, Which&& which) const {
    for (std::size_t b = 0; b < writers_->blocks().size(); ++b) {
      if (which(writers_->blocks()[b].renews)) renew(a, b, random);
    }
  }
  void turn_some(author& a, philox& random) const {
    for (std::size_t b = 0; b < writers_->blocks().size(); ++b) {
      const population_block& block = writers_->blocks()[b];
      if (block.turns_to.empty() || block.turns_to[a.rows[b]] == a.rows[b]) continue;
      if (uniform_double(random) < block.hazard) move_to(a, b, block.turns_to[a.rows[b]]);
    }
  }

  gazette_document write(philox& random, const persona_traits* fixed) const {
    gazette_document d;
    author a;
    a.rows.resize(writers_->blocks().size());
    choice_scratch scratch;
    cursor at(*gazette_);
    if (fixed != nullptr) a.who = *fixed;
    while (!at.is_done()) {
      const choice c = at.next(scratch);
      if (fixed == nullptr && c.key != choice_key::nothing) {
        const std::size_t b = writers_->block_of(trait_of(c.key));
        if (writers_->blocks()[b].renews == renewal::token) renew(a, b, random);
      }
      const std::size_t option =
          c.n_options() == 1 ? 0 : draw(c.row(value_of(c.key, a.who)), random);
      const token_id t = c.tokens[option];
      at.take(t);
      d.tokens.push_back(t);
      if (fixed == nullptr) follow_events(a, at, random);
      if (at.began_section()) d.writers.push_back(a.who);
      if (at.began_item()) d.items.push_back({at.kind(), d.tokens.size() - 1, 0});
      if (at.ended_item()) d.items.back().size = d.tokens.size() - d.items.back().first;
    }
    return d;
  }
  void follow_events(author& a, const cursor& at, philox& random) const {
    if (at.began_section()) {
      const bool is_first = at.section() == 0;
      renew_those(a, random, [&](renewal r) { return is_first || r != renewal::document; });
    }
    if (at.began_game()) {
      renew_those(a, random, [](renewal r) { return r == renewal::game; });
    }
    if (at.ended_item()) {
      renew_those(a, random, [](renewal r) { return r == renewal::item; });
      turn_some(a, random);
    }
  }

  const gazette* gazette_;
  const population* writers_;
  std::uint64_t seed_;
};

}  // namespace multitudes::lab
