// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/text/unicode_category.hpp>
#include <multitudes/text/utf8.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace multitudes::text {

/// A set of characters, like `[\p{L}\p{N}]` or `[^\r\n\p{L}]`. Bytes that are not UTF-8 count as
/// one character of category `other` for each ill-formed piece.
struct character_class {
  std::uint8_t categories = 0;  ///< bits of `text::category`
  std::string_view also{};      ///< single ASCII characters
  bool negated = false;
};

inline constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

/// A run of at least `least` and at most `most` characters, as long as the rest of the rule allows.
struct split_step {
  character_class of{};
  std::size_t least = 1;
  std::size_t most = 0;  ///< 0: no step
};

/// One alternative: one of some literal texts, or a sequence of runs.
struct split_rule {
  std::span<const std::string_view> literals{};
  bool ignore_case = false;  ///< of ASCII letters in `literals`, which are in lower case
  std::array<split_step, 3> steps{};
  /// The match must not be followed by one of these.
  character_class not_before{};
};

/// Rules in the order in which they are tried at each place. What no rule matches stays together.
struct split_stage {
  std::span<const split_rule> rules;
};

/// How byte-level BPE cuts a text into words before it merges: each stage cuts what the one before
/// left. It is data, so that another vocabulary's regular expression is another table.
struct pretokenizer {
  std::string_view name;
  std::span<const split_stage> stages;
};

/// Ends of the words that a pre-tokenizer cuts texts into. It keeps its memory between texts.
class word_splitter {
 public:
  /// The end of each word of `text` in bytes, in order; valid until the next call.
  ///
  /// Cost:    linear in the text, unless a rule looks far ahead each time a run gives back a
  ///          character (none here does); one byte of memory for each byte of text.
  std::span<const std::size_t> split(std::string_view text, const pretokenizer& how) {
    text_ = text;
    classify();
    ends_.clear();
    if (!text.empty()) ends_.push_back(text.size());
    for (const split_stage& stage : how.stages) {
      previous_.swap(ends_);
      ends_.clear();
      std::size_t begin = 0;
      for (const std::size_t end : previous_) {
        split_part(begin, end, stage);
        begin = end;
      }
    }
    return ends_;
  }

 private:
  static constexpr std::size_t no_match = any_number;

  void classify() {
    categories_.assign(text_.size(), 0);  // 0 marks the later bytes of a character
    for (std::size_t i = 0; i < text_.size();) {
      const decoded_character c = decode_character(text_.substr(i));
      categories_[i] = c.valid ? categories_of(c.code) : category::other;
      i += c.size;
    }
  }

  void split_part(std::size_t begin, std::size_t end, const split_stage& stage) {
    std::size_t unmatched = begin;
    for (std::size_t i = begin; i < end;) {
      std::size_t match = no_match;
      for (const split_rule& rule : stage.rules) {
        match = match_rule(i, end, rule);
        if (match != no_match) break;
      }
      if (match == no_match || match == i) {
        i = after(i, end);
        continue;
      }
      if (unmatched != i) ends_.push_back(i);
      ends_.push_back(match);
      unmatched = i = match;
    }
    if (unmatched != end) ends_.push_back(end);
  }

  [[nodiscard]] std::size_t match_rule(std::size_t i, std::size_t end,
                                       const split_rule& rule) const {
    for (const std::string_view literal : rule.literals) {
      const std::size_t stop = i + literal.size();
      if (literal.size() <= end - i && equals(i, literal, rule.ignore_case) &&
          may_end(stop, end, rule)) {
        return stop;
      }
    }
    return rule.steps[0].most == 0 ? no_match : match_steps(i, end, rule, 0);
  }

  /// The end of the match of the steps from `step` on: each run gives back characters, last first,
  /// until what follows matches. The recursion is as deep as a rule has steps.
  [[nodiscard]] std::size_t match_steps(std::size_t i, std::size_t end, const split_rule& rule,
                                        std::size_t step) const {
    if (step == rule.steps.size() || rule.steps[step].most == 0) {
      return may_end(i, end, rule) ? i : no_match;
    }
    const split_step& run = rule.steps[step];
    std::size_t stop = i;
    std::size_t count = 0;
    while (count < run.most && stop < end && contains(run.of, stop)) {
      stop = after(stop, end);
      ++count;
    }
    for (;;) {
      if (count < run.least) return no_match;
      const std::size_t match = match_steps(stop, end, rule, step + 1);
      if (match != no_match || count == 0) return match;
      --count;
      do --stop;
      while (categories_[stop] == 0);
    }
  }

  [[nodiscard]] bool may_end(std::size_t stop, std::size_t end, const split_rule& rule) const {
    return stop == end || !contains(rule.not_before, stop);
  }
  [[nodiscard]] bool contains(const character_class& c, std::size_t i) const {
    const bool listed =
        (categories_[i] & c.categories) != 0 || c.also.find(text_[i]) != std::string_view::npos;
    return listed != c.negated;
  }
  [[nodiscard]] bool equals(std::size_t i, std::string_view literal, bool ignore_case) const {
    for (const char wanted : literal) {
      char c = text_[i++];
      if (ignore_case && c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
      if (c != wanted) return false;
    }
    return true;
  }
  [[nodiscard]] std::size_t after(std::size_t i, std::size_t end) const {
    do ++i;
    while (i < end && categories_[i] == 0);
    return i;
  }

  std::string_view text_;
  std::vector<std::uint8_t> categories_;
  std::vector<std::size_t> ends_;
  std::vector<std::size_t> previous_;
};

namespace detail {

inline constexpr std::array<std::string_view, 7> contractions{"'s", "'t",  "'re", "'ve",
                                                              "'m", "'ll", "'d"};
inline constexpr character_class a_space{.also = " "};
inline constexpr character_class spaces{.categories = category::white_space};
inline constexpr character_class not_spaces{.categories = category::white_space, .negated = true};
inline constexpr character_class letters{.categories = category::letter};
inline constexpr character_class numbers{.categories = category::number};
inline constexpr character_class neither_word_nor_space{
    .categories = category::white_space | category::letter | category::number, .negated = true};

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
inline constexpr std::array<split_rule, 6> gpt2_rules{{
    {.literals = contractions},
    {.steps = {{{a_space, 0, 1}, {letters, 1, any_number}}}},
    {.steps = {{{a_space, 0, 1}, {numbers, 1, any_number}}}},
    {.steps = {{{a_space, 0, 1}, {neither_word_nor_space, 1, any_number}}}},
    {.steps = {{{spaces, 1, any_number}}}, .not_before = not_spaces},
    {.steps = {{{spaces, 1, any_number}}}},
}};
inline constexpr std::array<split_stage, 1> gpt2_stages{{{gpt2_rules}}};

}  // namespace detail

/// The pre-tokenizers that are known, by the names that GGUF files give them.
inline constexpr std::array<pretokenizer, 1> pretokenizers{{
    {"gpt-2", detail::gpt2_stages},
}};

/// The pre-tokenizer of that name, or null.
constexpr const pretokenizer* find_pretokenizer(std::string_view name) noexcept {
  for (const pretokenizer& p : pretokenizers) {
    if (p.name == name) return &p;
  }
  return nullptr;
}

}  // namespace multitudes::text
