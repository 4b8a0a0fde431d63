// SPDX-License-Identifier: MIT
#pragma once

#include "../corpus/factorial.hpp"
#include "../training/texts.hpp"
#include "judge.hpp"

#include <multitudes/extract/pairs.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace personas {

using corpus::philox;

/// What personas are learned for.
enum class kind : std::uint8_t { author, style, subject };

/// The folder of a kind's control vectors.
inline const char* folder_of(kind k) {
  return k == kind::author ? "authors" : k == kind::style ? "styles" : "subjects";
}

/// `Jane Austen` as `jane_austen`, for a file's name.
inline std::string file_name(std::string_view label) {
  std::string name;
  for (const std::string& word : corpus::words_of(label)) {
    if (!name.empty()) name += '_';
    name += word;
  }
  return name;
}

template <class T>
void shuffle(std::vector<T>& items, philox& random) {
  for (std::size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[random.below(static_cast<std::uint32_t>(i))]);
  }
}

/// The authors of a shelf, in the order of their works.
inline std::vector<std::string> authors_of(const corpus::shelf& books) {
  std::vector<std::string> names;
  for (const corpus::work& w : books.works) {
    if (std::find(names.begin(), names.end(), w.author) == names.end()) names.push_back(w.author);
  }
  return names;
}

/// Pieces of each author's books without a label, in no order: (authors, pieces).
inline std::vector<std::vector<std::string>> pieces_by_author(const corpus::shelf& books,
                                                              corpus::split part,
                                                              std::uint64_t seed,
                                                              const corpus::window_options& how) {
  const auto names = authors_of(books);
  std::vector<std::vector<std::string>> pieces(names.size());
  for (auto& d : corpus::windows(books, part, seed, 0, how)) {
    const auto author = std::find(names.begin(), names.end(), d.style) - names.begin();
    pieces[static_cast<std::size_t>(author)].push_back(std::move(d.text));
  }
  philox random(seed, 7);
  for (auto& own : pieces) shuffle(own, random);
  return pieces;
}

/// A text of one style about one subject, without a label.
inline std::string crossed_text(const corpus::grammar& words, std::size_t way, std::size_t thing,
                                philox& random) {
  corpus::scene now{.spelling = corpus::chance(0.5f, random) ? corpus::spelling::british
                                                             : corpus::spelling::american};
  return corpus::factorial_text(words, way, thing, 2 + random.below(3), now, random);
}

/// Pairs for one author: a piece of theirs, and one of each of the others in turn.
inline std::vector<contrast_pair> author_pairs(const std::vector<std::vector<std::string>>& pieces,
                                               std::size_t author,
                                               std::span<const std::size_t> others) {
  std::vector<contrast_pair> pairs;
  for (std::size_t i = 0; i < pieces[author].size(); ++i) {
    const auto& theirs = pieces[others[i % others.size()]];
    pairs.push_back({pieces[author][i], theirs[i % theirs.size()]});
  }
  return pairs;
}

/// Pairs for a style or a subject: the other factor is the same on both sides, and no side is a
/// combination that is held out.
inline std::vector<contrast_pair> crossed_pairs(const corpus::grammar& words, kind k,
                                                std::size_t level, std::size_t n,
                                                std::uint64_t seed) {
  philox random(seed, static_cast<std::uint64_t>(k) * 64 + level);
  std::vector<contrast_pair> pairs;
  while (pairs.size() < n) {
    const std::size_t same = random.below(8);
    const std::size_t other = random.below(8);
    const auto cell = [&](std::size_t own) {
      return k == kind::style ? std::pair(own, same) : std::pair(same, own);
    };
    const auto [way, thing] = cell(level);
    const auto [other_way, other_thing] = cell(other);
    if (other == level || corpus::is_held_out(way, thing) ||
        corpus::is_held_out(other_way, other_thing)) {
      continue;
    }
    std::string positive = crossed_text(words, way, thing, random);
    pairs.push_back({std::move(positive), crossed_text(words, other_way, other_thing, random)});
  }
  return pairs;
}

/// Texts of all combinations but the held-out ones, labeled with their style or their subject.
inline std::vector<labeled_text> crossed_texts(const corpus::grammar& words, kind k,
                                               std::size_t n_each, std::uint64_t seed) {
  std::vector<labeled_text> texts;
  philox random(seed, 99);
  for (std::size_t way = 0; way < corpus::ways.size(); ++way) {
    for (std::size_t thing = 0; thing < corpus::things.size(); ++thing) {
      if (corpus::is_held_out(way, thing)) continue;
      for (std::size_t i = 0; i < n_each; ++i) {
        texts.push_back({k == kind::style ? way : thing, crossed_text(words, way, thing, random)});
      }
    }
  }
  return texts;
}

/// Pairs that tell talk of any style about any subject from books, which the model would write
/// most of the time.
inline std::vector<contrast_pair> talk_pairs(const corpus::grammar& words,
                                             const std::vector<std::vector<std::string>>& pieces,
                                             std::size_t n, std::uint64_t seed) {
  auto talk = crossed_texts(words, kind::style, n / 48 + 1, seed);
  philox random(seed, 100);
  shuffle(talk, random);
  std::vector<contrast_pair> pairs;
  for (std::size_t i = 0; i < n; ++i) {
    const auto& theirs = pieces[i % pieces.size()];
    pairs.push_back({talk[i].text, theirs[i % theirs.size()]});
  }
  return pairs;
}

}  // namespace personas
