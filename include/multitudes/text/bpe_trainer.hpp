// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/text/byte_bpe.hpp>
#include <multitudes/text/pair_index.hpp>
#include <multitudes/text/piece_table.hpp>
#include <multitudes/text/pretokenizer.hpp>
#include <multitudes/text/special_tokens.hpp>
#include <multitudes/text/utf8.hpp>
#include <multitudes/text/vocabulary.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace multitudes::text {

/// What `train_byte_bpe` should learn.
struct bpe_training {
  std::size_t vocab_size = 4096;  ///< bytes, special pieces and merged ones together
  /// Control tokens, such as ends and speakers; the first has number 256. Where one stands in a
  /// text, the text is cut and the special piece itself not learned.
  std::span<const std::string_view> specials{};
  std::string_view start_token{};  ///< the special piece that begins texts; empty: none
  std::string_view end_token{};    ///< the special piece that ends texts; empty: none
  std::uint64_t least_count = 2;   ///< of a pair that is merged; 0 is taken as 1
  std::size_t longest_piece = 64;  ///< in bytes: ornamental lines are not worth a token
  std::string_view pre = "gpt-2";  ///< the pre-tokenizer; nothing is merged across its words
};

/// A byte-level vocabulary that owns its texts.
class trained_vocabulary {
 public:
  /// `v` without `pieces`, `types` and `merges`; the texts of `model` and `pre` must live on.
  trained_vocabulary(const vocabulary& v, std::vector<std::string> pieces,
                     std::vector<std::int32_t> types, std::vector<std::string> merges)
      : facts_(v),
        pieces_(std::move(pieces)),
        merges_(std::move(merges)),
        types_(std::move(types)),
        piece_views_(pieces_.begin(), pieces_.end()),
        merge_views_(merges_.begin(), merges_.end()) {}
  trained_vocabulary(trained_vocabulary&&) = default;
  trained_vocabulary& operator=(trained_vocabulary&&) = default;

  /// What a tokenizer is made from and a file has to say; valid while this object lives.
  [[nodiscard]] vocabulary view() const noexcept {
    vocabulary v = facts_;
    v.pieces = piece_views_;
    v.types = types_;
    v.merges = merge_views_;
    return v;
  }
  [[nodiscard]] std::size_t size() const noexcept { return pieces_.size(); }

 private:
  vocabulary facts_;
  std::vector<std::string> pieces_;
  std::vector<std::string> merges_;
  std::vector<std::int32_t> types_;
  std::vector<std::string_view> piece_views_;
  std::vector<std::string_view> merge_views_;
};

namespace detail {

/// How often each word occurs in texts that are cut at special pieces. The words are views.
inline std::unordered_map<std::string_view, std::uint64_t> count_words(
    std::span<const std::string_view> texts, const special_tokens& special,
    const pretokenizer& pre) {
  std::unordered_map<std::string_view, std::uint64_t> counts;
  word_splitter splitter;
  const auto count = [&](std::string_view stretch) {
    std::size_t begin = 0;
    for (const std::size_t end : splitter.split(stretch, pre)) {
      ++counts[stretch.substr(begin, end - begin)];
      begin = end;
    }
  };
  for (const std::string_view text : texts) {
    std::size_t begin = 0;
    while (const auto found = special.find(text, begin, true)) {
      count(text.substr(begin, found->begin - begin));
      begin = found->resume;
    }
    count(text.substr(begin));
  }
  return counts;
}

/// Pieces in the making, and their numbers.
class growing_vocabulary {
 public:
  growing_vocabulary() {
    for (const char32_t code : byte_characters) {
      std::string piece;
      append_utf8(piece, code);
      add(std::move(piece), piece_type::normal, 1);
    }
  }
  /// Says whether the piece is new; one that is not is not added.
  bool add(std::string piece, piece_type type, std::size_t n_bytes) {
    if (!numbers_.try_emplace(piece, static_cast<std::uint32_t>(pieces.size())).second) {
      return false;
    }
    pieces.push_back(std::move(piece));
    types.push_back(static_cast<std::int32_t>(type));
    sizes_.push_back(n_bytes);
    return true;
  }
  /// Adds the piece that a pair makes and the rule for it, unless it is too long or exists.
  bool merge(pair_index::pair p, std::size_t longest_piece) {
    const std::size_t size = sizes_[p.left] + sizes_[p.right];
    if (size > longest_piece) return false;
    if (!add(pieces[p.left] + pieces[p.right], piece_type::normal, size)) return false;
    merges.push_back(pieces[p.left] + ' ' + pieces[p.right]);
    return true;
  }
  [[nodiscard]] std::optional<token_id> find(std::string_view piece) const {
    const auto found = numbers_.find(std::string(piece));
    if (found == numbers_.end()) return std::nullopt;
    return token_id(std::size_t{found->second});
  }

