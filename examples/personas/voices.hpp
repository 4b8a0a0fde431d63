// SPDX-License-Identifier: MIT
#pragma once

#include "../corpus/instructions.hpp"
#include "texts.hpp"
#include "writer.hpp"

#include <multitudes/observe/model_valley.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace personas {

/// Whom the stages of training are asked for: the authors of the books and the assistant of the
/// last stage, each with texts to learn from and others to measure by.
struct voices {
  std::vector<std::string> labels;
  std::vector<std::vector<std::vector<token_id>>> studied;  ///< (voices, texts)
  std::vector<persona_texts> held_out;
  /// More held-out texts of the authors, to judge probabilities by: (authors, texts)
  std::vector<std::vector<std::vector<token_id>>> judged;

  [[nodiscard]] std::size_t size() const noexcept { return labels.size(); }
};

struct voice_options {
  std::size_t n_studied = 40;  ///< texts of each voice
  std::size_t n_held_out = 8;
  std::size_t n_judged = 24;   ///< at most, these eight included; some authors have no more
  std::size_t n_tokens = 192;  ///< of a text, all of one length
};

/// Conversations that a model has with itself as the assistant, one after the other, until a text
/// is long enough.
inline std::vector<std::vector<token_id>> assistant_texts(const language_model& assistant,
                                                          thread_pool& workers,
                                                          const corpus::village& where,
                                                          std::size_t n, std::size_t n_tokens) {
  constexpr std::size_t n_exchanges = 8;
  std::vector<request> requests;
  for (std::size_t i = 0; i < n * n_exchanges; ++i) {
    requests.push_back({{}, corpus::feedback_prompt(where, 55, i)});
  }
  const auto answers = write_samples(assistant, workers, requests, 48,
                                     {.temperature = 0.8f, .top_p = 0.95f, .seed = 3});
  std::vector<std::vector<token_id>> texts;
  for (std::size_t t = 0; t < n; ++t) {
    std::string text;
    for (std::size_t e = 0; e < n_exchanges; ++e) {
      const std::size_t i = t * n_exchanges + e;
      text += requests[i].prompt + answers[i].substr(0, answers[i].find("<|")) + "<|end|>\n";
    }
    texts.push_back(assistant.tokenizer->encode(text, {.parse_special = true}));
    texts.back().resize(std::min(texts.back().size(), n_tokens));
  }
  std::erase_if(texts, [&](const auto& text) { return text.size() < n_tokens; });
  return texts;
}

inline voices read_voices(const language_model& assistant, thread_pool& workers,
                          const corpus::shelf& books, const corpus::village& where,
                          const voice_options& how) {
  voices v{authors_of(books), {}, {}, {}};
  const corpus::window_options size{
      .least_bytes = how.n_tokens * 5, .most_bytes = how.n_tokens * 7, .labeled_share = 0};
  const auto& tokenizer = *assistant.tokenizer;
  for (const bool study : {true, false}) {
    const std::size_t n = study ? how.n_studied : how.n_judged;
    auto pieces =
        pieces_by_author(books, study ? corpus::split::train : corpus::split::held_out, 51, size);
    for (std::size_t a = 0; a < pieces.size(); ++a) {
      std::vector<std::vector<token_id>> texts;
      for (const std::string& piece : pieces[a]) {
        auto tokens = tokenizer.encode(piece);
        if (tokens.size() < how.n_tokens || texts.size() == n) continue;
        tokens.resize(how.n_tokens);
        texts.push_back(std::move(tokens));
      }
      if (study) {
        v.studied.push_back(std::move(texts));
      } else {
        const auto few = static_cast<std::ptrdiff_t>(std::min(how.n_held_out, texts.size()));
        v.held_out.push_back({v.labels[a], {texts.begin(), texts.begin() + few}});
        v.judged.push_back(std::move(texts));
      }
    }
  }
  auto talk =
      assistant_texts(assistant, workers, where, how.n_studied + how.n_held_out + 8, how.n_tokens);
  v.labels.emplace_back("the assistant");
  const auto cut =
      talk.begin() + static_cast<std::ptrdiff_t>(std::min(how.n_held_out, talk.size() / 2));
  v.held_out.push_back({v.labels.back(), {talk.begin(), cut}});
  v.studied.emplace_back(cut, talk.end());
  return v;
}

/// How states are read.
struct reading_way {
  layer_index layer;
  std::size_t stretch = 16;  ///< tokens of a state
  bool alone = false;        ///< each stretch as if nothing had been said before it
  std::size_t n_axes = 8;
};

inline state_rows states_of(batch& b, thread_pool& workers, std::span<const token_id> text,
                            const reading_way& how) {
  return or_exit(how.alone ? read_stretches(b, workers, text, how.layer, how.stretch)
                           : read_states(b, workers, text, how.layer, how.stretch));
}

/// A reader of states, learned from the texts that are studied.
inline state_reader learn_reader(const language_model& lm, thread_pool& workers, const voices& v,
                                 const reading_way& how) {
  auto b = or_exit(batch::make(lm, {.n_sequences = 16, .context = 256}));
  state_rows all{how.layer, lm.shape().model_dim, {}};
  std::vector<std::size_t> labels;
  for (std::size_t k = 0; k < v.size(); ++k) {
    for (const auto& text : v.studied[k]) {
      const auto rows = states_of(b, workers, text, how);
      all.rows.insert(all.rows.end(), rows.rows.begin(), rows.rows.end());
      labels.insert(labels.end(), rows.size(), k);
    }
  }
  const std::vector<double> even(v.size(), 1.0 / static_cast<double>(v.size()));
  return or_exit(state_reader::learn(lm.space(), all, labels, v.size(),
                                     {.n_axes = how.n_axes, .prevalences = even}));
}

/// A population in which all voices are as prevalent.
inline multitude even_population(const voices& v) {
  std::vector<multitude_member> members;
  for (const std::string& label : v.labels) members.push_back({label, 1.0, {}});
  return or_exit(multitude::make(std::move(members)));
}

}  // namespace personas
