// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/generate/action_choice.hpp>
#include <multitudes/generate/grammar/token_masks.hpp>
#include <multitudes/generate/language_model.hpp>
#include <multitudes/generate/sampler.hpp>
#include <multitudes/model/evaluation.hpp>
#include <multitudes/npc/detail/director.hpp>
#include <multitudes/npc/detail/keep.hpp>
#include <multitudes/npc/detail/pass_rows.hpp>
#include <multitudes/npc/detail/thought.hpp>
#include <multitudes/npc/event.hpp>
#include <multitudes/npc/stage_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
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

/// What is on a stage, and what becomes of the logits of a pass (which rows it has, schedule.hpp
/// says). Nothing here allocates, but for what the game's own calls bring in.
struct scene {
  language_model lm;
  model::evaluation work;
  model::kv_cache cache;
  std::vector<thought> minds;
  std::vector<told_lore> lores;
  std::vector<token_masks> all_rules;
  std::vector<keeping> keepers;
  std::shared_ptr<const token_trie> trie;  ///< of the tokenizer, once there are rules
  pass_rows rows;
  std::size_t next_row = 0;  ///< of the last pass, whose logits are to be used
  event_queue events;
  std::optional<sampler> chooser;
  std::vector<std::uint32_t> order;  ///< scratch
  stage_totals totals;
  director* directed_by = nullptr;
  std::uint32_t n_entered = 0;  ///< minds so far: no two have the same generation

  /// Takes all memory that it will ever need.
  ///
  /// Errors:  out_of_memory if the arena is too small.
  expected<void> build(language_model who, const stage_options& o, std::span<std::byte> memory) {
    // What the system has promised only, it would have to find in the middle of a frame.
    std::fill(memory.begin(), memory.end(), std::byte{0});
    arena pieces(memory);
    lm = std::move(who);
    auto evaluator = model::evaluation::make(*lm.weights, work_limits(o), pieces);
    if (!evaluator) return forward_error(evaluator);
    auto keys = model::kv_cache::make(lm.shape(), cache_limits(lm.shape(), o), pieces);
    if (!keys) return forward_error(keys);
    work = *evaluator;
    cache = *keys;
    rows = pass_rows(o.max_rows, o.watched, lm.shape().model_dim);
    chooser.emplace(sampling{}, lm.shape().vocab_size);
    // A piece of text is at most what a token completes.
    events = event_queue(o.n_events, 3 * (lm.tokenizer->longest_bytes() + 3));
    order.reserve(o.n_minds);
    lores.reserve(o.n_lores);
    minds.resize(o.n_minds);
    for (thought& t : minds) {
      t.tokens.reserve(cache.max_length());
      t.settings.reserve(cache.max_length());
      t.decoder.emplace(*lm.tokenizer, text::decode_from::middle);
      if (o.watched) t.words = word_states(lm.shape().model_dim, o.watched_words);
    }
    return {};
  }

  [[nodiscard]] bool is_computing() const noexcept { return next_row < rows.size(); }
  /// Tokens that a mind's memory has room for.
  [[nodiscard]] std::size_t capacity(const thought& t) const noexcept {
    return cache.max_length() - t.first;
  }

  /// nullptr if the handle names nobody.
  [[nodiscard]] const thought* find(mind m) const noexcept {
    if (m.index >= minds.size()) return nullptr;
    const thought& t = minds[m.index];
    return t.is_present && t.generation == m.generation ? &t : nullptr;
  }
  [[nodiscard]] thought* find(mind m) noexcept {
    return const_cast<thought*>(std::as_const(*this).find(m));
  }
  [[nodiscard]] std::optional<mind> mind_of(std::uint32_t generation) const noexcept {
    for (std::uint32_t i = 0; i < minds.size(); ++i) {
      if (const mind m{i, generation}; find(m) != nullptr) return m;
    }
    return std::nullopt;
  }
  /// How many more tokens a mind may hear.
  [[nodiscard]] std::size_t room_of(const thought& t) const noexcept {
    std::size_t taken = t.tokens.size() + t.heard.size();
    if (t.is_speaking) taken += t.says.max_tokens - t.n_said;
    if (t.weighs.is_on) {
      taken += *std::max_element(t.weighs.n_tokens.begin(), t.weighs.n_tokens.end());
    }
    return taken < capacity(t) ? capacity(t) - taken : 0;
  }
  void take_in(thought& t, std::span<const token_id> tokens) {
    if (t.is_busy()) {
      t.heard.insert(t.heard.end(), tokens.begin(), tokens.end());
    } else {
      for (const token_id token : tokens) t.append(token, steering::token_source::read);
    }
  }

  /// A new mind in the place of an old one, whose memory it takes over, empty.
  void begin_anew(thought& t) noexcept {
    thought next;
    next.generation = ++n_entered;
    next.is_present = true;
    next.tokens = std::move(t.tokens);
    next.tokens.clear();
    next.settings = std::move(t.settings);
    next.settings.clear();
    next.decoder = std::move(t.decoder);
    next.grammar_at = std::move(t.grammar_at);
    next.words = std::move(t.words);
    next.words.clear();
    // Who comes late is not served for all the time before.
    double least = std::numeric_limits<double>::max();
    for (const thought& other : minds) {
      if (other.is_present) least = std::min(least, other.served);
    }
    if (least != std::numeric_limits<double>::max()) next.served = least;
    t = std::move(next);
  }

