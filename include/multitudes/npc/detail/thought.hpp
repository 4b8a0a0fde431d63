// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/action_choice.hpp>
#include <multitudes/generate/grammar/grammar_state.hpp>
#include <multitudes/generate/score.hpp>
#include <multitudes/npc/detail/word_states.hpp>
#include <multitudes/npc/mind.hpp>
#include <multitudes/npc/sentences.hpp>
#include <multitudes/steering/attachment.hpp>
#include <multitudes/text/stream_decoder.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::npc::detail {

/// Under what a token of a mind was computed: enough to compute it again to the same bits.
struct setting {
  static constexpr std::uint8_t neutral = 255;

  std::array<float, steering::max_dials> dials{};
  std::uint64_t at = 0;         ///< which of all tokens that the mind ever had, lore included
  std::uint32_t age = 0;        ///< tokens that the plan had been in force for
  std::uint8_t slot = neutral;  ///< which of the mind's plans
  steering::token_source source = steering::token_source::read;

  friend constexpr bool operator==(const setting&, const setting&) = default;
};

/// A plan that some of a mind's tokens are under.
struct plan_slot {
  steering::plan what;
  steering::position_span where;
  std::optional<std::uint64_t> began;  ///< how many tokens the mind had ever had then
};

/// Actions that are being weighed: first what the first tokens are worth, after the mind's own
/// last; then the others, each action in a fork of its own.
struct weighing {
  struct option {
    std::vector<token_id> tokens;
    std::optional<sequence_id> fork{};
    std::size_t n_computed = 0;  ///< tokens, of all but the last
    std::size_t n_weighed = 0;   ///< tokens, of all but the first

    [[nodiscard]] std::size_t n_left() const noexcept { return tokens.size() - 1 - n_computed; }
  };
  std::vector<option> options{};
  std::vector<double> log_p{};        ///< of the tokens that are weighed by now
  std::vector<double> first_log_p{};  ///< of the first tokens alone
  std::vector<std::size_t> n_tokens{};
  action_choice how{};
  bool is_on = false;
  bool knows_first = false;
  /// What was in force when the first tokens were weighed, and is for the others.
  std::uint8_t plan = setting::neutral;
  std::array<float, steering::max_dials> dials{};
  bool is_given_up = false;  ///< ends as soon as the pass that it takes part in is over

  /// The first token of every action, by what comes after the mind's own last token.
  void weigh_first(std::span<float> logits) noexcept {
    for (std::size_t o = 0; o < options.size(); ++o) {
      log_p[o] = static_cast<double>(logits[options[o].tokens[0].value]);
    }
    const double all = log_normalizer(logits);
    for (double& x : log_p) x -= all;
    first_log_p = log_p;
    knows_first = true;
  }
  /// The one after token `t` of an action, by what comes after that.
  void weigh(std::size_t o, std::size_t t, std::span<float> logits) noexcept {
    log_p[o] += log_probability(logits, options[o].tokens[t + 1]);
    ++options[o].n_weighed;
  }
  [[nodiscard]] bool is_weighed() const noexcept {
    if (!is_on || is_given_up || !knows_first) return false;
    for (const option& o : options) {
      if (o.n_weighed + 1 < o.tokens.size()) return false;
    }
    return true;
  }
};

/// All that a mind is, but for the keys and values of its past. Tokens are counted from the first
/// that is its own: before it stands its lore.
struct thought {
  static constexpr std::size_t max_plans = 16;

  std::uint32_t generation = 0;
  bool is_present = false;
  // What is to be done as soon as the pass that it may take part in is over.
  bool is_leaving = false;
  bool replays = false;   ///< forgets what was computed, and under what
  bool skips = false;     ///< what comes of that pass: it was asked anew
  bool rests = false;     ///< leaves the cache
  std::size_t drops = 0;  ///< so many of its oldest tokens
  std::size_t drops_from = 0;
  sampling voice;
  std::uint64_t stream = 0;
  lore knows;
  float priority = 1;

  std::vector<token_id> tokens;
  std::vector<setting> settings;    // (tokens)
  std::size_t n_settled = 0;        ///< tokens that were computed at least once
  std::uint64_t n_forgotten = 0;    ///< tokens that were once before the first
  std::optional<sequence_id> at{};  ///< none while dormant
  bool is_asleep = false;           ///< was let go of; wakes when a word is asked for
  std::size_t first = 0;            ///< the position of its first token
  std::size_t n_pinned = 0;         ///< of its oldest tokens, which it does not forget
  std::vector<token_id> heard;      ///< while it spoke

  std::array<plan_slot, max_plans> plans;
  std::uint8_t plan = setting::neutral;
  std::array<float, steering::max_dials> dials{};

