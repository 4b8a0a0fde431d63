// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/generate/grammar/detail/state_cache.hpp>
#include <multitudes/generate/grammar/grammar_matcher.hpp>
#include <multitudes/generate/grammar/token_trie.hpp>
#include <multitudes/generate/token_mask.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes {

struct mask_options {
  matcher_limits limits = {};
  std::size_t states = 1024;    ///< that are remembered; 0.5 kB each
  std::size_t words = 1 << 16;  ///< of 4 bytes, of all states that are remembered
  std::size_t masks = 16;       ///< that are remembered; a bit for each token
};

/// Which tokens may come next in a text that follows a grammar: those whose bytes the grammar
/// accepts, which includes the first bytes of a character, and the end tokens exactly where the
/// text may end. For one thread at a time; one serves any number of texts under its grammar.
///
/// Cost:    of a mask, nothing where a text comes back to a state whose mask is remembered, else
///          a table look-up for each byte of the trie that is accepted. Nothing allocates after
///          `make`, but for errors, and states that are too small (see grammar_state).
class token_masks {
 public:
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  /// Errors:  invalid_argument for options out of range; those of grammar_matcher::make.
  static expected<token_masks> make(grammar g, std::shared_ptr<const token_trie> tokens,
                                    mask_options options = {}) {
    const std::size_t least_words = options.limits.state_words;
    if (!tokens || options.states < 64 || options.states > detail::state_cache::most_states ||
        options.words < least_words || options.masks < 2 || options.masks > 4096) {
      return fail({.code = errc::invalid_argument,
                   .operation = "token masks",
                   .place = "options",
                   .found = std::to_string(options.states) + " states, " +
                            std::to_string(options.words) + " words, " +
                            std::to_string(options.masks) + " masks" + (tokens ? "" : ", no trie"),
                   .expected = "a trie, 64 to " + std::to_string(detail::state_cache::most_states) +
                               " states, " + std::to_string(least_words) +
                               " words or more, 2 to 4096 masks",
                   .remedy = {}});
    }
    auto matcher = grammar_matcher::make(std::move(g), options.limits);
    if (!matcher) return forward_error(matcher);
    return token_masks(*std::move(matcher), std::move(tokens), options);
  }

  [[nodiscard]] const token_trie& tokens() const noexcept { return *tokens_; }
  [[nodiscard]] const grammar& rules() const noexcept { return matcher_.rules(); }
  /// The beginning of a text, with room for all that may follow.
  [[nodiscard]] grammar_state start() const {
    grammar_state begin;
    begin.reserve(matcher_.limits().state_words);
    begin.assign(matcher_.start().words());
    return begin;
  }

  /// The tokens that may follow `at`; valid until the next call of a function that is not const.
  ///
  /// With `tokens_left`, the tokens that still fit included, only those are allowed after which
  /// the text can end in time, at worst with a token for each byte. Where none is (there never was
  /// enough room, or the vocabulary lacks bytes), all that the grammar allows are.
  ///
  /// Errors:  not_found if no token may follow, which includes texts that must end where there is
  ///          no end token; out_of_memory if that is for lack of room (see matcher_limits).
  expected<const token_mask*> of(const grammar_state& at, std::size_t tokens_left = unlimited) {
    auto ready = prepare(at, tokens_left, unlimited);
    if (!ready) return forward_error(ready);
    return &slots_[found_].mask;
  }
  /// Works on what `of` would give, for at most `steps` bytes of the trie; true once `of` has it at
  /// hand. Asking for another mask in between begins this one again.
  ///
  /// Errors:  those of `of`.
  expected<bool> prepare(const grammar_state& at, std::size_t tokens_left, std::size_t steps) {
    const std::size_t bytes_left =
        tokens_left == unlimited ? unlimited : std::max<std::size_t>(tokens_left, 1) - 1;
    if (at.words().empty()) return fail(nothing_allowed(false));
    if (!look_up(at, unlimited, steps)) return false;
    if (slots_[found_].n_allowed == 0) return fail(nothing_allowed(slots_[found_].overflowed));
    if (slots_[found_].farthest_end <= bytes_left) return true;
    if (!look_up(at, bytes_left, steps)) return false;
    if (slots_[found_].n_allowed == 0) return look_up(at, unlimited, steps);
    return true;
  }

  /// Goes on with a token. False, and `at` as it was, if it is not allowed; an end token leaves
  /// `at` where it is.
  ///
  /// Errors:  out_of_memory if the limits are met; `at` is then as it was.
  expected<bool> accept(grammar_state& at, token_id token) {
    if (tokens_->is_end(token)) return at.may_end();
    const std::string_view bytes = tokens_->bytes_of(token);
    if (bytes.empty()) return false;
    return matcher_.accept(at, bytes);
  }

 private:
  struct slot {
    token_mask mask;
    detail::state_cache::number state = 0;
    std::size_t bytes_left = unlimited;
    bool ready = false;
    bool overflowed = false;         // some token was refused for lack of room
    std::uint32_t farthest_end = 0;  // bytes, after the token that leads farthest from an end
    std::size_t n_allowed = 0;
  };
  using cache = detail::state_cache;
  static constexpr std::size_t none = ~std::size_t{0};
  static constexpr std::size_t smallest_subtree = 4;  // that is looked at as a whole

