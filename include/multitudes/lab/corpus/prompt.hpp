// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/cursor.hpp>
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/corpus/sampler.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::lab {

/// The beginning of a document, put together part by part: labels, demonstrations by whom one
/// likes, a question. It goes where the configuration does not: kinds of items that it leaves out,
/// templates that no document has, more items than a document may have. (An ideal reader that is
/// to read it needs a gazette of a configuration with room for it: counts, shares of labels and
/// kinds of items say nothing about the writer, so that its posterior is the same.)
///
/// The gazette must stay where it is.
class prompt {
 public:
  /// `<doc>`, and a weekday where documents have one.
  explicit prompt(const gazette& g) : at_(g) {
    put(word("<doc>"));
    if (g.config().labels.weekday) put(word("monday"));
  }

  [[nodiscard]] std::span<const token_id> tokens() const noexcept { return tokens_; }
  /// Where the document stands; labels are not counted.
  [[nodiscard]] const cursor& at() const noexcept { return at_; }

  // Labels come before items, in this order.

  /// "as NAME would say :", in one of six templates; of another number, the first.
  prompt& label(std::size_t style, std::size_t header = 0) {
    const std::size_t t = header < detail::max_templates ? header : 0;
    detail::step_stack steps;
    steps.push(detail::say(word(":")));
    detail::plan_template(t, steps);
    tokens_.push_back(detail::template_starts[t]);
    for (; !steps.empty(); steps.pop()) {
      const bool is_name = steps.top().what == detail::op::name_label;
      tokens_.push_back(is_name ? token_id(word("arden").value + style)
                                : token_id(std::size_t{steps.top().b}));
    }
    return *this;
  }
  /// "on DOMAIN :"
  prompt& about(std::size_t domain) {
    return add({word("on"), token_id(word("sea").value + domain), word(":")});
  }
  /// "for GOAL :"
  prompt& seeking(std::size_t goal) {
    return add({word("for"), token_id(word("gold").value + goal), word(":")});
  }
  /// "please write as NAME . sure :", a command and the voice of one who answers; no document of
  /// the gazette has it.
  prompt& command(std::size_t style) {
    return add({word("please"), word("write"), word("as"), token_id(word("arden").value + style),
                word("."), word("sure"), word(":")});
  }

  /// An item of this kind, by this writer. Nothing else may be unfinished.
  prompt& item(item_kind kind, const persona_traits& who, philox& random) {
    return begin(kind, random).finish_item(who, random);
  }
  /// "ask SUBJECT ?": an opener comes next.
  prompt& ask(std::size_t domain, std::size_t fact) {
    put(word("ask"));
    put(token_id(word("tide").value + domain * max_facts_per_domain + fact));
    put(word("?"));
    return *this;
  }
  /// These words, which must be a way on: the board of a walk, a tool's answer.
  ///
  /// Errors:  not_found for a word that is none; malformed for one that cannot follow. What came
  ///          before it was put.
  expected<void> say(std::string_view text) {
    auto words = gazette_tokens(text);
    if (!words) return forward_error(words);
    for (const token_id t : *words) {
      if (auto good = put_checked(t); !good) return good;
    }
    return {};
  }
  /// This token, which a model may have chosen.
  ///
  /// Errors:  malformed if it cannot follow; nothing was put then.
  expected<void> put_checked(token_id t) {
    choice_scratch scratch;
    if (at_.is_done() || !at_.next(scratch).find(t)) {
      return fail({.code = errc::malformed,
                   .operation = "continue a prompt",
                   .place = "token " + std::to_string(tokens_.size()),
                   .found = "'" + std::string(gazette_word(t)) + "'",
                   .expected = "a word that may follow"});
    }
    put(t);
    return {};
  }
  /// "grid" or another first word: an item of this kind begins.
  prompt& begin(item_kind kind, philox& random) {
    const auto k = static_cast<std::size_t>(kind);
    put(kind == item_kind::filler ? detail::frame_starts[random.below(detail::n_frames)]
                                  : detail::item_starts[k]);
    return *this;
  }
  /// One token as this writer would; the document must not be at its end.
  prompt& write(const persona_traits& who, philox& random) {
    choice_scratch scratch;
    const choice c = at_.next(scratch);
    put(c.tokens[c.n_options() == 1 ? 0 : draw(c.row(value_of(c.key, who)), random)]);
    return *this;
  }
  /// What the program says where a model plays: frames, boards, answers of tools, what comes of an
  /// action; until the writer's turn, or the end of the item.
  prompt& let_world_speak(philox& random) {
    do {
      write({}, random);
    } while (!at_.is_writers_turn() && !at_.ended_item() && !at_.is_done());
    return *this;
  }
  /// The rest of the item, as this writer would.
  prompt& finish_item(const persona_traits& who, philox& random) {
    while (!at_.ended_item()) write(who, random);
    return *this;
  }
  /// What this writer is likeliest to say here.
  [[nodiscard]] token_id likeliest(const persona_traits& who) const {
    choice_scratch scratch;
    const choice c = at_.next(scratch);
    const auto row = c.row(value_of(c.key, who));
    return c.tokens[static_cast<std::size_t>(std::ranges::max_element(row) - row.begin())];
  }
  /// The rest of the document, as this writer would.
  prompt& finish(const persona_traits& who, philox& random) {
    while (!at_.is_done()) write(who, random);
    return *this;
  }

 private:
  void put(token_id t) {
    at_.take(t);
    tokens_.push_back(t);
  }
  prompt& add(std::initializer_list<token_id> words) {
    tokens_.insert(tokens_.end(), words);
    return *this;
  }

  cursor at_;
  std::vector<token_id> tokens_;
};

}  // namespace multitudes::lab