  std::vector<std::string> pieces;
  std::vector<std::int32_t> types;
  std::vector<std::string> merges;

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<std::size_t> sizes_;
};

inline unexpected<error> refuse_training(errc code, std::string place, std::string found,
                                         std::string wanted) {
  return fail({.code = code,
               .operation = "train vocabulary",
               .place = std::move(place),
               .found = std::move(found),
               .expected = std::move(wanted),
               .remedy = {}});
}

inline expected<pair_index> index_words(std::span<const std::string_view> texts,
                                        const bpe_training& how, const pretokenizer& pre) {
  const std::vector<std::int32_t> types(how.specials.size(),
                                        static_cast<std::int32_t>(piece_type::control));
  const auto special =
      special_tokens::make({.model = {}, .pre = {}, .pieces = how.specials, .types = types});
  const auto counts = count_words(texts, special, pre);
  std::uint64_t size = 0;
  for (const auto& [word, count] : counts) size += word.size();
  if (size > pair_index::max_bytes) {
    return refuse_training(errc::unsupported, "distinct words", std::to_string(size) + " bytes",
                           "at most " + std::to_string(pair_index::max_bytes));
  }
  pair_index pairs(how.least_count);
  for (const auto& [word, count] : counts) pairs.add_word(word, count);
  return pairs;
}

inline expected<void> add_specials(growing_vocabulary& v, const bpe_training& how) {
  for (std::size_t i = 0; i < how.specials.size(); ++i) {
    const std::string_view special = how.specials[i];
    if (special.empty() || !is_valid_utf8(special)) {
      return refuse_training(errc::invalid_argument, numbered("special piece", i), quoted(special),
                             "a text in UTF-8");
    }
    if (!v.add(std::string(special), piece_type::control, special.size())) {
      return refuse_training(errc::invalid_argument, numbered("special piece", i), quoted(special),
                             "a text that is not also a byte or another special piece");
    }
  }
  return {};
}

inline expected<std::optional<token_id>> find_special(const growing_vocabulary& v,
                                                      std::string_view place,
                                                      std::string_view piece) {
  if (piece.empty()) return std::optional<token_id>();
  const std::optional<token_id> id = v.find(piece);
  if (!id || id->value < byte_characters.size()) {
    return refuse_training(errc::invalid_argument, std::string(place), quoted(piece),
                           "one of the special pieces");
  }
  return id;
}

}  // namespace detail

/// Learns a byte-level vocabulary from texts, which may be any bytes: 256 bytes, numbered by
/// value, then the special pieces, then what merging the most frequent pair of neighbors makes,
/// again and again. Of equally frequent pairs the one whose left piece has the smallest number is
/// merged, then whose right piece has. A pair that would spell a piece that exists stays apart.
/// Where no pair is left that may be merged, the vocabulary stays smaller than it was asked to be.
///
/// Laws:    only the words and how often they occur matter, not the order of the texts; a smaller
///          vocabulary is the beginning of a larger one; a tokenizer made from the result cuts
///          each word as training left it.
/// Errors:  unsupported pre-tokenizer, by name, or more than 4 GB of distinct words;
///          invalid_argument if `vocab_size` does not hold bytes and special pieces or is above
///          2^31 - 1, if a special piece is empty, no UTF-8 or not unique, or if the start or end
///          token is none of them.
/// Cost:    linear in the text, which is only viewed, with a hash for each word; then
///          O(n log n) and some 40 n bytes for distinct words of n bytes together.
/// Source:  Sennrich et al. 2016, arXiv:1508.07909.
inline expected<trained_vocabulary> train_byte_bpe(std::span<const std::string_view> texts,
                                                   const bpe_training& how) {
  const pretokenizer* pre = find_pretokenizer(how.pre);
  if (pre == nullptr) {
    return detail::refuse_training(errc::unsupported, "pre-tokenizer", detail::quoted(how.pre),
                                   "a name that find_pretokenizer knows");
  }
  constexpr std::size_t limit = std::numeric_limits<std::int32_t>::max();
  const std::size_t fixed = detail::byte_characters.size() + how.specials.size();
  if (how.vocab_size < fixed || how.vocab_size > limit) {
    return detail::refuse_training(
        errc::invalid_argument, "vocabulary size", std::to_string(how.vocab_size),
        std::to_string(fixed) + " (bytes and special pieces) to " + std::to_string(limit));
  }
  detail::growing_vocabulary v;
  if (auto added = detail::add_specials(v, how); !added) return forward_error(added);
  auto bos = detail::find_special(v, "start token", how.start_token);
  if (!bos) return forward_error(bos);
  auto eos = detail::find_special(v, "end token", how.end_token);
  if (!eos) return forward_error(eos);

  auto pairs = detail::index_words(texts, how, *pre);
  if (!pairs) return forward_error(pairs);
  while (v.pieces.size() < how.vocab_size) {
    const std::optional<pair_index::pair> best = pairs->next();
    if (!best) break;
    const auto made = static_cast<std::uint32_t>(v.pieces.size());
    if (v.merge(*best, how.longest_piece)) pairs->merge_into(made);
  }
  const vocabulary facts{.model = "gpt2", .pre = pre->name, .bos = *bos, .eos = *eos};
  return trained_vocabulary(facts, std::move(v.pieces), std::move(v.types), std::move(v.merges));
}

}  // namespace multitudes::text