  bool is_speaking = false;
  speech says;
  std::size_t n_said = 0;    ///< tokens of this utterance
  grammar_state grammar_at;  ///< of an utterance under rules
  std::optional<text::stream_decoder> decoder{};
  sentence_finder sentences;
  bool owes_sentence = false;  ///< something was said since the last sentence ended
  weighing weighs;

  word_states words;
  keeper kept;
  std::size_t kept_dial = steering::max_dials;  ///< of the keeper; none
  bool has_strayed = false;

  std::uint64_t n_moments = 0;  ///< words and actions that it came to, the end of a text too
  std::chrono::nanoseconds hurries_until{0};  ///< on the game's clock
  double served = 0;                          ///< rows computed for it, over its priority
  std::uint64_t last_pass = 0;                ///< the last that it took part in

  [[nodiscard]] bool wants_word() const noexcept {
    return is_speaking || (weighs.is_on && !weighs.knows_first);
  }
  [[nodiscard]] bool is_busy() const noexcept { return is_speaking || weighs.is_on; }

  /// The plan under which token `i` is to be computed, and what the cache is to know of it; decides
  /// it if it never was.
  struct decided {
    const steering::plan* plan = nullptr;
    steering::token_state state{};
    fingerprint id{};
  };
  decided decide(std::size_t i) noexcept {
    if (i >= n_settled) {
      settle(i);
      n_settled = i + 1;
    }
    return decided_for(settings[i]);
  }
  /// The same for a token of an action, `ahead` after the mind's last.
  [[nodiscard]] decided try_out(std::size_t ahead) const noexcept {
    const std::size_t i = tokens.size() + ahead;
    const setting under = would_be(i, steering::token_source::written, weighs.plan, weighs.dials);
    return decided_for(under);
  }
  /// What is weighed is weighed under what is in force now.
  void hold_still() noexcept {
    weighs.plan = plan;
    weighs.dials = dials;
  }

  /// Puts a plan on what is decided from now on; false, and nothing is changed, if too many are in
  /// use.
  bool put_on(steering::attachment how) noexcept {
    if (kept_dial < how.dials.size()) how.dials[kept_dial] = dials[kept_dial];
    if (how.what.is_neutral()) {
      dials = how.dials;
      plan = setting::neutral;
      return true;
    }
    std::array<bool, max_plans> in_use{};
    for (const std::uint8_t held : {plan, weighs.plan}) {
      if (held != setting::neutral) in_use[held] = true;
    }
    for (std::size_t i = 0; i < n_settled; ++i) {
      if (settings[i].slot != setting::neutral) in_use[settings[i].slot] = true;
    }
    for (std::size_t s = 0; s < max_plans; ++s) {
      if (in_use[s]) continue;
      plans[s] = {std::move(how.what), how.where, std::nullopt};
      plan = static_cast<std::uint8_t>(s);
      dials = how.dials;
      return true;
    }
    return false;
  }

  /// Which of all tokens that it ever had the i-th is, or would be.
  [[nodiscard]] std::uint64_t ever(std::size_t i) const noexcept {
    return i < settings.size() ? settings[i].at : n_forgotten + first + i;
  }
  void append(token_id t, steering::token_source how) noexcept {
    settings.push_back({.at = ever(tokens.size()), .source = how});
    tokens.push_back(t);
  }
  /// Takes in what it heard meanwhile; what has no room is lost (`hear` sees to it that it has).
  void listen(std::size_t capacity) noexcept {
    for (const token_id t : heard) {
      if (tokens.size() < capacity) append(t, steering::token_source::read);
    }
    heard.clear();
  }

 private:
  /// What token `i` is computed under where this plan and these dials are in force.
  [[nodiscard]] setting would_be(std::size_t i, steering::token_source how, std::uint8_t under,
                                 const std::array<float, steering::max_dials>& say) const noexcept {
    setting s{.dials = say, .at = ever(i), .source = how};
    if (under == setting::neutral) return s;
    const plan_slot& now = plans[under];
    if (!now.where.contains(position(s.at), how)) return s;
    s.slot = under;
    s.age = static_cast<std::uint32_t>(s.at - now.began.value_or(s.at));
    return s;
  }
  void settle(std::size_t i) noexcept {
    settings[i] = would_be(i, settings[i].source, plan, dials);
    if (settings[i].slot == setting::neutral) return;
    plan_slot& now = plans[settings[i].slot];
    if (!now.began) now.began = settings[i].at;
  }
  decided decided_for(const setting& s) const noexcept {
    if (s.slot == setting::neutral) return {};
    const steering::attachment how{
        .what = plans[s.slot].what, .where = {}, .origin = {}, .dials = s.dials};
    return {&plans[s.slot].what, how.what.begin(s.age, s.dials), how.id(position(s.at - s.age))};
  }
};

}  // namespace multitudes::npc::detail
