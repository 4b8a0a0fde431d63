// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/grammar/character_set.hpp>
#include <multitudes/generate/grammar/detail/rule_code.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

namespace multitudes::detail {

/// A place in a rule: what has to come next there.
struct grammar_place {
  enum kind : std::uint8_t {
    match,      ///< a character of set `operand`, then `next`
    call,       ///< rule `operand`, then `next`
    tail_call,  ///< rule `operand`, and that is the end of this one
    split,      ///< either `operand` or `next`
    end,        ///< of the rule
  } what = end;
  std::uint32_t operand = 0;
  std::uint32_t next = 0;
};

/// Rules as one graph of places, with the fewest bytes that lead from each to its rule's end.
struct rule_graph {
  /// So many bytes or more; `never` if there is no way at all.
  static constexpr std::uint32_t far = std::uint32_t{1} << 30;
  static constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();

  std::vector<grammar_place> places;
  std::vector<std::uint32_t> bytes_to_end;  // (places)
  std::vector<std::uint32_t> rule_starts;   // (rules)
  std::vector<character_set> sets;
  std::array<std::uint8_t, 128> ascii_kind{};  // the same for characters that no set tells apart
  std::uint32_t root = 0;

  [[nodiscard]] std::uint32_t fewest_bytes(std::uint32_t rule) const noexcept {
    return bytes_to_end[rule_starts[rule]];
  }
};

/// Lays rules out after each other and makes targets absolute; jumps are never gone to.
inline void lay_out(const grammar_draft& draft, rule_graph& g) {
  for (const auto& rule : draft.rules) {
    const std::size_t base = g.places.size();
    std::vector<std::uint32_t> resolved(rule.size());  // where control really is at each
    for (std::size_t i = rule.size(); i-- > 0;) {
      // What jumps forward is known by now, and what jumps back meets no jump: it meets a split.
      const bool jumps = rule[i].what == rule_instruction::jump;
      const auto target = static_cast<std::size_t>(static_cast<std::int64_t>(i) + rule[i].a);
      resolved[i] = !jumps       ? static_cast<std::uint32_t>(base + i)
                    : target > i ? resolved[target]
                                 : static_cast<std::uint32_t>(base + target);
    }
    const auto at = [&](std::size_t i, std::int64_t offset) {
      return resolved[static_cast<std::size_t>(static_cast<std::int64_t>(i) + offset)];
    };
    for (std::size_t i = 0; i < rule.size(); ++i) {
      const auto operand = static_cast<std::uint32_t>(rule[i].a);
      switch (rule[i].what) {
        case rule_instruction::match:
          g.places.push_back({grammar_place::match, operand, at(i, 1)});
          break;
        case rule_instruction::call: {
          const bool last = rule[at(i, 1) - base].what == rule_instruction::end;
          g.places.push_back(
              {last ? grammar_place::tail_call : grammar_place::call, operand, at(i, 1)});
          break;
        }
        case rule_instruction::split:
          g.places.push_back({grammar_place::split, at(i, rule[i].a), at(i, rule[i].b)});
          break;
        case rule_instruction::jump:
        case rule_instruction::end: g.places.push_back({}); break;
      }
    }
    g.rule_starts.push_back(resolved[0]);
  }
}

/// Fills `ascii_kind`.
inline void tell_apart(rule_graph& g) {
  for (const character_set& set : g.sets) {
    std::array<std::uint8_t, 2 * 128> renamed{};  // by kind, and by being in the set; 0: not yet
    std::uint8_t n_kinds = 0;
    for (std::size_t c = 0; c < 128; ++c) {
      const std::size_t old = 2 * std::size_t{g.ascii_kind[c]};
      std::uint8_t& kind = renamed[old + (set.contains(static_cast<char32_t>(c)) ? 1 : 0)];
      if (kind == 0) kind = ++n_kinds;
      g.ascii_kind[c] = static_cast<std::uint8_t>(kind - 1);
    }
  }
}

/// Fills `bytes_to_end`: from the nearest place to the farthest, so that each is settled once.
///
/// Cost:    O(n log n) for n places.
/// Source:  Knuth 1977, "A generalization of Dijkstra's algorithm".
inline void measure(rule_graph& g) {
  const std::size_t n = g.places.size();
  constexpr std::uint32_t never = rule_graph::never;
  // Lists of who waits for a place, and for a rule: heads, and for each waiter the one after it.
  std::vector<std::uint32_t> waiting(n, never), after_next(n, never), after_operand(n, never);
  std::vector<std::uint32_t> callers(g.rule_starts.size(), never), started(n, never);
  std::vector<std::uint32_t> splitting(n, never);
  for (std::uint32_t i = 0; i < n; ++i) {
    const grammar_place& p = g.places[i];
    if (p.what == grammar_place::end) continue;
    after_next[i] = std::exchange(waiting[p.next], i);
    if (p.what == grammar_place::split) after_operand[i] = std::exchange(splitting[p.operand], i);
    if (p.what == grammar_place::call || p.what == grammar_place::tail_call) {
      after_operand[i] = std::exchange(callers[p.operand], i);
    }
  }
  for (std::uint32_t r = 0; r < g.rule_starts.size(); ++r) started[g.rule_starts[r]] = r;

  using entry = std::pair<std::uint32_t, std::uint32_t>;  // bytes, place
  const auto farther = [](const entry& a, const entry& b) { return a > b; };
  std::priority_queue<entry, std::vector<entry>, decltype(farther)> nearest(farther);
  g.bytes_to_end.assign(n, never);
  const auto offer = [&](std::uint32_t place, std::uint32_t bytes) {
    if (g.bytes_to_end[place] == never) nearest.push({std::min(bytes, rule_graph::far), place});
  };
  const auto offer_call = [&](std::uint32_t i) {
    const std::uint32_t inside = g.fewest_bytes(g.places[i].operand);
    const std::uint32_t rest = g.bytes_to_end[g.places[i].next];
    if (inside != never && rest != never) offer(i, inside + rest);
  };
  for (std::uint32_t i = 0; i < n; ++i) {
    if (g.places[i].what == grammar_place::end) offer(i, 0);
  }
  while (!nearest.empty()) {
    const auto [bytes, place] = nearest.top();
    nearest.pop();
    if (g.bytes_to_end[place] != never) continue;
    g.bytes_to_end[place] = bytes;
    for (std::uint32_t i = waiting[place]; i != never; i = after_next[i]) {
      const grammar_place& p = g.places[i];
      if (p.what == grammar_place::split) {
        offer(i, bytes);
      } else if (p.what != grammar_place::match) {
        offer_call(i);
      } else if (!g.sets[p.operand].empty()) {
        offer(i, bytes + g.sets[p.operand].fewest_bytes());
      }
    }
    for (std::uint32_t i = splitting[place]; i != never; i = after_operand[i]) offer(i, bytes);
    if (started[place] == never) continue;
    for (std::uint32_t i = callers[started[place]]; i != never; i = after_operand[i]) {
      offer_call(i);
    }
  }
}

}  // namespace multitudes::detail
