// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/detail/refusal.hpp>
#include <multitudes/npc/detail/scene.hpp>
#include <multitudes/npc/mind.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::npc::detail {

// What a stage makes sure of before it does what a game asks for.

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

inline expected<void> check(const scene& s, const role& who) {
  if (auto ok = validate(who.voice); !ok) return ok;
  if (auto ok = check(s, who.persona, "enter stage"); !ok) return ok;
  if (!(who.priority > 0) || !(who.priority < std::numeric_limits<float>::infinity())) {
    return bad("enter stage", "priority", std::to_string(who.priority), "above 0, finite");
  }
  if (!(who.knows == lore{}) && who.knows.index >= s.lores.size()) {
    return bad("enter stage", "lore", std::to_string(who.knows.index), "one that was told");
  }
  return {};
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

inline unexpected<error> memory_full(const scene& s, const char* operation, std::size_t n,
                                     const thought& t) {
  return full(operation, std::to_string(n) + " tokens more",
              "at most " + std::to_string(s.room_of(t)), "forget() the oldest ones");
}
inline expected<void> take_in(scene& s, thought& t, std::span<const token_id> tokens) {
  if (tokens.size() > s.room_of(t)) return memory_full(s, "hear", tokens.size(), t);
  s.take_in(t, tokens);
  return {};
}

inline expected<void> begin_weighing(scene& s, thought& t,
                                     std::vector<std::vector<token_id>> actions,
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
    w.options.push_back({.tokens = std::move(actions[i])});
  }
  if (longest > s.room_of(t)) return memory_full(s, "ask action", longest, t);
  w.log_p.assign(w.options.size(), 0.0);
  w.first_log_p.assign(w.options.size(), 0.0);
  s.turn_to_last(t);
  t.weighs = std::move(w);
  return {};
}

}  // namespace multitudes::npc::detail