  /// What comes after its last token is asked for: that is computed, again if it was before, under
  /// what is in force then.
  void turn_to_last(thought& t) noexcept {
    t.skips = is_computing();
    t.n_settled = std::min(t.n_settled, t.tokens.size() - 1);
  }
  void begin_speech(thought& t, const speech& how) noexcept {
    turn_to_last(t);
    t.is_speaking = true;
    t.says = how;
    t.n_said = 0;
    begin_text(t);
  }
  /// Where decoder, sentences and grammar are before the first token of an utterance.
  void begin_text(thought& t) noexcept {
    static_cast<void>(t.decoder->finish());
    t.sentences.restart();
    t.owes_sentence = false;
    if (is_ruled(t)) t.grammar_at = rules_of(t).start();
  }
  static bool is_ruled(const thought& t) noexcept { return !(t.says.under == rules{}); }
  [[nodiscard]] token_masks& rules_of(const thought& t) noexcept {
    return all_rules[t.says.under.index];
  }
  /// Works for a while on what the next row of logits needs; true if it is at hand.
  bool prepare_row() noexcept {
    constexpr std::size_t steps = 2000;  // some tens of microseconds
    const thought* t = heard_of(next_row);
    if (t == nullptr || !t->is_speaking || !is_ruled(*t)) return true;
    const auto ready = rules_of(*t).prepare(t->grammar_at, t->says.max_tokens - t->n_said, steps);
    return !ready || *ready;
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
      if (t.is_leaving || t.rests) sleep(t);
      if (t.is_present && t.drops > 0) forget(t);
      if (t.is_present && t.replays) replay(t);
      t.is_leaving = t.rests = t.replays = t.skips = false;
      t.drops = 0;
    }
  }

  /// Whose row of logits it is, if it still counts.
  [[nodiscard]] thought* heard_of(std::size_t r) noexcept {
    if (!rows.rows()[r].wants_logits) return nullptr;
    thought& t = minds[rows.owner(r).mind];
    return t.is_present && !t.replays && !t.skips && t.drops == 0 ? &t : nullptr;
  }
  /// Does what the logits of a row are for.
  void use_row(std::size_t r) noexcept {
    note_word(r);
    thought* const whose = heard_of(r);
    if (whose == nullptr) return;
    thought& t = *whose;
    const row_owner& owner = rows.owner(r);
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
        t.n_settled = t.tokens.size();
        t.weighs.weigh_first(logits);
      } else {
        t.weighs.weigh(owner.option, owner.token, logits);
      }
      if (t.weighs.is_weighed()) choose(t, owner.mind);
    }
  }

  /// Puts decoder and sentences where they were after what was said of an utterance.
  void hear_again(thought& t) noexcept {
    begin_text(t);
    for (std::size_t i = t.tokens.size() - t.n_said; i < t.tokens.size(); ++i) {
      if (is_ruled(t)) static_cast<void>(rules_of(t).accept(t.grammar_at, t.tokens[i]));
      in_sentences(
          t, t.decoder->append(t.tokens[i]), [](std::string_view) {}, [] {});
    }
  }
  /// Lets go of what is in the cache for a mind, until a word of it is asked for.
  void sleep(thought& t) noexcept {
    close_forks(t.weighs);
    if (t.at) cache.close(*t.at);
    t.at.reset();
    t.is_asleep = true;
  }

  [[nodiscard]] std::size_t n_computed(const thought& t) const noexcept {
    return t.at ? cache.length(*t.at) - t.first : 0;
  }

 private:
  void replay(thought& t) noexcept {
    if (t.at) cache.truncate(*t.at, t.first);
    t.n_settled = 0;
    t.words.clear();
    t.has_strayed = false;
    for (plan_slot& p : t.plans) p.began.reset();
    if (t.weighs.is_on) begin_again(t.weighs);
  }
  void forget(thought& t) noexcept {
    const std::size_t from = std::min(t.drops_from, t.tokens.size());
    const std::size_t last = from + std::min(t.drops, t.tokens.size() - from);
    // Of what is dropped before it was computed, it still counts that it was there: the time of a
    // persona may have begun with it.
    for (std::size_t i = t.n_settled; i < last; ++i) {
      if (directed_by != nullptr) directed_by->before_token(t, i);
      static_cast<void>(t.decide(i));
    }
    close_forks(t.weighs);
    if (t.at) cache.truncate(*t.at, t.first + from);
    const auto erase = [&](auto& all) {
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(from),
                all.begin() + static_cast<std::ptrdiff_t>(last));
    };
    erase(t.tokens);
    erase(t.settings);
    t.n_settled -= last - from;
    t.n_forgotten += last - from;
    t.words.drop_waiting();
    t.is_asleep = false;
  }
  /// Takes in what the model was after a word that a mind has said.
  void note_word(std::size_t r) noexcept {
    const row_owner& owner = rows.owner(r);
    if (owner.mind == row_owner::none || owner.option != row_owner::none) return;
    thought& t = minds[owner.mind];
    if (!t.words.is_on() || !t.is_present || t.replays || t.drops > 0) return;
    if (t.settings[owner.token].source != steering::token_source::written) return;
    t.words.take(t.ever(owner.token), rows.watched(r));
  }
  /// It comes to a word or an action, by all that it is until then.
  void come_to(thought& t, std::uint32_t index) noexcept {
    ++t.n_moments;
    t.words.settle();
    if (t.kept == keeper{}) return;
    if (const auto e = keep_in_character(t, keepers[t.kept.index])) push(t, index, *e);
  }
  void push(const thought& t, std::uint32_t index, event e) noexcept {
    e.who = {index, t.generation};
    e.at = t.tokens.size();
    events.push(e);
  }
  /// Cuts a piece of an utterance where sentences end in it: at two places at most, so that the
  /// number of events is bounded.
  template <class Say, class End>
  static void in_sentences(thought& t, std::string_view piece, Say&& say, End&& end) noexcept {
    for (std::size_t parts = 0; !piece.empty(); ++parts) {
      const std::size_t at = parts < 2 ? t.sentences.find_end(piece) : std::string_view::npos;
      const std::string_view text = piece.substr(0, at);
      if (!text.empty()) say(text);
      t.owes_sentence = t.owes_sentence || !text.empty();
      if (at == std::string_view::npos) return;
      end();
      t.owes_sentence = false;
      piece.remove_prefix(at);
    }
  }
  /// Tells of a piece of an utterance, and of the sentences that end in it.
  void show(thought& t, std::uint32_t index, std::string_view piece) noexcept {
    in_sentences(
        t, piece,
        [&](std::string_view text) { push(t, index, {.what = event_kind::said, .text = text}); },
        [&] { push(t, index, {.what = event_kind::sentence}); });
  }
  void fall_silent(thought& t, std::uint32_t index) noexcept {
    ++t.n_moments;
    push(t, index, {.what = event_kind::failed});
    t.weighs.is_given_up = t.weighs.is_on;
    if (!t.is_speaking) return;
    t.is_speaking = false;
    t.listen(capacity(t));
  }

  void speak_on(thought& t, std::uint32_t index, std::span<float> logits) noexcept {
    if (is_ruled(t)) {
      const auto allowed = rules_of(t).of(t.grammar_at, t.says.max_tokens - t.n_said);
      if (!allowed || !restrict_to(**allowed, logits)) return fall_silent(t, index);
    }
    t.n_settled = t.tokens.size();
    come_to(t, index);
    chooser->use(t.voice, t.stream);
    const token_id token = chooser->choose(logits, t.tokens, position(t.ever(t.tokens.size())));
    if (lm.tokenizer->eos() == token || (is_ruled(t) && rules_of(t).tokens().is_end(token))) {
      return end_speech(t, index, ending::by_itself);
    }
    if (is_ruled(t)) static_cast<void>(rules_of(t).accept(t.grammar_at, token));
    t.append(token, steering::token_source::written);
    ++totals.words;
    ++t.n_said;
    const std::string_view piece = t.decoder->append(token);
    const std::size_t line =
        t.says.one_line && !is_ruled(t) ? piece.find('\n') : std::string_view::npos;
    show(t, index, piece.substr(0, line));
    if (line != std::string_view::npos) return end_speech(t, index, ending::by_itself);
    if (is_ruled(t) && t.grammar_at.must_end()) return end_speech(t, index, ending::by_itself);
    if (t.n_said == t.says.max_tokens) return end_speech(t, index, ending::by_length);
    if (t.tokens.size() == capacity(t)) return end_speech(t, index, ending::memory_full);
  }

  void choose(thought& t, std::uint32_t index) noexcept {
    weighing& w = t.weighs;
    come_to(t, index);
    to_probabilities(w.log_p, w.n_tokens, w.how);
    // Beside the draws for words, which take the multiples of 4.
    const std::uint64_t at = 4 * t.ever(t.tokens.size()) + 1;
    const std::size_t chosen = draw_action(w.log_p, philox(t.voice.seed, t.stream, at));
    push(t, index,
         {.what = event_kind::chose,
          .action = chosen,
          .probability = static_cast<float>(w.log_p[chosen])});
    for (const token_id token : w.options[chosen].tokens) {
      t.append(token, steering::token_source::written);
    }
    end_weighing(t);
  }
  /// Nothing is weighed yet.
  void begin_again(weighing& w) noexcept {
    close_forks(w);
    w.knows_first = false;
    for (auto& option : w.options) option.n_computed = option.n_weighed = 0;
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
    t.listen(capacity(t));
    t.weighs.plan = setting::neutral;
  }
};

}  // namespace multitudes::npc::detail
