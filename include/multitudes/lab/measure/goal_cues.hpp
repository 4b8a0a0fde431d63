// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::lab {

/// What may be made of a phrase: its first and last word, or all of them in Latin.
enum class phrase_goal : std::uint8_t { shorten, translate };

namespace detail {

/// What this goal makes of a phrase, without a slip.
inline std::vector<token_id> made_of(std::span<const std::size_t> phrase, phrase_goal goal) {
  std::vector<token_id> out;
  if (goal == phrase_goal::translate) {
    for (const std::size_t w : phrase) out.push_back(token_id(word("sol").value + w));
  } else {
    out = {token_id(word("sun").value + phrase.front()),
           token_id(word("sun").value + phrase.back())};
  }
  return out;
}

/// "phrase fire earth fire", then these words.
inline void tell_phrase(std::vector<token_id>& to, std::span<const std::size_t> phrase,
                        std::span<const token_id> then) {
  to.push_back(word("phrase"));
  for (const std::size_t w : phrase) to.push_back(token_id(word("sun").value + w));
  to.insert(to.end(), then.begin(), then.end());
}

}  // namespace detail

/// Phrases whose words' numbers add up to a multiple of `modulus` (or to none of its multiples),
/// drawn evenly.
inline std::vector<std::vector<std::size_t>> draw_phrases(std::size_t n, std::size_t length,
                                                          std::size_t modulus, bool multiples,
                                                          std::uint64_t seed) {
  std::vector<std::vector<std::size_t>> all;
  philox random(seed, 4);
  while (all.size() < n) {
    std::vector<std::size_t> phrase;
    std::size_t sum = 0;
    for (std::size_t i = 0; i < length; ++i) {
      phrase.push_back(random.below(words::phrase.size()));
      sum += phrase.back();
    }
    if ((sum % modulus == 0) == multiples) all.push_back(std::move(phrase));
  }
  return all;
}

/// How probable it is to a reader that a goal's whole result follows, under the goal's own cue
/// and under the other's.
struct cue_reading {
  phrase_goal goal{};
  double right = 0;
  double wrong = 0;
};

/// Asks a reader (a scorer, or an ideal one) for both goals and each phrase.
///
/// Errors:  those of the reader.
/// Cost:    four short texts for each phrase.
template <class Asked>
expected<std::vector<cue_reading>> read_cues(Asked& asked,
                                             std::span<const std::vector<std::size_t>> phrases) {
  const std::array<std::array<token_id, 2>, 2> cues{
      {{word("in"), word("short")}, {word("which"), word("means")}}};
  std::vector<cue_reading> all;
  texts told;
  std::vector<std::size_t> from;
  for (const auto& phrase : phrases) {
    for (std::size_t goal = 0; goal < 2; ++goal) {
      all.push_back({static_cast<phrase_goal>(goal)});
      for (const std::size_t cue : {goal, 1 - goal}) {
        told.push_back({word("<doc>")});
        detail::tell_phrase(told.back(), phrase, cues[cue]);
        from.push_back(told.back().size());
        const auto made = detail::made_of(phrase, all.back().goal);
        told.back().insert(told.back().end(), made.begin(), made.end());
      }
    }
  }
  auto log_p = asked.log_probabilities(told, from);
  if (!log_p) return forward_error(log_p);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].right = std::exp((*log_p)[2 * i]);
    all[i].wrong = std::exp((*log_p)[2 * i + 1]);
  }
  return all;
}

/// The same where no cue says what to do ("and so") and `n_shown` other phrases were treated with
/// one goal: `right` is the probability that it is pursued again, `wrong` that the other one is.
///
/// Errors:  those of the reader.
template <class Asked>
expected<std::vector<cue_reading>> read_uncued(Asked& asked,
                                               std::span<const std::vector<std::size_t>> phrases,
                                               std::span<const std::vector<std::size_t>> examples,
                                               std::size_t n_shown) {
  constexpr std::array<token_id, 2> no_cue{word("and"), word("so")};
  std::vector<cue_reading> all;
  texts told;
  std::vector<std::size_t> from;
  for (std::size_t i = 0; i < phrases.size(); ++i) {
    for (const phrase_goal goal : {phrase_goal::shorten, phrase_goal::translate}) {
      all.push_back({goal});
      std::vector<token_id> begin{word("<doc>")};
      for (std::size_t k = 0; k < n_shown; ++k) {
        const auto& example = examples[(i * n_shown + k) % examples.size()];
        detail::tell_phrase(begin, example, no_cue);
        const auto made = detail::made_of(example, goal);
        begin.insert(begin.end(), made.begin(), made.end());
        begin.push_back(word("."));
      }
      detail::tell_phrase(begin, phrases[i], no_cue);
      const auto other = static_cast<phrase_goal>(goal == phrase_goal::shorten);
      for (const phrase_goal pursued : {goal, other}) {
        told.push_back(begin);
        from.push_back(begin.size());
        const auto made = detail::made_of(phrases[i], pursued);
        told.back().insert(told.back().end(), made.begin(), made.end());
      }
    }
  }
  auto log_p = asked.log_probabilities(told, from);
  if (!log_p) return forward_error(log_p);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].right = std::exp((*log_p)[2 * i]);
    all[i].wrong = std::exp((*log_p)[2 * i + 1]);
  }
  return all;
}

}  // namespace multitudes::lab
