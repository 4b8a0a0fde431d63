// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/detail/refusal.hpp>
#include <multitudes/npc/detail/scene.hpp>
#include <multitudes/npc/mind.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::npc::detail {

// What a stage makes sure of before it does what a game asks for.

/// Errors:  those of validate; invalid_argument if there is no such layer to watch.
inline expected<void> check(const language_model& lm, const stage_options& o) {
  if (auto ok = validate(o); !ok) return ok;
  if (!o.watched || o.watched->value < lm.shape().n_layers) return {};
  return bad("make stage", "watched", "layer " + std::to_string(o.watched->value),
             "below " + std::to_string(lm.shape().n_layers));
}
inline unexpected<error> too_small(std::size_t memory, std::optional<std::size_t> wanted) {
  return full("make stage", std::to_string(memory) + " bytes of memory",
              wanted ? std::to_string(*wanted) : "a size that can be addressed",
              "ask required_bytes()");
}

inline expected<void> check(const scene& s, const steering::attachment& how,
                            const char* operation) {
  if (auto ok = how.check(); !ok) return ok;
  const auto space = how.what.space();
  if (!space || *space == s.lm.space()) return {};
  return fail({.code = errc::space_mismatch,
               .operation = operation,
               .place = "plan " + std::string(how.what.label()),
               .found = to_string(*space),
               .expected = to_string(s.lm.space()),
               .remedy = "learn the persona on this model, or rebase() it"});
}
inline expected<void> check(const scene& s, std::span<const token_id> tokens,
                            const char* operation) {
  for (const token_id token : tokens) {
    if (token.value < s.lm.shape().vocab_size) continue;
    return bad(operation, "token", std::to_string(token.value),
               "less than " + std::to_string(s.lm.shape().vocab_size));
  }
  return {};
}

/// Turning a dial that is not there would do nothing, and nobody would know.
inline expected<void> check_dial(const steering::plan& what, std::size_t dial,
                                 const char* operation) {
  if (what.has_dial(dial)) return {};
  return fail({.code = errc::invalid_argument,
               .operation = operation,
               .place = "dial " + std::to_string(dial),
               .found = what.is_neutral() ? "no persona" : "plan " + std::string(what.label()),
               .expected = "a plan that listens to it",
               .remedy = "compile it with over_time(dial(" + std::to_string(dial) + "), ...)"});
}
inline expected<void> check(const scene& s, const role& who) {
  if (auto ok = validate(who.voice); !ok) return ok;
  if (auto ok = check(s, who.persona, "enter stage"); !ok) return ok;
  if (!(who.priority > 0) || !(who.priority < std::numeric_limits<float>::infinity())) {
    return bad("enter stage", "priority", std::to_string(who.priority), "above 0, finite");
  }
  if (!(who.knows == lore{}) && who.knows.index >= s.lores.size()) {
    return bad("enter stage", "lore", std::to_string(who.knows.index), "one that was told");
  }
  if (who.kept == keeper{}) return {};
  if (who.kept.index >= s.keepers.size()) {
    return bad("enter stage", "keeper", std::to_string(who.kept.index), "one that was added");
  }
  return check_dial(who.persona.what, s.keepers[who.kept.index].dial, "enter stage");
}

/// Another persona for a mind.
inline expected<void> check(const scene& s, const thought& t, const steering::attachment& how) {
  if (auto ok = check(s, how, "swap persona"); !ok) return ok;
  return t.kept == keeper{} ? expected<void>() : check_dial(how.what, t.kept_dial, "swap persona");
}
inline void begin_role(scene& s, thought& t, role who) {
  s.begin_anew(t);
  t.voice = who.voice;
  t.stream = who.stream;
  t.knows = who.knows;
  t.priority = who.priority;
  if (!(who.kept == keeper{})) {
    t.kept = who.kept;
    t.kept_dial = s.keepers[who.kept.index].dial;
  }
  t.dials = who.persona.dials;
  static_cast<void>(t.put_on(std::move(who.persona)));
  if (t.knows == lore{}) return;
  // The last token of its lore is its own first: it is computed when a word is asked for.
  const auto& told = s.lores[t.knows.index].tokens;
  t.first = told.size() - 1;
  t.append(told.back(), steering::token_source::read);
}

