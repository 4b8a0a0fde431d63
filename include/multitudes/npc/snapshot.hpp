// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/detail/archive.hpp>
#include <multitudes/npc/detail/kept_caches.hpp>
#include <multitudes/npc/detail/sealed.hpp>
#include <multitudes/npc/stage.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::npc {

/// How much of what minds are a snapshot holds.
enum class contents : std::uint8_t {
  thoughts,    ///< all but keys and values: they are computed again, to the same bits
  everything,  ///< with keys and values: a stage that loads it goes on at once
};

namespace detail {

inline constexpr std::uint64_t snapshot_kind = 0x32544E4D4455544Dull;  // "MTUDMNT2"

template <class A>
void put(A& a, told_lore& l) {
  put(a, l.tokens);
}

// What minds refer to and a stage must know already.
inline std::vector<fingerprint> rules_of(const scene& s) {
  std::vector<fingerprint> ids;
  for (const token_masks& r : s.all_rules) ids.push_back(r.rules().id());
  return ids;
}
inline std::vector<fingerprint> keepers_of(const scene& s) {
  std::vector<fingerprint> ids;
  for (const keeping& k : s.keepers) ids.push_back(k.id());
  return ids;
}
template <class A>
void put(A& a, std::vector<fingerprint>& ids) {
  put_list(a, ids, sizeof(fingerprint), [&](fingerprint& id) { put(a, id); });
}

/// Errors:  not_found if `saved` begins with others than what the stage has.
inline expected<void> check_known(const char* what, const std::vector<fingerprint>& saved,
                                  const std::vector<fingerprint>& has, const char* remedy) {
  for (std::size_t i = 0; i < saved.size(); ++i) {
    if (i < has.size() && has[i] == saved[i]) continue;
    return fail({.code = errc::not_found,
                 .operation = "load stage",
                 .place = what + (" " + std::to_string(i)),
                 .found = {},
                 .expected = "the same as it was saved with",
                 .remedy = remedy});
  }
  return {};
}

inline void write_scene(archive_writer& out, scene& s, contents what) {
  auto grammars = rules_of(s), keepers = keepers_of(s);
  put(out, grammars);
  put(out, keepers);
  auto watched = s.rows.watched_layer();
  put(out, watched);
  put_list(out, s.lores, 1, [&](told_lore& l) { put(out, l); });
  std::uint64_t n = s.minds.size();
  put(out, n);
  put(out, s.n_entered);
  for (thought& t : s.minds) {
    std::array<fingerprint, thought::max_plans> ids;
    for (std::size_t i = 0; i < thought::max_plans; ++i) ids[i] = t.plans[i].what.id();
    put(out, t, ids);
  }
  bool has_caches = what == contents::everything;
  put(out, has_caches);
  if (has_caches) write_caches(out, s);
}

/// A mind as it was written, if it can be one on this stage.
///
/// Errors:  malformed; those of find_plan; out_of_memory if it does not fit.
inline expected<thought> read_mind(archive_reader& in, const scene& s,
                                   const std::vector<told_lore>& lores, std::size_t n_rules,
                                   std::size_t max_actions, plan_lookup find) {
  constexpr const char* operation = "load stage";
  thought t;
  std::array<fingerprint, thought::max_plans> ids{};
  put(in, t, ids);
  for (std::size_t p = 0; p < ids.size(); ++p) {
    auto found = find_plan(find, ids[p], s.lm, operation);
    if (!found) return forward_error(found);
    t.plans[p].what = std::move(*found);
  }
  const bool knows_any = t.is_present && !(t.knows == lore{});
  if (!in.good() || (knows_any && t.knows.index >= lores.size()) ||
      t.first != (knows_any ? lores[t.knows.index].tokens.size() - 1 : 0)) {
    return damaged(operation, "bytes that contradict themselves");
  }
  if (t.tokens.size() > s.cache.max_length() - t.first) {
    return full(operation, std::to_string(t.first + t.tokens.size()) + " tokens",
                "at most " + std::to_string(s.cache.max_length()),
                "make the stage with a longer context");
  }
  if (t.is_present && !s.minds[0].words.can_become(t.words)) {
    return damaged(operation, "states that cannot be");
  }
  const bool is_kept = !(t.kept == keeper{});
  if (is_kept && t.kept.index < s.keepers.size()) t.kept_dial = s.keepers[t.kept.index].dial;
  const bool has_rules = (t.says.under == rules{} || t.says.under.index < n_rules) &&
                         (!is_kept || t.kept.index < s.keepers.size());
  const std::size_t vocab_size = s.lm.shape().vocab_size;
  if (!has_rules || !is_possible(t, lores.size(), vocab_size, s.cache.max_length(), max_actions)) {
    return damaged(operation, "a mind that cannot be");
  }
  return t;
}

/// Gives up what it was and becomes what was saved, whose caches are empty. What is given fits.
inline void become(scene& s, std::vector<told_lore> saved_lores, std::vector<thought> saved_minds,
                   std::uint32_t saved_entered) {
  s.n_entered = std::max(s.n_entered, saved_entered);
  s.work.give_up();
  s.rows.clear();
  s.next_row = 0;
  for (thought& t : s.minds) s.sleep(t);
  for (const told_lore& l : s.lores) s.cache.close(l.at);
  s.lores.clear();
  for (told_lore& l : saved_lores) {
    // There are as many sequences as lores and minds, and all are closed.
    if (auto at = s.cache.open()) s.lores.push_back({std::move(l.tokens), *at});
  }
  for (std::size_t i = 0; i < s.minds.size(); ++i) {
    thought& t = s.minds[i];
    auto tokens = std::move(t.tokens);
    auto settings = std::move(t.settings);
    auto decoder = std::move(t.decoder);
    auto words = std::move(t.words);
    words.become(saved_minds[i].words);
    tokens.assign(saved_minds[i].tokens.begin(), saved_minds[i].tokens.end());
    settings.assign(saved_minds[i].settings.begin(), saved_minds[i].settings.end());
    t = std::move(saved_minds[i]);
    t.tokens = std::move(tokens);
    t.settings = std::move(settings);
    t.decoder = std::move(decoder);
    t.words = std::move(words);
    if (t.is_speaking) {
      s.hear_again(t);
    } else if (!t.is_busy()) {
      t.listen(s.capacity(t));  // what it heard while it was giving something up
    }
  }
}

}  // namespace detail

