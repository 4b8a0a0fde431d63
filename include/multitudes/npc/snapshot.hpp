// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checksum.hpp>
#include <multitudes/core/function_ref.hpp>
#include <multitudes/npc/detail/archive.hpp>
#include <multitudes/npc/stage.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::npc {

/// Finds the plan with an id, among those that a game compiles when it starts; nullptr if it has
/// none.
using plan_lookup = function_ref<const steering::plan*(fingerprint)>;

namespace detail {

inline constexpr std::uint64_t snapshot_magic = 0x31544E4D4455544Dull;  // "MTUDMNT1"
inline constexpr std::size_t snapshot_frame = 4 * sizeof(std::uint64_t);

/// What a snapshot must agree with.
inline fingerprint identity_of(const language_model& lm) noexcept {
  return fingerprint_builder()
      .add(lm.weights->id.value)
      .add(static_cast<std::uint64_t>(lm.tokenizer->vocab_size()))
      .finish();
}

template <class A>
void put(A& a, told_lore& l) {
  put(a, l.tokens);
}

inline void write_scene(archive_writer& out, scene& s) {
  std::vector<fingerprint> grammars;
  for (const token_masks& r : s.all_rules) grammars.push_back(r.rules().id());
  put_list(out, grammars, sizeof(fingerprint), [&](fingerprint& id) { put(out, id); });
  put_list(out, s.lores, 1, [&](told_lore& l) { put(out, l); });
  std::uint64_t n = s.minds.size();
  put(out, n);
  put(out, s.n_entered);
  for (thought& t : s.minds) {
    std::array<fingerprint, thought::max_plans> ids;
    for (std::size_t i = 0; i < thought::max_plans; ++i) ids[i] = t.plans[i].what.id();
    put(out, t, ids);
  }
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
    tokens.assign(saved_minds[i].tokens.begin(), saved_minds[i].tokens.end());
    settings.assign(saved_minds[i].settings.begin(), saved_minds[i].settings.end());
    t = std::move(saved_minds[i]);
    t.tokens = std::move(tokens);
    t.settings = std::move(settings);
    t.decoder = std::move(decoder);
    if (t.is_speaking) s.hear_again(t);
  }
}

}  // namespace detail

/// How many bytes `save` writes.
inline std::size_t snapshot_bytes(stage& s) noexcept {
  detail::archive_writer count({});
  detail::write_scene(count, detail::scene_of(s));
  return count.size() + detail::snapshot_frame;
}

/// Everything that minds are: what they remember and under which personas they thought it, what
/// they are about to say, their lore. Keys and values are left out: they are computed again, to the
/// same bits, as minds are asked for words. A stage may be saved at any time, in the middle of a
/// pass and of a sentence; what it does afterwards is the same with and without.
///
/// Returns: how many bytes were written.
/// Errors:  out_of_memory if they do not fit (snapshot_bytes says how many there are);
///          invalid_argument if events wait to be taken: they would be lost.
inline expected<std::size_t> save(stage& s, std::span<std::byte> into) {
  detail::scene& all = detail::scene_of(s);
  if (all.events.size() > 0) {
    return detail::bad("save stage", "events", std::to_string(all.events.size()) + " not taken",
                       "none");
  }
  const std::size_t bytes = snapshot_bytes(s);
  if (into.size() < bytes) {
    return detail::full("save stage", std::to_string(into.size()) + " bytes", std::to_string(bytes),
                        "ask snapshot_bytes() first");
  }
  detail::archive_writer out(into.subspan(detail::snapshot_frame));
  detail::write_scene(out, all);
  const std::uint64_t frame[] = {
      detail::snapshot_magic, detail::identity_of(all.lm).value, out.size(),
      checksum(std::span<const std::byte>(into).subspan(detail::snapshot_frame, out.size()))};
  detail::archive_writer front(into);
  front.bytes(frame, sizeof frame);
  return bytes;
}

