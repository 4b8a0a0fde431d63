// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/generate/action_choice.hpp>
#include <multitudes/generate/language_model.hpp>
#include <multitudes/generate/sampler.hpp>
#include <multitudes/model/evaluation.hpp>
#include <multitudes/npc/detail/pass_rows.hpp>
#include <multitudes/npc/detail/thought.hpp>
#include <multitudes/npc/event.hpp>
#include <multitudes/npc/stage_options.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::npc::detail {

struct told_lore {
  std::vector<token_id> tokens;
  sequence_id at;
};

/// What happens behind a stage: which rows the next pass has, and what becomes of its logits.
/// Nothing here allocates, but for what the game's own calls bring in.
struct scene {
  language_model lm;
  model::evaluation work;
  model::kv_cache cache;
  std::vector<thought> minds;
  std::vector<told_lore> lores;
  pass_rows rows;
  std::size_t next_row = 0;  ///< of the last pass, whose logits are to be used
  event_queue events;
  std::optional<sampler> chooser;
  std::vector<std::uint32_t> order;  ///< scratch
  bool is_starved = false;
  stage_totals totals;

  [[nodiscard]] bool is_computing() const noexcept { return next_row < rows.size(); }
  /// Tokens that a mind's memory has room for.
  [[nodiscard]] std::size_t capacity(const thought& t) const noexcept {
    return cache.max_length() - t.first;
  }

  /// A new mind in the place of an old one, whose memory it takes over, empty.
  void begin_anew(thought& t) noexcept {
    thought next;
    next.generation = t.generation + 1;
    next.is_present = true;
    next.tokens = std::move(t.tokens);
    next.tokens.clear();
    next.settings = std::move(t.settings);
    next.settings.clear();
    next.decoder = std::move(t.decoder);
    // Who comes late is not served for all the time before.
    double least = std::numeric_limits<double>::max();
    for (const thought& other : minds) {
      if (other.is_present) least = std::min(least, other.served);
    }
    if (least != std::numeric_limits<double>::max()) next.served = least;
    t = std::move(next);
  }

  void begin_speech(thought& t, const speech& how) noexcept {
    t.is_speaking = true;
    t.says = how;
    t.n_said = 0;
    static_cast<void>(t.decoder->finish());
    t.sentences.restart();
    t.owes_sentence = false;
  }
  void end_speech(thought& t, std::uint32_t index, ending why) noexcept {
    show(t, index, t.decoder->finish());
    if (t.owes_sentence) push(t, index, {.what = event_kind::sentence});
    t.is_speaking = false;
    push(t, index, {.what = event_kind::finished, .why = why});
    t.listen(capacity(t));
  }

  /// What was asked for while a pass ran, and must wait for its end.
  void settle_changes() noexcept {
    for (thought& t : minds) {
      if (t.weighs.is_on && t.weighs.is_given_up) end_weighing(t);
      if (t.is_leaving || t.rests || t.kept) sleep(t);
      if (t.kept) t.is_asleep = false;
      if (t.is_present && t.kept) forget(t, *t.kept);
      if (t.is_present && t.replays) replay(t);
      t.is_leaving = t.rests = t.replays = false;
      t.kept.reset();
    }
  }

