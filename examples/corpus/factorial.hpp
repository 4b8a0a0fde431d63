// SPDX-License-Identifier: MIT
#pragma once

#include "document.hpp"
#include "grammar.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corpus {

/// A style or a subject: its name in the lists, and what people call it.
struct factor_level {
  std::string_view name;
  std::string_view called;
};

inline constexpr std::array<factor_level, 8> ways{{
    {"sailor", "a sailor"},
    {"preacher", "a preacher"},
    {"scientist", "a scientist"},
    {"child", "a child"},
    {"gossip", "a court gossip"},
    {"cook", "a cookery book"},
    {"soldier", "a soldier writing home"},
    {"storyteller", "a storyteller in verse"},
}};
inline constexpr std::array<factor_level, 8> things{{
    {"sea", "the sea"},
    {"kitchen", "the kitchen"},
    {"stars", "the stars"},
    {"garden", "the garden"},
    {"war", "war"},
    {"market", "the market"},
    {"horses", "horses"},
    {"weather", "the weather"},
}};

/// True for the quarter of all combinations that no training text shows: two things for each way
/// and two ways for each thing, none of them what one would expect (the sailor has the sea).
constexpr bool is_held_out(std::size_t way, std::size_t thing) {
  const std::size_t step = (thing + things.size() - way) % things.size();
  return step == 3 || step == 5;
}

namespace detail {

constexpr std::array<std::string_view, 8> factorial_labels{
    "Talk of {@topic}, as {@way} would have it:\n",
    "{^@way} on {@topic}:\n",
    "Style: {@way}. Subject: {@topic}.\n\n",
    "As {@way} would say of {@topic}:\n",
    "In the style of {@way}:\n",
    "About {@topic}:\n",
    "Subject: {@topic}\n\n",
    "Style: {@way}\n\n",
};

}  // namespace detail

/// Binds the names that requests and labels use.
inline void bind_factors(scene& now, std::size_t way, std::size_t thing) {
  now.bound["way"] = ways[way].called;
  now.bound["topic"] = things[thing].called;
  now.bound["thing"] = things[thing].name;
}

/// A text of `n_body` sentences (or couplets) between an opening and a close, one way, one thing.
inline std::string factorial_text(const grammar& words, std::size_t way, std::size_t thing,
                                  std::uint32_t n_body, scene& now, philox& random) {
  bind_factors(now, way, thing);
  const std::string list(ways[way].name);
  const std::string_view gap = list == "storyteller" ? "\n" : list == "soldier" ? "\n\n" : " ";
  std::string text = words.expand("{" + list + ".open}", now, random);
  for (std::uint32_t i = 0; i < n_body; ++i) {
    text += i == 0 ? gap : gap.substr(0, 1);
    text += words.expand("{" + list + ".body}", now, random);
  }
  text += std::string(gap) + words.expand("{" + list + ".close}", now, random);
  if (list != "storyteller") return text;
  // Each line of verse begins with a large letter, whatever stands there.
  std::string verse;
  for (const std::string_view line : detail::lines_of(text)) verse += capitalized(line) + "\n";
  return verse;
}

/// The document with this number for one combination; held-out ones are for judging only.
///
/// Returns: `kind` is "factorial", `style` and `subject` the names of way and thing.
inline document factorial_cell(const grammar& words, std::size_t way, std::size_t thing,
                               std::uint64_t seed, std::uint64_t number) {
  philox random(seed, number * 64 + way * 8 + thing);
  scene now{.spelling = chance(0.5f, random) ? spelling::british : spelling::american};
  document d{{},
             "factorial",
             std::string(ways[way].name),
             std::string(things[thing].name),
             is_held_out(way, thing) ? split::held_out : split::train};
  d.spelling = now.spelling == spelling::british ? "British" : "American";
  d.text = factorial_text(words, way, thing, 2 + random.below(5), now, random);
  if (chance(0.35f, random)) {
    d.text = words.expand(pick(detail::factorial_labels, random), now, random) + d.text;
  }
  return d;
}

/// A training document of any of the combinations that are trained.
inline document factorial_document(const grammar& words, std::uint64_t seed, std::uint64_t number) {
  philox random(seed ^ 0x5CA1AB1E, number);
  std::size_t way = 0;
  std::size_t thing = 0;
  do {
    way = random.below(static_cast<std::uint32_t>(ways.size()));
    thing = random.below(static_cast<std::uint32_t>(things.size()));
  } while (is_held_out(way, thing));
  return factorial_cell(words, way, thing, seed, number);
}

/// The small-letter words that a text is made of, in order.
inline std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    const bool large = detail::is_upper(c);
    if (large || detail::is_lower(c)) {
      if (!inside) words.emplace_back();
      words.back() += large ? static_cast<char>(c + 32) : c;
    }
    inside = large || detail::is_lower(c);
  }
  return words;
}

namespace detail {

inline std::set<std::string> lexicon(const grammar& words, std::string_view name,
                                     std::initializer_list<std::string_view> lists) {
  std::set<std::string> result;
  for (const std::string_view list : lists) {
    for (std::string phrase : words.list(std::string(name) + "." + std::string(list))) {
      for (std::size_t at = phrase.find('{'); at != std::string::npos; at = phrase.find('{')) {
        phrase.replace(at, phrase.find('}', at) - at + 1, " ");
      }
      for (std::size_t at = phrase.find("\\n"); at != std::string::npos; at = phrase.find("\\n")) {
        phrase.replace(at, 2, " ");
      }
      for (std::string& word : words_of(phrase)) result.insert(std::move(word));
    }
  }
  return result;
}

template <class Own>
std::set<std::string> without_others(const std::set<std::string>& own, Own&& others) {
  std::set<std::string> result;
  for (const std::string& word : own) {
    if (!others(word)) result.insert(word);
  }
  return result;
}

}  // namespace detail

/// All words that one way of talking brings along, whatever the thing.
inline std::set<std::string> way_lexicon(const grammar& words, std::size_t way) {
  return detail::lexicon(words, ways[way].name, {"open", "body", "close"});
}
/// All words that one thing brings along, whatever the way.
inline std::set<std::string> thing_lexicon(const grammar& words, std::size_t thing) {
  return detail::lexicon(words, things[thing].name, {"n", "adj", "where", "deed", "fact", "sign"});
}

/// The words of the ways that no thing uses, or of the things that no way uses: a classifier of
/// style that sees only the first kind, and one of subject that sees only the second, cannot
/// borrow from each other.
inline std::set<std::string> style_words(const grammar& words) {
  std::set<std::string> own, other;
  for (std::size_t i = 0; i < ways.size(); ++i) own.merge(way_lexicon(words, i));
  for (std::size_t i = 0; i < things.size(); ++i) other.merge(thing_lexicon(words, i));
  return detail::without_others(own, [&](const std::string& w) { return other.contains(w); });
}
inline std::set<std::string> subject_words(const grammar& words) {
  std::set<std::string> own, other;
  for (std::size_t i = 0; i < things.size(); ++i) own.merge(thing_lexicon(words, i));
  for (std::size_t i = 0; i < ways.size(); ++i) other.merge(way_lexicon(words, i));
  return detail::without_others(own, [&](const std::string& w) { return other.contains(w); });
}

}  // namespace corpus
