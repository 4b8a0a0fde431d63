// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/steering/plan.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace multitudes::steering {

/// How a token came into a sequence.
enum class token_source : std::uint8_t {
  read,     ///< given to the model: a prompt
  written,  ///< chosen from what the model expected: an answer
};

/// A half-open range of positions, or those of its tokens that came in one way.
struct position_span {
  position first{0};
  position last{std::numeric_limits<std::uint32_t>::max()};
  std::optional<token_source> only = {};

  [[nodiscard]] constexpr bool contains(position p, token_source how) const noexcept {
    return first <= p && p < last && (!only || *only == how);
  }
};

/// The tokens that the model is given.
constexpr position_span prompt_only() noexcept { return {.only = token_source::read}; }
/// The tokens that the model writes. The first of them is chosen by what the prompt's last token
/// leads to, so a plan shows from the second on.
constexpr position_span answer_only() noexcept { return {.only = token_source::written}; }
/// Position `first` and all after it.
constexpr position_span from(position first) noexcept { return {.first = first}; }

/// A plan on a sequence: in force for the positions of a span, neutral elsewhere.
struct attachment {
  plan what;
  position_span where = {};
  /// Where the time of envelopes begins, before which nothing is in force; if not given, it is
  /// the first position that is computed under the plan.
  std::optional<position> origin = {};
  /// What the plan's dials say, from 0 to 1.
  std::array<float, max_dials> dials = {};

  /// Errors:  invalid_argument for a dial outside of 0 to 1.
  [[nodiscard]] expected<void> check() const {
    for (std::size_t i = 0; i < dials.size(); ++i) {
      if (dials[i] >= 0 && dials[i] <= 1) continue;
      return fail({.code = errc::invalid_argument,
                   .operation = "steer",
                   .place = "dial " + std::to_string(i),
                   .found = std::to_string(dials[i]),
                   .expected = "0 to 1",
                   .remedy = {}});
    }
    return {};
  }

  /// The plan under which `p` is computed, or nullptr for none.
  [[nodiscard]] const plan* at(position p, token_source how = token_source::read) const noexcept {
    const bool inside = where.contains(p, how) && (!origin || *origin <= p);
    return inside && !what.is_neutral() ? &what : nullptr;
  }
  /// What goes with the token at position `p` under a plan whose time began at `began`.
  [[nodiscard]] token_state begin(position p, position began) const noexcept {
    return what.begin(p.value - began.value, dials);
  }
  /// What the cache remembers of positions under a plan whose time began at `began`.
  [[nodiscard]] fingerprint id(position began) const noexcept {
    if (!what.has_envelopes()) return what.id();
    fingerprint_builder all;
    all.add(what.id().value).add(began.value);
    if (what.has_dials()) {
      for (const float d : dials) all.add(std::bit_cast<std::uint32_t>(d));
    }
    return all.finish();
  }
};

}  // namespace multitudes::steering