/// How many bytes `save` writes.
inline std::size_t snapshot_bytes(stage& s, contents what = contents::thoughts) noexcept {
  detail::archive_writer count({});
  detail::write_scene(count, detail::scene_of(s), what);
  return count.size() + detail::seal_bytes;
}

/// Everything that minds are: what they remember and under which personas they thought it, what
/// they are about to say, their lore; keys and values if they are asked for, lore's once for all. A
/// stage may be saved at any time, in the middle of a pass and of a sentence; what it does
/// afterwards is the same with and without.
///
/// Returns: how many bytes were written.
/// Errors:  out_of_memory if they do not fit (snapshot_bytes says how many there are);
///          invalid_argument if events wait to be taken: they would be lost.
/// Cost:    copies and sums all of it, in one go: `bench/npc` measures both kinds.
inline expected<std::size_t> save(stage& s, std::span<std::byte> into,
                                  contents what = contents::thoughts) {
  detail::scene& all = detail::scene_of(s);
  if (all.events.size() > 0) {
    return detail::bad("save stage", "events", std::to_string(all.events.size()) + " not taken",
                       "none");
  }
  const std::size_t bytes = snapshot_bytes(s, what);
  if (into.size() < bytes) {
    return detail::full("save stage", std::to_string(into.size()) + " bytes", std::to_string(bytes),
                        "ask snapshot_bytes() first");
  }
  detail::archive_writer out(into.first(bytes).subspan(detail::seal_bytes));
  detail::write_scene(out, all, what);
  detail::seal(into.first(bytes), detail::snapshot_kind, all.lm);
  return bytes;
}