  /// Fills the rows of the next pass and begins it; false if there is nothing to compute.
  bool begin_pass() noexcept {
    settle_changes();
    rows.clear();
    next_row = 0;
    is_starved = false;
    taken_pages_ = 0;
    ++totals.passes;
    for (std::size_t i = 0; i < lores.size(); ++i) add_lore(lores[i]);
    order.clear();
    for (std::uint32_t i = 0; i < minds.size(); ++i) {
      if (minds[i].is_present && n_wanted(minds[i]) > 0) order.push_back(i);
    }
    // Who was served least for its priority comes first; equals by their place.
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return minds[a].served != minds[b].served ? minds[a].served < minds[b].served : a < b;
    });
    // First all who need one row for a word, then those who read.
    for (const bool is_word : {true, false}) {
      for (const std::uint32_t i : order) {
        thought& t = minds[i];
        if ((t.wants_word() && n_wanted(t) == 1) != is_word) continue;
        if (weighs_others(t) && n_computed(t) == t.tokens.size()) {
          add_actions(t, i);
        } else {
          add_own(t, i);
        }
      }
    }
    if (rows.size() == 0) return false;
    totals.rows += rows.size();
    // The pages were counted, the tokens are the vocabulary's: it begins.
    if (!work.begin(rows.rows(), cache)) {
      is_starved = true;
      rows.clear();
      return false;
    }
    return true;
  }

  /// Does what the logits of a row are for.
  void use_row(std::size_t r) noexcept {
    if (!rows.rows()[r].wants_logits) return;
    const row_owner& owner = rows.owner(r);
    thought& t = minds[owner.mind];
    if (!t.is_present || t.replays || t.kept) return;
    const std::span<float> logits = work.logits(row_index(r));
    const bool is_broken = std::any_of(logits.begin(), logits.end(), [](float x) {
      return !(x < std::numeric_limits<float>::infinity());
    });
    if (is_broken) {
      fall_silent(t, owner.mind);
    } else if (t.is_speaking) {
      speak_on(t, owner.mind, logits);
    } else if (t.weighs.is_on && !t.weighs.is_given_up) {
      if (owner.option == row_owner::none) {
        weigh_first(t.weighs, logits);
      } else {
        weigh(t.weighs, owner, logits);
      }
      if (t.weighs.is_weighed()) choose(t, owner.mind);
    }
  }

  /// Lets go of what is in the cache for a mind, until a word of it is asked for.
  void sleep(thought& t) noexcept {
    close_forks(t.weighs);
    if (t.at) cache.close(*t.at);
    t.at.reset();
    t.is_asleep = true;
  }

  /// How many rows a mind needs now.
  [[nodiscard]] std::size_t n_wanted(const thought& t) const noexcept {
    const std::size_t wanted = target(t), done = n_computed(t);
    if (t.wants_word()) return wanted > done ? wanted - done : 1;
    if (weighs_others(t)) {
      std::size_t n = wanted - done;
      for (const auto& o : t.weighs.options) n += o.n_left();
      return n;
    }
    if (t.is_asleep) return 0;
    return wanted > done ? wanted - done : 0;
  }
  /// It knows what the first tokens of actions are worth, and weighs the others.
  static bool weighs_others(const thought& t) noexcept {
    return t.weighs.is_on && t.weighs.knows_first;
  }
  /// How many of a mind's own tokens must be in the cache: of what was only heard, the last waits
  /// until a word is asked for.
  static std::size_t target(const thought& t) noexcept {
    const std::size_t n = t.tokens.size();
    return t.is_busy() || n == 0 ? n : n - 1;
  }
  [[nodiscard]] std::size_t n_computed(const thought& t) const noexcept {
    return t.at ? cache.length(*t.at) - t.first : 0;
  }

 private:
  void add_lore(told_lore& l) noexcept {
    const std::size_t done = cache.length(l.at), wanted = l.tokens.size() - 1;
    const std::size_t n = fitting(l.at, wanted - done);
    for (std::size_t i = done; i < done + n; ++i) {
      rows.add({l.at, l.tokens[i], false, {}}, {}, nullptr, {});
    }
  }
  /// The next rows of a mind's own memory.
  void add_own(thought& t, std::uint32_t index) noexcept {
    if (!wake(t)) return;
    std::size_t done = n_computed(t);
    if (t.wants_word() && done == t.tokens.size()) {
      // What came of the last token was used for something else: it is computed again.
      cache.truncate(*t.at, cache.length(*t.at) - 1);
      t.n_settled = --done;
    }
    const std::size_t n = fitting(*t.at, target(t) - done);
    for (std::size_t i = done; i < done + n; ++i) {
      const auto how = t.decide(i);
      const bool is_last = t.wants_word() && i + 1 == t.tokens.size();
      if (is_last && t.weighs.is_on) t.hold_still();
      rows.add({*t.at, t.tokens[i], is_last, how.id}, {index}, how.plan, how.state);
    }
    note_service(t, n);
  }
  void note_service(thought& t, std::size_t n) noexcept {
    t.served += static_cast<double>(n) / static_cast<double>(t.priority);
    if (n > 0) t.last_pass = totals.passes;
  }
  /// The next rows of the actions that a mind weighs, each in a fork.
  void add_actions(thought& t, std::uint32_t index) noexcept {
    weighing& w = t.weighs;
    for (std::uint32_t o = 0; o < w.options.size(); ++o) {
      auto& option = w.options[o];
      if (option.n_left() == 0) continue;
      if (!option.fork) {
        auto fork = cache.fork(*t.at);
        if (!fork) return;  // others weigh: their forks are closed soon
        option.fork = *fork;
      }
      const std::size_t done = option.n_computed;
      const std::size_t n = fitting(*option.fork, option.n_left());
      for (std::size_t i = done; i < done + n; ++i) {
        const auto how = t.try_out(i);
        rows.add({*option.fork, option.tokens[i], true, how.id},
                 {index, o, static_cast<std::uint32_t>(i)}, how.plan, how.state);
      }
      option.n_computed += n;
      note_service(t, n);
    }
  }
  /// How many of so many rows the pass and the cache have room for; takes their pages.
  std::size_t fitting(sequence_id s, std::size_t n) noexcept {
    n = std::min(n, rows.room());
    const bool wanted = n > 0;
    while (n > 0 && cache.pages_to_append(s, n) + taken_pages_ > cache.free_pages()) {
      if (!let_idle_sleep()) n /= 2;
    }
    if (wanted && n == 0) is_starved = true;
    if (n > 0) taken_pages_ += cache.pages_to_append(s, n);
    return n;
  }
  /// Frees the pages of the mind that has had nothing to do for longest; false if there is none.
  bool let_idle_sleep() noexcept {
    thought* idle = nullptr;
    for (thought& t : minds) {
      if (!t.is_present || !t.at || n_wanted(t) > 0 || t.is_busy()) continue;
      if (idle == nullptr || t.last_pass < idle->last_pass) idle = &t;
    }
    if (idle == nullptr) return false;
    sleep(*idle);
    return true;
  }
  bool wake(thought& t) noexcept {
    if (t.at) return true;
    if (t.knows == lore{}) {
      auto s = cache.open();
      if (!s) return false;
      t.at = *s;
      t.is_asleep = false;
      return true;
    }
    const told_lore& l = lores[t.knows.index];
    if (cache.length(l.at) + 1 < l.tokens.size()) return false;
    auto s = cache.fork(l.at);
    if (!s) return false;
    t.at = *s;
    t.is_asleep = false;
    return true;
  }
  void replay(thought& t) noexcept {
    if (t.at) cache.truncate(*t.at, t.first);
    t.n_settled = 0;
    for (plan_slot& p : t.plans) p.began.reset();
  }
  void forget(thought& t, std::size_t kept) noexcept {
    const std::size_t n = t.tokens.size() - std::min(kept, t.tokens.size());
    t.tokens.erase(t.tokens.begin(), t.tokens.begin() + static_cast<std::ptrdiff_t>(n));
    t.settings.erase(t.settings.begin(), t.settings.begin() + static_cast<std::ptrdiff_t>(n));
    t.n_settled -= std::min(n, t.n_settled);
    t.n_forgotten += n;
  }

  void push(const thought& t, std::uint32_t index, event e) noexcept {
    e.who = {index, t.generation};
    e.at = t.tokens.size();
    events.push(e);
  }
  /// Tells of a piece of an utterance, and of the sentences that end in it.
  void show(thought& t, std::uint32_t index, std::string_view piece) noexcept {
    // A piece of many sentences is told in two parts, so that the number of events is bounded.
    for (std::size_t parts = 0; !piece.empty(); ++parts) {
      const std::size_t end = parts < 2 ? t.sentences.find_end(piece) : std::string_view::npos;
      const std::string_view text = piece.substr(0, end);
      if (!text.empty()) push(t, index, {.what = event_kind::said, .text = text});
      t.owes_sentence = t.owes_sentence || !text.empty();
      if (end == std::string_view::npos) return;
      push(t, index, {.what = event_kind::sentence});
      t.owes_sentence = false;
      piece.remove_prefix(end);
    }
  }
  void fall_silent(thought& t, std::uint32_t index) noexcept {
    t.is_speaking = false;
    t.weighs.is_given_up = true;
    push(t, index, {.what = event_kind::failed});
  }

  void speak_on(thought& t, std::uint32_t index, std::span<float> logits) noexcept {
    chooser->use(t.voice, t.stream);
    const token_id token =
        chooser->choose(logits, t.tokens, position(t.n_forgotten + t.first + t.tokens.size()));
    if (lm.tokenizer->eos() == token) return end_speech(t, index, ending::by_itself);
    t.append(token, steering::token_source::written);
    ++totals.words;
    ++t.n_said;
    const std::string_view piece = t.decoder->append(token);
    const std::size_t line = t.says.one_line ? piece.find('\n') : std::string_view::npos;
    show(t, index, piece.substr(0, line));
    if (line != std::string_view::npos) return end_speech(t, index, ending::by_itself);
    if (t.n_said == t.says.max_tokens) return end_speech(t, index, ending::by_length);
    if (t.tokens.size() == capacity(t)) return end_speech(t, index, ending::memory_full);
  }

  /// The first token of every action, by what comes after the mind's own last token.
  static void weigh_first(weighing& w, std::span<float> logits) noexcept {
    for (std::size_t o = 0; o < w.options.size(); ++o) {
      w.log_p[o] = static_cast<double>(logits[w.options[o].tokens[0].value]);
    }
    const double all = log_sum(logits);
    for (double& x : w.log_p) x -= all;
    w.first_log_p = w.log_p;
    w.knows_first = true;
  }
  static void weigh(weighing& w, const row_owner& owner, std::span<float> logits) noexcept {
    auto& option = w.options[owner.option];
    w.log_p[owner.option] += log_probability(logits, option.tokens[owner.token + 1]);
    ++option.n_weighed;
  }
  static double log_sum(std::span<float> logits) noexcept {
    const simd::kernel_set& kernels = simd::active_kernels();
    const float top = kernels.largest(logits.data(), logits.size());
    return static_cast<double>(top) +
           std::log(static_cast<double>(kernels.exp_sum(logits.data(), logits.size(), top)));
  }
  void choose(thought& t, std::uint32_t index) noexcept {
    weighing& w = t.weighs;
    to_probabilities(w.log_p, w.n_tokens, w.how);
    // Beside the draws for words, which take the multiples of 4.
    const std::uint64_t at = 4 * (t.n_forgotten + t.first + t.tokens.size()) + 1;
    const std::size_t chosen = draw_action(w.log_p, philox(t.voice.seed, t.stream, at));
    push(t, index,
         {.what = event_kind::chose,
          .action = chosen,
          .probability = static_cast<float>(w.log_p[chosen])});
    for (const token_id token : w.options[chosen].tokens) {
      t.append(token, steering::token_source::written);
    }
    end_weighing(t);
    t.listen(capacity(t));
  }
  void close_forks(weighing& w) noexcept {
    for (auto& option : w.options) {
      if (option.fork) cache.close(*option.fork);
      option.fork.reset();
    }
  }
  void end_weighing(thought& t) noexcept {
    close_forks(t.weighs);
    t.weighs.is_on = t.weighs.is_given_up = false;
    t.weighs.plan = setting::neutral;
  }

  std::size_t taken_pages_ = 0;  // by the rows of the pass that is being filled
};

}  // namespace multitudes::npc::detail
