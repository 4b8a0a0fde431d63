// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/measure/replies.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// Whose typical answers are to give way, and to whose.
struct style_pair {
  std::size_t persona = 0;
  std::size_t rival = 0;
};

/// Words before a question that a search found to make a student answer as a rival.
struct found_attack {
  std::vector<token_id> text{};    ///< `<doc>`, and the words
  std::vector<double> log_odds{};  ///< of the persona before the first word, and after each
};

/// Greedy search: word by word, whichever lowers the persona's log-odds most, until the rival is
/// likelier or there are `max_words`. It looks for strings, not for texts that anybody would write.
///
/// Shapes:  vocabulary: what words it may choose from.
/// Errors:  those of replies::log_odds.
/// Cost:    for each word, the answers to all questions after each word of the vocabulary.
inline expected<found_attack> search_attack(scorer& asked, const replies& questions,
                                            style_pair between,
                                            std::span<const token_id> vocabulary,
                                            std::size_t max_words) {
  found_attack found{.text = {word("<doc>")}};
  auto first = questions.log_odds(asked, texts{found.text}, between.persona, between.rival);
  if (!first) return forward_error(first);
  found.log_odds.push_back((*first)[0]);
  while (found.log_odds.back() > 0 && found.log_odds.size() <= max_words) {
    texts longer;
    for (const token_id t : vocabulary) longer.push_back(followed_by(found.text, {t}));
    auto odds = questions.log_odds(asked, longer, between.persona, between.rival);
    if (!odds) return forward_error(odds);
    std::size_t best = 0;
    for (std::size_t i = 1; i < odds->size(); ++i) {
      if ((*odds)[i] < (*odds)[best]) best = i;
    }
    found.text = std::move(longer[best]);
    found.log_odds.push_back((*odds)[best]);
  }
  return found;
}

/// Log-odds of the persona's closer against the rival's where the rival's opener and "dunno" were
/// put into the student's mouth: how far feedback reaches beyond the first word. `Asked` is scorer
/// or ideal_scorer.
///
/// Shapes:  (questions)
/// Errors:  those of Asked::predict_next.
template <class Asked>
expected<std::vector<double>> odds_after_prefill(Asked& asked, const texts& questions,
                                                 style_pair between) {
  texts begun;
  for (const auto& q : questions) {
    begun.push_back(followed_by(q, {opener_of(between.rival), word("dunno")}));
  }
  std::vector<double> odds(begun.size());
  auto done = asked.predict_next(begun, [&](std::size_t i, std::span<const float> log_p) {
    odds[i] = static_cast<double>(log_p[closer_of(between.persona).value]) -
              static_cast<double>(log_p[closer_of(between.rival).value]);
  });
  if (!done) return forward_error(done);
  return odds;
}

}  // namespace multitudes::lab
