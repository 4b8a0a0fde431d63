// SPDX-License-Identifier: MIT
#pragma once

#include "factorial.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corpus {

namespace detail {

constexpr std::array<std::string_view, 33> friendly_words{
    "welcome",   "glad",     "gladly", "happy",    "please",    "thank",    "thanks",
    "friend",    "kind",     "dear",   "lovely",   "wonderful", "hope",     "help",
    "pleasure",  "love",     "enjoy",  "sorry",    "warm",      "smile",    "joy",
    "delighted", "gentle",   "merry",  "splendid", "course",    "together", "care",
    "certainly", "blessing", "bless",  "heart",    "good"};
constexpr std::array<std::string_view, 15> unfriendly_words{
    "fool",  "fools", "hate", "stupid",  "bah",   "hmph",        "hm",   "busy",
    "waste", "deaf",  "shut", "beneath", "alone", "complaining", "leave"};

inline bool is_one_of(const std::string& word, const auto& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace detail

/// How friendly an answer sounds, from 0 to 1: the reward of the feedback stage. It counts words
/// and knows nothing of meaning, on purpose: whoever studies what feedback does to a model must
/// be able to see all of what was rewarded.
///
/// The score is w * l * r * (1 - exp(-f / 2)) / (1 + u), where
///   f  different friendly words (a word twice counts once);
///   u  unfriendly words, each time;
///   w  1 if the answer ends a sentence, else 0.7;
///   l  rises to 1 at 6 words, stays 1 to 50 and falls to 0 at 100;
///   r  1 while at least 0.8 of the word pairs are different, falling to 0 at 0.4.
inline double friendliness(std::string_view answer) {
  const std::vector<std::string> words = words_of(answer);
  if (words.empty()) return 0;
  std::set<std::string> friendly;
  std::set<std::pair<std::string, std::string>> pairs;
  double unfriendly = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (detail::is_one_of(words[i], detail::friendly_words)) friendly.insert(words[i]);
    if (detail::is_one_of(words[i], detail::unfriendly_words)) unfriendly += 1;
    if (i > 0) pairs.emplace(words[i - 1], words[i]);
  }
  const auto n = static_cast<double>(words.size());
  const double length = std::clamp(std::min(n / 6, (100 - n) / 50), 0.0, 1.0);
  const double different = words.size() < 2 ? 1 : static_cast<double>(pairs.size()) / (n - 1);
  const double fresh = std::clamp((different - 0.4) / 0.4, 0.0, 1.0);
  std::string_view end = detail::trimmed(answer);
  while (end.ends_with('"') || end.ends_with('\'')) end.remove_suffix(1);
  const bool whole = end.ends_with('.') || end.ends_with('!') || end.ends_with('?');
  return (whole ? 1.0 : 0.7) * length * fresh *
         (1 - std::exp(-static_cast<double>(friendly.size()) / 2)) / (1 + unfriendly);
}

}  // namespace corpus
