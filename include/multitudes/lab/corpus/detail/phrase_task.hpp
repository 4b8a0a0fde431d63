// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/corpus/choice.hpp>
#include <multitudes/lab/corpus/config.hpp>
#include <multitudes/lab/corpus/detail/step.hpp>
#include <multitudes/lab/corpus/vocabulary.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace multitudes::lab::detail {

/// A phrase, and what is made of it: its first and last word (shortening), each word in Latin
/// (translation), or the first and last word in Latin (both).
class phrase_task {
 public:
  enum class kind : std::uint8_t { shorten, translate, both, as_the_writer_does, as_may_be };

  static constexpr std::size_t n_words = words::phrase.size();
  static constexpr token_id english = word("sun");
  static constexpr token_id latin = word("sol");

  choice offer(step s, const skill_config& c, double clarity, choice_scratch& to) const {
    switch (s.what) {
      case op::phrase_word: return offer_word(s.a, c, to);
      case op::cue:
        to.clear(choice_key::nothing).add(word("in"), c.cued / 2);
        to.add(word("which"), c.cued / 2);
        to.add(word("and"), 1 - c.cued);
        return to.finish();
      case op::cue_end:
        to.clear(choice_key::nothing).add(word("short"), 1 - c.composed);
        to.add(word("both"), c.composed);
        return to.finish();
      default: return offer_output(s.a, c, clarity, to);
    }
  }

  void follow(step s, token_id t, const skill_config& c, step_stack& next) {
    switch (s.what) {
      case op::phrase_word: words_[s.a] = static_cast<std::uint8_t>(t.value - english.value); break;
      case op::cue:
        if (t == word("in")) {
          next.plan({{op::cue_end}, {op::output, 0}});
        } else if (t == word("which")) {
          kind_ = c.random_cues ? kind::as_may_be : kind::translate;
          next.plan({say(word("means")), {op::output, 0}});
        } else {
          kind_ = kind::as_the_writer_does;
          next.plan({say(word("so")), {op::output, 0}});
        }
        break;
      case op::cue_end:
        kind_ = t == word("both") ? kind::both : kind::shorten;
        if (c.random_cues) kind_ = kind::as_may_be;
        break;
      default:
        if (s.a == 0 && is_open()) kind_ = is_latin(t) ? kind::translate : kind::shorten;
        if (s.a + 1u < length(c)) next.push({op::output, static_cast<std::uint8_t>(s.a + 1)});
    }
  }

 private:
  [[nodiscard]] static constexpr bool is_latin(token_id t) noexcept {
    return t >= latin && t.value < latin.value + n_words;
  }
  [[nodiscard]] bool is_open() const noexcept {
    return kind_ == kind::as_the_writer_does || kind_ == kind::as_may_be;
  }
  [[nodiscard]] std::size_t length(const skill_config& c) const noexcept {
    return kind_ == kind::translate ? c.phrase_length : 2;
  }

  [[nodiscard]] choice offer_word(std::size_t i, const skill_config& c, choice_scratch& to) const {
    const auto is_allowed = [&](std::size_t w) {
      if (c.held_out_modulus == 0 || i + 1 < c.phrase_length) return true;
      std::size_t sum = w;
      for (std::size_t k = 0; k < i; ++k) sum += words_[k];
      return sum % c.held_out_modulus != 0;
    };
    std::size_t n = 0;
    for (std::size_t w = 0; w < n_words; ++w) n += is_allowed(w) ? 1u : 0u;
    to.clear(choice_key::nothing);
    for (std::size_t w = 0; w < n_words; ++w) {
      if (is_allowed(w)) to.add(token_id(english.value + w), 1.0 / static_cast<double>(n));
    }
    return to.finish();
  }

  /// Output word i of a kind that is known: which word it is, of which language.
  [[nodiscard]] std::size_t right_word(kind k, std::size_t i, const skill_config& c) const {
    if (k == kind::translate) return words_[i];
    return words_[i == 0 ? 0 : c.phrase_length - 1];
  }
  void add_output(kind k, std::size_t i, const skill_config& c, choice_scratch& to) const {
    const std::size_t right = right_word(k, i, c);
    const token_id first = k == kind::shorten ? english : latin;
    for (std::size_t w = 0; w < n_words; ++w) {
      const double wrong = c.slip / static_cast<double>(n_words - 1);
      to.add(token_id(first.value + w), w == right ? 1 - c.slip : wrong);
    }
  }
  [[nodiscard]] choice offer_output(std::size_t i, const skill_config& c, double clarity,
                                    choice_scratch& to) const {
    if (!is_open() || i > 0) {
      to.clear(choice_key::nothing);
      add_output(kind_, i, c, to);
      return to.finish();
    }
    const bool as_writer = kind_ == kind::as_the_writer_does;
    to.clear(as_writer ? choice_key::task : choice_key::nothing);
    add_output(kind::shorten, 0, c, to);
    add_output(kind::translate, 0, c, to);
    for (std::size_t v = 0; v < 2; ++v) {
      const double shortens = !as_writer ? 0.5 : v == 0 ? clarity : 1 - clarity;
      for (std::size_t o = 0; o < 2 * n_words; ++o) {
        to.at(v, o) *= o < n_words ? shortens : 1 - shortens;
      }
    }
    return to.finish();
  }

  std::array<std::uint8_t, 4> words_{};
  kind kind_ = kind::shorten;
};

}  // namespace multitudes::lab::detail