inline expected<lore> tell(scene& s, std::span<const token_id> tokens, std::size_t n_lores) {
  if (tokens.empty()) return bad("tell lore", "text", "no tokens", "at least one");
  if (auto ok = check(s, tokens, "tell lore"); !ok) return forward_error(ok);
  if (s.lores.size() == n_lores) {
    return full("tell lore", std::to_string(n_lores) + " lores", "fewer",
                "make the stage with more n_lores");
  }
  if (tokens.size() >= s.cache.max_length()) {
    return full("tell lore", std::to_string(tokens.size()) + " tokens",
                "fewer than " + std::to_string(s.cache.max_length()),
                "shorten it, or make the stage with a longer context");
  }
  auto at = s.cache.open();
  if (!at) return forward_error(at);
  s.lores.push_back({{tokens.begin(), tokens.end()}, *at});
  return lore{static_cast<std::uint32_t>(s.lores.size() - 1)};
}
inline expected<rules> add_rules(scene& s, grammar g, mask_options options) {
  if (!s.trie) {
    auto trie = token_trie::make(*s.lm.tokenizer);
    if (!trie) return forward_error(trie);
    s.trie = std::make_shared<const token_trie>(std::move(*trie));
  }
  auto masks = token_masks::make(std::move(g), s.trie, options);
  if (!masks) return forward_error(masks);
  s.all_rules.push_back(std::move(*masks));
  return rules{static_cast<std::uint32_t>(s.all_rules.size() - 1)};
}
inline expected<keeper> add_keeper(scene& s, keeping how, std::optional<layer_index> watched) {
  if (auto ok = validate(how); !ok) return forward_error(ok);
  if (how.axis.space != s.lm.space()) {
    return fail({.code = errc::space_mismatch,
                 .operation = "keep in character",
                 .place = "axis " + how.axis.label,
                 .found = to_string(how.axis.space),
                 .expected = to_string(s.lm.space()),
                 .remedy = "learn the axis on this model"});
  }
  if (!watched || how.axis.layer != *watched) {
    return bad("keep in character", "axis " + how.axis.label,
               "layer " + std::to_string(how.axis.layer.value),
               watched ? "layer " + std::to_string(watched->value) + ", which the stage watches"
                       : "a stage that was made with watched");
  }
  s.keepers.push_back(std::move(how));
  return keeper{static_cast<std::uint32_t>(s.keepers.size() - 1)};
}

inline expected<thought*> require(scene& s, mind m, const char* operation) {
  if (thought* t = s.find(m)) return t;
  return bad(operation, "mind " + std::to_string(m.index), "nobody (any more)", "one that entered");
}
/// One that neither speaks nor chooses, and has heard something.
inline expected<thought*> require_free(scene& s, mind m, const char* operation) {
  auto t = require(s, m, operation);
  if (!t) return t;
  const std::string place = "mind " + std::to_string(m.index);
  if ((*t)->is_busy()) {
    return bad(operation, place, (*t)->is_speaking ? "speaking" : "choosing",
               "one that has finished, or was cancelled");
  }
  if ((*t)->tokens.empty()) return bad(operation, place, "one that has heard nothing", "a text");
  return t;
}

/// Ends what it says or weighs.
inline expected<void> break_off(scene& s, thought& t, std::uint32_t index) {
  if (t.is_speaking) {
    if (s.events.room() < event_queue::most_of_a_word) {
      return full("cancel", std::to_string(s.events.room()) + " free events",
                  std::to_string(event_queue::most_of_a_word), "take events first");
    }
    s.end_speech(t, index, ending::by_cancel);
  }
  t.weighs.is_given_up = t.weighs.is_on;
  return {};
}

inline unexpected<error> memory_full(const scene& s, const char* operation, std::size_t n,
                                     const thought& t) {
  return full(
      operation, std::to_string(n) + " tokens more", "at most " + std::to_string(s.room_of(t)),
      n < s.capacity(t) ? "forget() the oldest ones" : "shorten it: no mind has so much room");
}
inline expected<void> check(const scene& s, const thought& t, const speech& how) {
  if (how.max_tokens == 0) return bad("say", "max_tokens", "0", "at least 1");
  if (s.room_of(t) == 0) return memory_full(s, "say", 1, t);
  if (!(how.under == rules{}) && how.under.index >= s.all_rules.size()) {
    return bad("say", "rules", std::to_string(how.under.index), "some that were added");
  }
  return {};
}
inline expected<void> turn_dial(thought& t, std::size_t dial, float value) {
  const std::string place = "dial " + std::to_string(dial);
  if (dial >= steering::max_dials || !(value >= 0 && value <= 1)) {
    return bad("set mood", place, std::to_string(value),
               "0 to 1, of a dial below " + std::to_string(steering::max_dials));
  }
  if (dial == t.kept_dial) {
    return bad("set mood", place, "the one that its keeper turns", "another");
  }
  const steering::plan none;
  const steering::plan& what = t.plan == setting::neutral ? none : t.plans[t.plan].what;
  if (auto ok = check_dial(what, dial, "set mood"); !ok) return ok;
  t.dials[dial] = value;
  return {};
}
inline expected<void> take_in(scene& s, thought& t, std::span<const token_id> tokens) {
  if (tokens.size() > s.room_of(t)) return memory_full(s, "hear", tokens.size(), t);
  s.take_in(t, tokens);
  return {};
}

inline expected<void> begin_weighing(scene& s, thought& t,
                                     std::span<const std::vector<token_id>> actions,
                                     const action_choice& how, std::size_t max_actions) {
  if (auto ok = validate(how); !ok) return ok;
  if (actions.empty() || actions.size() > max_actions) {
    return bad("ask action", "actions", std::to_string(actions.size()),
               "1 to " + std::to_string(max_actions));
  }
  weighing w{.how = how, .is_on = true};
  std::size_t longest = 0;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    if (auto ok = check(s, actions[i], "ask action"); !ok) return ok;
    if (actions[i].empty()) {
      return bad("ask action", "action " + std::to_string(i), "no tokens", "some");
    }
    longest = std::max(longest, actions[i].size());
    w.n_tokens.push_back(actions[i].size());
    w.options.push_back({.tokens = actions[i]});
  }
  if (longest > s.room_of(t)) return memory_full(s, "ask action", longest, t);
  w.log_p.assign(w.options.size(), 0.0);
  w.first_log_p.assign(w.options.size(), 0.0);
  s.turn_to_last(t);
  t.weighs = std::move(w);
  return {};
}

}  // namespace multitudes::npc::detail
