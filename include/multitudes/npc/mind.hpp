// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/sampler.hpp>
#include <multitudes/npc/keeping.hpp>
#include <multitudes/steering/attachment.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace multitudes::npc {

/// One of the minds of a stage. A handle may outlive its mind: it then names nobody, and what is
/// asked of it is an error.
struct mind {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  ///< 0: nobody

  friend constexpr bool operator==(mind, mind) = default;
};

/// A text that many minds have read before they enter, computed once and shared.
struct lore {
  std::uint32_t index = std::numeric_limits<std::uint32_t>::max();  ///< none

  friend constexpr bool operator==(lore, lore) = default;
};

/// A grammar that a stage knows, for what is said under it.
struct rules {
  std::uint32_t index = std::numeric_limits<std::uint32_t>::max();  ///< none

  friend constexpr bool operator==(rules, rules) = default;
};

/// Who enters a stage.
struct role {
  /// Under what plan the mind thinks, on which of its tokens, and where its dials (moods) stand.
  /// The time of envelopes begins at its first token in force; `origin` is not used.
  steering::attachment persona = {};
  sampling voice = {};
  std::uint64_t stream = 0;  ///< tells minds with the same seed apart
  lore knows = {};
  float priority = 1;  ///< its share of the work where there is more than fits
  /// What keeps it in character; the dial that it turns begins where `persona` has it.
  keeper kept = {};
};

/// What a mind has to do.
enum class activity : std::uint8_t {
  gone,      ///< the handle names nobody
  dormant,   ///< nothing of it is in the cache; it wakes when it is asked for something
  ready,     ///< everything is computed but what the next word needs
  reading,   ///< it has heard what is not computed yet
  speaking,  ///< it writes
  choosing,  ///< it weighs actions
};

/// What an utterance may be.
struct speech {
  std::size_t max_tokens = 64;
  bool one_line = true;  ///< ends before the first line break, which is not shown
  /// Everything said follows this grammar, whatever `one_line` says; towards max_tokens only what
  /// can still be ended in time is said.
  rules under = {};
};

}  // namespace multitudes::npc