/// Makes a stage what it was when it was saved; handles and lores of then are good again, and those
/// of now are not: drop them, since they may name others. The
/// stage may be the same (to roll back) or another one of the same model that has room. Whatever
/// it was doing is forgotten; events that wait stay. Keys and values are put back if they were
/// saved: as far as pages go, first those of lore, then of who speaks or chooses, then of who had
/// something to do last; other minds are dormant. A stage whose cache has another format computes
/// them again instead (and minds then say what they would have said in that format).
///
/// Errors:  malformed for bytes that are no snapshot, or a damaged one; space_mismatch for
///          another model's; not_found for a plan that `find` does not have, or rules that the
///          stage does not know; out_of_memory if the stage has too few minds or lores, or too
///          short a context. Nothing is changed then.
/// Cost:    copies what was saved; allocates, no piece larger than four times the bytes that are
///          there; without keys and values the steps after it compute what minds remember.
inline expected<void> load(stage& s, std::span<const std::byte> from, plan_lookup find) {
  detail::scene& all = detail::scene_of(s);
  constexpr const char* operation = "load stage";
  const auto damaged = [](const char* found) { return detail::damaged(operation, found); };
  auto body = detail::unseal(from, detail::snapshot_kind, all.lm, operation);
  if (!body) return forward_error(body);
  detail::archive_reader in(*body);
  std::vector<fingerprint> grammars, keepers;
  std::optional<layer_index> watched;
  detail::put(in, grammars);
  detail::put(in, keepers);
  detail::put(in, watched);
  if (!in.good()) return damaged("bytes that contradict themselves");
  if (auto ok = detail::check_known("rules", grammars, detail::rules_of(all),
                                    "add_rules() the same in the same order");
      !ok) {
    return ok;
  }
  if (auto ok = detail::check_known("keeper", keepers, detail::keepers_of(all),
                                    "add_keeper() the same in the same order");
      !ok) {
    return ok;
  }
  if (watched != s.options().watched) {
    const auto name = [](std::optional<layer_index> l) {
      return l ? "layer " + std::to_string(l->value) : std::string("none");
    };
    return detail::bad(operation, "watched layer", name(s.options().watched), name(watched));
  }
  std::vector<detail::told_lore> lores;
  constexpr std::size_t lore_bytes = sizeof(std::uint64_t) + sizeof(token_id);
  detail::put_list(in, lores, lore_bytes, [&](detail::told_lore& l) { put(in, l); });
  std::uint64_t n_minds = 0;
  detail::put(in, n_minds);
  std::uint32_t n_entered = 0;
  detail::put(in, n_entered);
  if (!in.good()) return damaged("bytes that contradict themselves");
  if (lores.size() > s.options().n_lores || n_minds > all.minds.size()) {
    return detail::full(
        "load stage",
        std::to_string(n_minds) + " minds, " + std::to_string(lores.size()) + " lores",
        "at most " + std::to_string(all.minds.size()) + " and " +
            std::to_string(s.options().n_lores),
        "make the stage as large as the one that was saved");
  }
  const std::size_t vocab = all.lm.shape().vocab_size;
  for (const detail::told_lore& l : lores) {
    const bool is_text =
        std::all_of(l.tokens.begin(), l.tokens.end(), [&](token_id t) { return t.value < vocab; });
    if (l.tokens.empty() || !is_text) return damaged("lore that no tokenizer makes");
    if (l.tokens.size() >= all.cache.max_length()) {
      return detail::full("load stage", std::to_string(l.tokens.size()) + " tokens of lore",
                          "fewer than " + std::to_string(all.cache.max_length()),
                          "make the stage with a longer context");
    }
  }
  std::vector<detail::thought> minds(all.minds.size());
  for (std::size_t i = 0; i < n_minds; ++i) {
    auto t = detail::read_mind(in, all, lores, grammars.size(), s.options().max_actions, find);
    if (!t) return forward_error(t);
    minds[i] = std::move(*t);
  }
  bool has_caches = false;
  detail::put(in, has_caches);
  if (!in.good()) return damaged("bytes that contradict themselves");
  detail::kept_caches caches;
  if (has_caches) {
    const auto saved = std::span(minds).first(static_cast<std::size_t>(n_minds));
    auto kept = detail::read_caches(in, all, lores, saved);
    if (!kept) return forward_error(kept);
    caches = std::move(*kept);
  }
  if (in.left() != 0) return damaged("more bytes than it needs");
  detail::become(all, std::move(lores), std::move(minds), n_entered);
  detail::restore(all, caches);
  return {};
}

}  // namespace multitudes::npc