  token_masks(grammar_matcher m, std::shared_ptr<const token_trie> tokens, mask_options options)
      : matcher_(std::move(m)),
        tokens_(std::move(tokens)),
        cache_(options.states, options.words),
        slots_(options.masks),
        levels_(tokens_->longest_bytes() + 1),
        path_(tokens_->longest_bytes() + 1) {
    for (slot& s : slots_) s.mask = token_mask(tokens_->vocab_size());
  }

  /// Makes the mask for a state and limit the one that is found; false if `steps` were too few.
  bool look_up(const grammar_state& at, std::size_t bytes_left, std::size_t& steps) noexcept {
    cache::number state = cache_.of(at.words());
    if (state == cache::full) {
      forget(cache::full);
      state = cache_.of(at.words());
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      const slot& s = slots_[i];
      if (s.state != state || s.bytes_left != bytes_left || !(s.ready || i == working_on_))
        continue;
      found_ = i;
      return s.ready || walk(at, steps);
    }
    if (oldest_ == found_) oldest_ = (oldest_ + 1) % slots_.size();  // it may be needed next
    found_ = working_on_ = oldest_;
    oldest_ = (oldest_ + 1) % slots_.size();
    slot& s = slots_[found_];
    s.mask.clear();
    s = {.mask = std::move(s.mask), .state = state, .bytes_left = bytes_left};
    at_node_ = 0;
    levels_[0] = state;
    return walk(at, steps);
  }

  /// Goes on with the mask that is worked on. True when it is done.
  bool walk(const grammar_state& at, std::size_t& steps) noexcept {
    slot& s = slots_[working_on_];
    const token_trie& trie = *tokens_;
    const std::size_t n = trie.size();
    for (; at_node_ < n; --steps) {
      if (steps == 0) return false;
      const token_trie::node node = trie[at_node_];
      if (node.skip - at_node_ >= smallest_subtree) {
        const token_trie::subtree& all = trie.under(at_node_);
        if (cache_.all_may_follow(matcher_, levels_[node.depth], all.kinds, all.height,
                                  s.bytes_left, s.farthest_end)) {
          for (const token_id t : trie.tokens_under(at_node_)) s.mask.allow(t);
          at_node_ = node.skip;
          continue;
        }
      }
      cache::number to = cache_.after(matcher_, levels_[node.depth], node.byte);
      if (to == cache::full) to = make_room(at, node.depth, node.byte);
      if (to >= cache::full) {
        s.overflowed = s.overflowed || to != cache::refused;
        at_node_ = node.skip;
        continue;
      }
      levels_[node.depth + 1u] = to;
      path_[node.depth] = node.byte;
      const auto here = trie.tokens_at(at_node_++);
      if (here.empty()) continue;
      const std::uint32_t to_end = cache_.bytes_to_end(matcher_, to);
      if (to_end > s.bytes_left) continue;
      s.farthest_end = std::max(s.farthest_end, to_end);
      for (const token_id t : here) s.mask.allow(t);
    }
    if (at.may_end()) {
      for (const token_id t : trie.ends()) s.mask.allow(t);
    }
    s.n_allowed = s.mask.count();
    s.ready = true;
    working_on_ = none;
    return true;
  }

  /// Empties the cache, but for the state that is worked on and what led to this node.
  cache::number make_room(const grammar_state& at, std::size_t depth, unsigned char byte) noexcept {
    forget(levels_[0]);
    levels_[0] = cache_.of(at.words());
    for (slot& s : slots_) s.state = levels_[0];
    for (std::size_t d = 0; d < depth; ++d) {
      levels_[d + 1] = cache_.after(matcher_, levels_[d], path_[d]);
      if (levels_[d + 1] >= cache::full) return cache::full;
    }
    return cache_.after(matcher_, levels_[depth], byte);
  }
  /// Masks are of no use without their states; those of `kept` will get its new number.
  void forget(cache::number kept) noexcept {
    cache_.clear();
    for (slot& s : slots_) s.ready = s.ready && s.state == kept;
    if (kept == cache::full) working_on_ = none;
  }

  [[nodiscard]] static error nothing_allowed(bool for_lack_of_room) {
    return {
        .code = for_lack_of_room ? errc::out_of_memory : errc::not_found,
        .operation = "token masks",
        .place = "the text so far",
        .found = "no token that may follow",
        .expected = "one at least",
        .remedy = for_lack_of_room
                      ? "raise matcher_limits, nest less, or make the grammar less ambiguous"
                      : "ask must_end() first; else the vocabulary lacks what the grammar needs"};
  }

  grammar_matcher matcher_;
  std::shared_ptr<const token_trie> tokens_;
  cache cache_;
  std::vector<slot> slots_;
  std::size_t found_ = 0;
  std::size_t oldest_ = 0;             // slot to be used next
  std::size_t working_on_ = none;      // slot
  std::size_t at_node_ = 0;            // of the trie
  std::vector<cache::number> levels_;  // after each byte of the path that leads there
  std::vector<std::uint8_t> path_;
};

}  // namespace multitudes
