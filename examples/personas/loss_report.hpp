// SPDX-License-Identifier: MIT
#pragma once

#include "texts.hpp"

#include <multitudes/generate/score.hpp>
#include <multitudes/report/number.hpp>
#include <multitudes/report/table.hpp>
#include <multitudes/stats/kneser_ney.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace personas {

namespace detail {

/// Token ids without the one that begins every text.
inline std::vector<std::uint32_t> symbols_of(const text::tokenizer& tokenizer,
                                             std::string_view text) {
  std::vector<std::uint32_t> symbols;
  for (const token_id t : tokenizer.encode(text, {.start_token = false})) {
    symbols.push_back(t.value);
  }
  return symbols;
}

inline stats::kneser_ney fit_kneser_ney(const corpus::shelf& books,
                                        const text::tokenizer& tokenizer, std::size_t order) {
  std::vector<std::vector<std::uint32_t>> texts;
  for (const auto& d : corpus::windows(books, corpus::split::train, 1, 0, {.labeled_share = 0})) {
    texts.push_back(symbols_of(tokenizer, d.text));
  }
  const std::vector<stats::kneser_ney::symbols> views(texts.begin(), texts.end());
  return or_exit(stats::kneser_ney::fit(views, tokenizer.vocab_size(), order));
}

struct losses {
  double model = 0;
  double ngrams = 0;
  double n_tokens = 0;
  double n_bytes = 0;

  losses& operator+=(const losses& other) {
    model += other.model;
    ngrams += other.ngrams;
    n_tokens += other.n_tokens;
    n_bytes += other.n_bytes;
    return *this;
  }
};

}  // namespace detail

/// The loss on each author's held-out passages, cut as they were for training and without labels,
/// beside that of a 5-gram model that has read the same training chapters: a Markdown table.
inline std::string loss_report(const language_model& lm, thread_pool& workers,
                               const corpus::shelf& books) {
  const text::tokenizer& tokenizer = *lm.tokenizer;
  const auto ngrams = detail::fit_kneser_ney(books, tokenizer, 5);
  const auto names = authors_of(books);
  const auto pieces = pieces_by_author(books, corpus::split::held_out, 1, {.labeled_share = 0});
  report::table t({{"author"},
                   {"tokens", report::alignment::right},
                   {"model, nats/token", report::alignment::right},
                   {"5-gram, nats/token", report::alignment::right},
                   {"model, nats/byte", report::alignment::right},
                   {"5-gram, nats/byte", report::alignment::right}});
  const auto add_row = [&](const std::string& name, const detail::losses& l) {
    t.add_row({name, report::fixed(l.n_tokens, 0), report::fixed(l.model / l.n_tokens, 3),
               report::fixed(l.ngrams / l.n_tokens, 3), report::fixed(l.model / l.n_bytes, 3),
               report::fixed(l.ngrams / l.n_bytes, 3)});
  };
  detail::losses all;
  for (std::size_t a = 0; a < names.size(); ++a) {
    detail::losses own;
    std::vector<scored_text> texts;
    std::size_t longest = 1;
    for (const std::string& piece : pieces[a]) {
      const auto symbols = detail::symbols_of(tokenizer, piece);
      own.ngrams += ngrams.mean_loss(symbols).value_or(0) * static_cast<double>(symbols.size());
      own.n_tokens += static_cast<double>(symbols.size());
      own.n_bytes += static_cast<double>(piece.size());
      texts.push_back({tokenizer.encode(piece), 1});
      longest = std::max(longest, texts.back().tokens.size());
    }
    if (texts.empty()) continue;
    auto b = or_exit(batch::make(lm, {.n_sequences = 16, .context = longest}));
    for (const double x : or_exit(log_probabilities(b, workers, texts))) own.model -= x;
    add_row(names[a], own);
    all += own;
  }
  add_row("all", all);
  return t.to_markdown();
}

}  // namespace personas
