// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/detail/archive.hpp>
#include <multitudes/npc/detail/scene.hpp>
#include <multitudes/npc/detail/sealed.hpp>
#include <multitudes/npc/detail/wake.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::npc::detail {

// Keys and values in a snapshot: those of each lore, then those that minds have beyond theirs. Each
// is a number of positions and what kv_cache::export_to writes. The forks in which actions are
// weighed are left out, and computed again.

/// How many positions of a sequence are computed to their end: where a pass is at work, those
/// before its rows.
inline std::size_t n_complete(const scene& s, sequence_id at) noexcept {
  if (s.work.tiles_left() > 0) {
    for (std::size_t r = 0; r < s.rows.size(); ++r) {
      if (s.rows.rows()[r].sequence == at) return s.work.position_of(row_index(r)).value;
    }
  }
  return s.cache.length(at);
}

/// How many of its own positions a mind that was saved can have had in the cache, at the most.
inline std::size_t most_kept(const thought& t) noexcept {
  if (!t.is_present || t.rests || t.replays) return 0;
  std::size_t n = t.n_settled;
  if (t.drops > 0) n = std::min(n, t.drops_from);
  // Its last token is computed once more where what comes after it is asked for.
  if (t.wants_word()) n = std::min(n, t.tokens.size() - 1);
  // So are words that wait to be counted among its recent ones.
  for (std::size_t i = 0; t.words.is_on() && i < n; ++i) {
    const setting& s = t.settings[i];
    if (s.source == steering::token_source::written && !t.words.has_counted(s.at)) n = i;
  }
  return n;
}
inline std::size_t n_kept(const scene& s, const thought& t) noexcept {
  return t.at ? std::min(n_complete(s, *t.at) - t.first, most_kept(t)) : 0;
}

inline void write_caches(archive_writer& out, const scene& s) noexcept {
  auto format = static_cast<std::uint8_t>(s.cache.format());
  put(out, format);
  std::size_t page = simd::kv_page_length, each = s.cache.exported_bytes(1);
  put_size(out, page);
  put_size(out, each);
  const auto write = [&](sequence_id at, std::size_t first, std::size_t n) {
    put_size(out, n);
    const auto into = out.reserve(s.cache.exported_bytes(n));
    if (!into.empty()) s.cache.export_to(at, position(first), n, into);
  };
  for (const told_lore& l : s.lores) write(l.at, 0, n_complete(s, l.at));
  for (const thought& t : s.minds) write(t.at.value_or(sequence_id()), t.first, n_kept(s, t));
}

struct kept_positions {
  std::size_t n = 0;
  std::span<const std::byte> bytes{};
};
/// Empty lists if nothing was kept that this cache can take.
struct kept_caches {
  std::vector<kept_positions> lores;
  std::vector<kept_positions> minds;
};

/// What write_caches wrote; `minds` are those that were saved.
///
/// Errors:  malformed for what these minds cannot have had.
inline expected<kept_caches> read_caches(archive_reader& in, const scene& s,
                                         std::span<const told_lore> lores,
                                         std::span<thought> minds) {
  const auto wrong = [] { return damaged("load stage", "keys and values of no such minds"); };
  std::uint8_t format = 0;
  put(in, format);
  std::size_t page = 0, each = 0;
  put_size(in, page);
  put_size(in, each);
  if (!in.good() || format > static_cast<std::uint8_t>(kv_format::q8_0)) return wrong();
  kept_caches kept;
  if (format != static_cast<std::uint8_t>(s.cache.format()) || page != simd::kv_page_length) {
    static_cast<void>(in.skip(in.left()));
    return kept;
  }
  if (each != s.cache.exported_bytes(1)) return wrong();
  const auto read = [&](std::size_t most) -> kept_positions {
    std::size_t n = 0;
    put_size(in, n);
    if (n > most) in.refuse();
    if (!in.good()) return {};
    return {n, in.skip(s.cache.exported_bytes(n))};
  };
  for (const told_lore& l : lores) {
    kept.lores.push_back(read(l.tokens.size() - 1));
    const kept_positions& k = kept.lores.back();
    for (std::size_t i = 0; in.good() && i < k.n; ++i) {
      if (s.cache.exported_plan(k.bytes, i) != fingerprint{}) in.refuse();
    }
  }
  for (thought& t : minds) {
    kept.minds.push_back(read(most_kept(t)));
    const kept_positions& k = kept.minds.back();
    const bool has_lore =
        t.knows == lore{} || (in.good() && kept.lores[t.knows.index].n == t.first);
    if (k.n > 0 && !has_lore) in.refuse();
    for (std::size_t i = 0; in.good() && i < k.n; ++i) {
      if (s.cache.exported_plan(k.bytes, i) != t.decide(i).id) in.refuse();
    }
  }
  if (!in.good()) return wrong();
  return kept;
}

/// Gives a mind without cache its positions again; false if there are no pages for them.
inline bool remember(scene& s, thought& t, const kept_positions& kept) {
  if (!wake(s, t)) return false;
  if (s.cache.import_from(*t.at, kept.n, kept.bytes)) return true;
  s.sleep(t);
  return false;
}

/// Puts what was kept into the empty cache of a scene, as far as there are pages: for lore, then
/// for minds that have something to do, then for those that had lately. The others are asleep.
inline void restore(scene& s, const kept_caches& kept) {
  for (std::size_t i = 0; i < kept.lores.size(); ++i) {
    const kept_positions& k = kept.lores[i];
    // Where there are no pages, it is computed when there are.
    static_cast<void>(s.cache.import_from(s.lores[i].at, k.n, k.bytes));
  }
  s.order.clear();
  for (std::uint32_t i = 0; i < kept.minds.size(); ++i) {
    if (kept.minds[i].n > 0) s.order.push_back(i);
  }
  std::sort(s.order.begin(), s.order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const thought &one = s.minds[a], &other = s.minds[b];
    if (one.is_busy() != other.is_busy()) return one.is_busy();
    return one.last_pass != other.last_pass ? one.last_pass > other.last_pass : a < b;
  });
  for (const std::uint32_t i : s.order) {
    if (!remember(s, s.minds[i], kept.minds[i])) s.minds[i].is_asleep = true;
  }
}

}  // namespace multitudes::npc::detail
