// SPDX-License-Identifier: MIT
#pragma once

#include "../corpus/factorial.hpp"
#include "../corpus/instructions.hpp"
#include "../corpus/labels.hpp"
#include "../corpus/village_documents.hpp"
#include "../or_exit.hpp"
#include "recipe.hpp"

#include <multitudes/text/bpe_trainer.hpp>
#include <multitudes/text/tokenizer.hpp>
#include <multitudes/train/dataset.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace training {

using namespace multitudes;
using example::or_exit;

/// What all stages read from.
struct sources {
  corpus::shelf books;
  corpus::village where;
};

inline sources read_sources(const recipe& r) {
  corpus::shelf_options options{.manifest = r.manifest};
  for (auto& record : or_exit(read_records(r.data + "/leave_out.txt", 1))) {
    options.leave_out.push_back(record[0]);
  }
  return {or_exit(corpus::read_shelf(r.texts, options)), or_exit(corpus::village::read(r.data))};
}

/// Generated document `number`: villagers, and styles crossed with subjects, half and half.
inline std::string generated_text(const sources& from, std::uint64_t seed, std::uint64_t number) {
  return number % 2 == 0 ? corpus::village_document(from.where, seed, number / 2).text
                         : corpus::factorial_document(from.where.words(), seed, number / 2).text;
}

/// A byte-level vocabulary of the books and about as much generated text as will be trained on.
inline std::shared_ptr<const text::tokenizer> learn_tokenizer(const recipe& r,
                                                              const sources& from) {
  std::vector<std::string> generated;
  std::size_t book_bytes = 0;
  std::vector<std::string_view> texts;
  for (const corpus::chunk& c : from.books.chunks) {
    if (c.part != corpus::split::train) continue;
    texts.push_back(c.text);
    book_bytes += c.text.size();
  }
  const double wanted = static_cast<double>(book_bytes) * r.generated_share;
  for (std::size_t bytes = 0; static_cast<double>(bytes) < wanted;) {
    generated.push_back(generated_text(from, r.seed + 1, generated.size()));
    bytes += generated.back().size();
  }
  texts.insert(texts.end(), generated.begin(), generated.end());
  const std::string_view specials[] = {"<|endoftext|>", "<|user|>", "<|assistant|>", "<|end|>"};
  const auto trained = or_exit(text::train_byte_bpe(texts, {.vocab_size = r.vocab_size,
                                                            .specials = specials,
                                                            .start_token = specials[0],
                                                            .end_token = specials[0]}));
  text::vocabulary v = trained.view();
  v.add_bos = true;
  return std::make_shared<const text::tokenizer>(or_exit(text::tokenizer::make(v)));
}

/// A text between two end marks, so that beginnings and ends are learned.
inline void add_text(train::dataset& to, const text::tokenizer& tokenizer, std::string_view text) {
  auto tokens = tokenizer.encode(text);
  tokens.push_back(*tokenizer.eos());
  to.add(tokens);
}

/// What the base model reads: the books several times, cut anew each time, and generated texts.
inline train::dataset base_texts(const recipe& r, const sources& from,
                                 const text::tokenizer& tokenizer) {
  train::dataset data;
  for (std::uint64_t pass = 0; pass < r.book_passes; ++pass) {
    for (const auto& d : corpus::windows(from.books, corpus::split::train, r.seed, pass)) {
      add_text(data, tokenizer, d.text);
    }
  }
  const double share = r.generated_share / (1 - r.generated_share);
  const double wanted = static_cast<double>(data.n_tokens()) * (1 + share);
  for (std::uint64_t n = 0; static_cast<double>(data.n_tokens()) < wanted; ++n) {
    add_text(data, tokenizer, generated_text(from, r.seed, n));
  }
  return data;
}

/// The held-out pieces of one author, or of all; without labels.
inline train::dataset held_out_texts(const recipe& r, const sources& from,
                                     const text::tokenizer& tokenizer, std::string_view author,
                                     std::size_t most_tokens) {
  train::dataset data;
  auto windows =
      corpus::windows(from.books, corpus::split::held_out, r.seed, 0, {.labeled_share = 0.0f});
  // Any beginning of the list is then a fair sample.
  corpus::philox random(r.seed, 99);
  for (std::size_t i = windows.size(); i > 1; --i) {
    std::swap(windows[i - 1], windows[random.below(static_cast<std::uint32_t>(i))]);
  }
  for (const auto& d : windows) {
    if (!author.empty() && d.style != author) continue;
    if (data.n_tokens() > most_tokens) break;
    add_text(data, tokenizer, d.text);
  }
  return data;
}

/// Some more reading among the conversations, so that what was read before is not forgotten.
inline void add_reading(train::dataset& to, const recipe& r, const sources& from,
                        const text::tokenizer& tokenizer) {
  const double wanted = static_cast<double>(to.n_tokens()) / (1 - r.reading_share);
  auto windows = corpus::windows(from.books, corpus::split::train, r.seed, r.book_passes);
  corpus::philox random(r.seed, 98);
  for (std::size_t left = windows.size(); left > 0; --left) {
    if (static_cast<double>(to.n_tokens()) > wanted) break;
    std::swap(windows[left - 1], windows[random.below(static_cast<std::uint32_t>(left))]);
    add_text(to, tokenizer, windows[left - 1].text);
  }
}

/// Conversations, of which the answers are learned.
inline train::dataset conversations(const recipe& r, const sources& from,
                                    const text::tokenizer& tokenizer, std::uint64_t seed,
                                    std::uint64_t n) {
  train::dataset data;
  const corpus::chat_sources chats{from.where, &from.books};
  for (std::uint64_t i = 0; i < n; ++i) {
    const corpus::chat chat = corpus::instruction(chats, seed, i);
    std::vector<std::vector<token_id>> parts;
    std::vector<train::token_run> runs;
    for (const corpus::chat_part& p : chat.parts) {
      parts.push_back(tokenizer.encode(
          p.text, {.start_token = parts.empty(), .continues = true, .parse_special = true}));
    }
    std::size_t n_tokens = 0;
    for (std::size_t k = 0; k < parts.size(); ++k) {
      runs.push_back({parts[k], chat.parts[k].is_answer});
      n_tokens += parts[k].size();
    }
    // What is cut would lose its request.
    if (n_tokens <= r.context) data.add(runs);
  }
  return data;
}

}  // namespace training