/// Makes a stage what it was when it was saved; handles and lores of then are good again. The
/// stage may be the same (to roll back) or another one of the same model that has room. Whatever
/// it was doing is forgotten; events that wait stay.
///
/// Errors:  malformed for bytes that are no snapshot, or a damaged one; space_mismatch for
///          another model's; not_found for a plan that `find` does not have, or rules that the
///          stage does not know; out_of_memory if the
///          stage has too few minds or lores, or too short a context. Nothing is changed then.
/// Cost:    copies what was saved; allocates; the steps after it compute what minds remember.
inline expected<void> load(stage& s, std::span<const std::byte> from, plan_lookup find) {
  detail::scene& all = detail::scene_of(s);
  const auto damaged = [](std::string found) {
    return fail({.code = errc::malformed,
                 .operation = "load stage",
                 .place = {},
                 .found = std::move(found),
                 .expected = "what save() wrote",
                 .remedy = {}});
  };
  std::uint64_t frame[4];
  detail::archive_reader front(from);
  front.bytes(frame, sizeof frame);
  if (!front.good() || frame[0] != detail::snapshot_magic) return damaged("no snapshot");
  const auto body = from.subspan(detail::snapshot_frame);
  if (frame[2] != body.size() || frame[3] != checksum(body)) {
    return damaged("bytes that were cut or changed");
  }
  if (frame[1] != detail::identity_of(all.lm).value) {
    return fail({.code = errc::space_mismatch,
                 .operation = "load stage",
                 .place = {},
                 .found = "a snapshot of another model",
                 .expected = to_string(all.lm.weights->id),
                 .remedy = "load the model that it was saved with"});
  }

  detail::archive_reader in(body);
  std::vector<fingerprint> grammars;
  detail::put_list(in, grammars, sizeof(fingerprint),
                   [&](fingerprint& id) { detail::put(in, id); });
  for (std::size_t i = 0; in.good() && i < grammars.size(); ++i) {
    if (i < all.all_rules.size() && all.all_rules[i].rules().id() == grammars[i]) continue;
    return fail({.code = errc::not_found,
                 .operation = "load stage",
                 .place = "rules " + std::to_string(i),
                 .found = {},
                 .expected = "the grammar that it was saved with",
                 .remedy = "add_rules() the same grammars in the same order"});
  }
  std::vector<detail::told_lore> lores;
  detail::put_list(in, lores, sizeof(std::uint64_t), [&](detail::told_lore& l) { put(in, l); });
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
    const bool known =
        std::all_of(l.tokens.begin(), l.tokens.end(), [&](token_id t) { return t.value < vocab; });
    if (l.tokens.empty() || !known) return damaged("lore that no tokenizer makes");
    if (l.tokens.size() >= all.cache.max_length()) {
      return detail::full("load stage", std::to_string(l.tokens.size()) + " tokens of lore",
                          "fewer than " + std::to_string(all.cache.max_length()),
                          "make the stage with a longer context");
    }
  }
  std::vector<detail::thought> minds(all.minds.size());
  for (std::size_t i = 0; i < n_minds; ++i) {
    detail::thought& t = minds[i];
    std::array<fingerprint, detail::thought::max_plans> ids{};
    detail::put(in, t, ids);
    for (std::size_t p = 0; p < ids.size(); ++p) {
      if (ids[p] == fingerprint{}) continue;
      const steering::plan* found = find(ids[p]);
      if (found == nullptr || found->id() != ids[p]) {
        return fail({.code = errc::not_found,
                     .operation = "load stage",
                     .place = "mind " + std::to_string(i),
                     .found = {},
                     .expected = "plan " + to_string(ids[p]),
                     .remedy = "compile the personas that were in use, and let `find` give them"});
      }
      if (const auto space = found->space(); space && *space != all.lm.space()) {
        return detail::bad("load stage", "plan " + to_string(ids[p]), to_string(*space),
                           to_string(all.lm.space()));
      }
      t.plans[p].what = *found;
    }
    const std::size_t first = t.knows == lore{} || t.knows.index >= lores.size()
                                  ? 0
                                  : lores[t.knows.index].tokens.size() - 1;
    if (!in.good() || t.first != (t.is_present ? first : 0)) {
      return damaged("bytes that contradict themselves");
    }
    if (t.first + t.tokens.size() > all.cache.max_length()) {
      return detail::full("load stage", std::to_string(t.first + t.tokens.size()) + " tokens",
                          "at most " + std::to_string(all.cache.max_length()),
                          "make the stage with a longer context");
    }
    if (!(t.says.under == rules{}) && t.says.under.index >= grammars.size()) {
      return damaged("rules that were not there");
    }
    if (!detail::is_possible(t, lores.size(), vocab, all.cache.max_length(),
                             s.options().max_actions)) {
      return damaged("a mind that cannot be");
    }
  }
  if (in.left() != 0) return damaged("more bytes than it needs");
  detail::become(all, std::move(lores), std::move(minds), n_entered);
  return {};
}

}  // namespace multitudes::npc
