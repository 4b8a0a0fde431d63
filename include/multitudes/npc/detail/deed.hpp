// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/detail/archive.hpp>
#include <multitudes/npc/mind.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace multitudes::npc::detail {

enum class deed_kind : std::uint8_t {
  tell,
  enter,
  leave,
  hear,
  say,
  ask,
  cancel,
  replace,  ///< another persona, with memory::replay
  forget,
  pin,
  // These take effect with a token that is computed, not after one that is there.
  swap,  ///< another persona, with memory::keep
  mood,
  restate,  ///< nothing but: what is in force is so from this token on
};

/// Something that a game did.
struct deed {
  deed_kind what = deed_kind::tell;
  std::uint32_t mind = 0;    ///< its generation
  std::uint64_t moment = 0;  ///< when: how many words and actions it had come to
  std::uint64_t token = 0;   ///< of what is in force from a token on: which, of all it ever had
  std::vector<token_id> tokens{};
  std::vector<std::vector<token_id>> options{};
  role who{};  ///< of enter; of swaps, the persona
  fingerprint plan{};
  speech says{};
  action_choice how{};
  std::size_t dial = 0;  ///< of forget: how many are kept
  float value = 0;

  [[nodiscard]] bool is_by_row() const noexcept { return what >= deed_kind::swap; }
};

inline constexpr std::uint64_t record_kind = 0x3152434D4455544Dull;  // "MTUDMCR1"
inline constexpr std::size_t most_bytes_of_a_deed = 256;             ///< without its tokens

template <class A>
void put(A& a, deed& d) {
  auto kind = static_cast<std::uint8_t>(d.what);
  put(a, kind);
  if constexpr (A::reads) {
    if (kind > static_cast<std::uint8_t>(deed_kind::restate)) a.refuse();
    d.what = a.good() ? static_cast<deed_kind>(kind) : deed_kind::tell;
  }
  put(a, d.mind);
  put(a, d.moment);
  if (d.is_by_row()) put(a, d.token);
  switch (d.what) {
    case deed_kind::tell:
    case deed_kind::hear: put(a, d.tokens); break;
    case deed_kind::enter:
      put(a, d.who.voice);
      put(a, d.who.stream);
      put(a, d.who.knows.index);
      put(a, d.who.priority);
      put(a, d.who.kept.index);
      [[fallthrough]];
    case deed_kind::replace:
    case deed_kind::swap:
      put(a, d.plan);
      put(a, d.who.persona.where);
      put(a, d.who.persona.dials);
      break;
    case deed_kind::say:
      put_size(a, d.says.max_tokens);
      put(a, d.says.one_line);
      put(a, d.says.under.index);
      break;
    case deed_kind::ask:
      put_list(a, d.options, sizeof(std::uint64_t),
               [&](std::vector<token_id>& tokens) { put(a, tokens); });
      put(a, d.how.temperature);
      put(a, d.how.per_token);
      break;
    case deed_kind::forget: put_size(a, d.dial); break;
    case deed_kind::mood:
      put_size(a, d.dial);
      put(a, d.value);
      if constexpr (A::reads) {
        if (d.dial >= steering::max_dials || !(d.value >= 0 && d.value <= 1)) a.refuse();
      }
      break;
    case deed_kind::leave:
    case deed_kind::cancel:
    case deed_kind::pin:
    case deed_kind::restate: break;
  }
}

}  // namespace multitudes::npc::detail
