// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/detail/scene.hpp>

namespace multitudes::npc::detail {

/// Gives a mind a place in the cache, after its lore. False if that is not computed yet, or where
/// the forks in which others weigh actions have taken the place: they are closed soon.
inline bool wake(scene& s, thought& t) noexcept {
  if (t.at) return true;
  const told_lore* const l = t.knows == lore{} ? nullptr : &s.lores[t.knows.index];
  if (s.cache.free_sequences() == 0) return false;
  if (l != nullptr && s.cache.length(l->at) + 1 < l->tokens.size()) return false;
  t.at = l == nullptr ? *s.cache.open() : *s.cache.fork(l->at);
  t.is_asleep = false;
  return true;
}

}  // namespace multitudes::npc::detail
