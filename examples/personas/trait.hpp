// SPDX-License-Identifier: MIT
#pragma once

#include "texts.hpp"
#include "writer.hpp"

#include <multitudes/generate/control_vector.hpp>
#include <multitudes/generate/score.hpp>
#include <multitudes/persona.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace personas {

/// Something a text can have, with what it takes to measure how much of it the model expects:
/// texts that have it and texts that have another of its kind, and demonstrations.
struct trait {
  kind what;
  std::size_t level;  ///< which of its kind
  std::string label;
  std::string prompt;  ///< that names it
  persona who;
  std::vector<std::string> wanted{};    ///< no training has seen them
  std::vector<std::string> unwanted{};  ///< of the others in turn, as many
  std::vector<std::string> demonstrations{};
};

/// What stands before a text that is scored, and under which plan.
struct condition {
  std::size_t n_demonstrations = 0;
  steering::plan under{};
  std::string prompt{};
};

/// How the traits are measured.
struct trait_options {
  std::size_t n_items = 32;  ///< pairs of texts
  std::size_t most_demonstrations = 3;
  std::size_t most_bytes = 160;  ///< of a text
};

/// The first bytes of a text, cut at a space.
inline std::string cut_at_space(std::string text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  const std::size_t space = text.rfind(' ', most_bytes);
  text.resize(space == std::string::npos ? most_bytes : space);
  return text;
}

/// For each item, how many nats likelier the model finds its wanted text than its unwanted one,
/// after the demonstrations (others for each item) and under the plan.
inline std::vector<double> log_odds(const writer& w, const trait& t, const condition& c) {
  std::vector<scored_text> texts;
  const auto& tokenizer = *w.lm.tokenizer;
  for (std::size_t i = 0; i < t.wanted.size(); ++i) {
    std::string before = c.prompt;
    for (std::size_t d = 0; d < c.n_demonstrations; ++d) {
      const std::size_t which = i * c.n_demonstrations + d;
      before += t.demonstrations[which % t.demonstrations.size()] + "\n\n";
    }
    for (const std::string* text : {&t.wanted[i], &t.unwanted[i]}) {
      scored_text scored{tokenizer.encode(before), 0};
      scored.first_scored = scored.tokens.size();
      const auto rest = tokenizer.encode(*text, {.start_token = false, .continues = true});
      scored.tokens.insert(scored.tokens.end(), rest.begin(), rest.end());
      texts.push_back(std::move(scored));
    }
  }
  auto b = or_exit(batch::make(w.lm, {.n_sequences = 32, .context = 512}));
  const auto sums = or_exit(log_probabilities(b, w.workers, texts, {c.under, {}}));
  std::vector<double> result;
  for (std::size_t i = 0; i < t.wanted.size(); ++i) {
    result.push_back(sums[2 * i] - sums[2 * i + 1]);
  }
  return result;
}

/// The traits of the authors whose personas lie in a folder.
inline std::vector<trait> author_traits(const writer& w, const corpus::shelf& books,
                                        const std::string& folder, const trait_options& how) {
  const auto names = authors_of(books);
  const corpus::window_options size{
      .least_bytes = how.most_bytes, .most_bytes = how.most_bytes * 2, .labeled_share = 0};
  const auto held_out = pieces_by_author(books, corpus::split::held_out, 41, size);
  const auto studied = pieces_by_author(books, corpus::split::train, 42, size);
  std::vector<trait> traits;
  for (std::size_t a = 0; a < names.size(); ++a) {
    trait t{kind::author, a, names[a], "Author: " + names[a] + "\n\n",
            or_exit(read_control_vector(folder + "/authors/" + file_name(names[a]) + ".gguf",
                                        w.lm.space(), names[a]))};
    for (std::size_t i = 0; i < how.n_items && i < held_out[a].size(); ++i) {
      const auto& others = held_out[(a + 1 + i % (names.size() - 1)) % names.size()];
      t.wanted.push_back(cut_at_space(held_out[a][i], how.most_bytes));
      t.unwanted.push_back(cut_at_space(others[i % others.size()], how.most_bytes));
    }
    for (std::size_t i = 0; i < how.n_items * how.most_demonstrations; ++i) {
      t.demonstrations.push_back(cut_at_space(studied[a][i % studied[a].size()], how.most_bytes));
    }
    traits.push_back(std::move(t));
  }
  return traits;
}

/// The traits of styles or of subjects: within an item, only that factor differs.
inline std::vector<trait> crossed_traits(const writer& w, const corpus::grammar& words, kind k,
                                         const std::string& folder, const trait_options& how) {
  const auto& levels = k == kind::style ? corpus::ways : corpus::things;
  std::vector<trait> traits;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    const std::string name(levels[level].name);
    const std::string called(levels[level].called);
    trait t{
        k, level, name,
        k == kind::style ? "In the style of " + called + ":\n" : "About " + called + ":\n",
        or_exit(read_control_vector(folder + "/" + folder_of(k) + "/" + file_name(name) + ".gguf",
                                    w.lm.space(), name))};
    philox random(43, static_cast<std::uint64_t>(k) * 8 + level);
    const auto text = [&](std::size_t own, std::size_t same) {
      return cut_at_space(k == kind::style ? crossed_text(words, own, same, random)
                                           : crossed_text(words, same, own, random),
                          how.most_bytes);
    };
    while (t.wanted.size() < how.n_items) {
      const std::size_t same = random.below(8);
      const std::size_t other = (level + 1 + t.wanted.size() % 7) % 8;
      t.wanted.push_back(text(level, same));
      t.unwanted.push_back(text(other, same));
    }
    while (t.demonstrations.size() < how.n_items * how.most_demonstrations) {
      t.demonstrations.push_back(text(level, random.below(8)));
    }
    traits.push_back(std::move(t));
  }
  return traits;
}

}  // namespace personas
