// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/text/piece_table.hpp>
#include <multitudes/text/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes {

/// The pieces of a vocabulary by their beginnings, so that what several tokens begin with is read
/// once for all of them. Made once for a tokenizer; it may be used from several threads at once.
class token_trie {
 public:
  /// Bytes in an order that has every beginning before what goes on with it.
  struct node {
    std::uint32_t skip;         ///< the node after all that begin like this
    std::uint32_t first_token;  ///< of those that end here, up to the next node's first
    std::uint16_t depth;        ///< 0 for first bytes
    std::uint8_t byte;
  };
  /// Longer pieces are never allowed.
  static constexpr std::size_t longest_piece = 1024;

  /// What each token adds in the middle of a text (`bytes_of`). Control tokens add nothing and are
  /// never allowed, nor are other tokens without bytes; the tokenizer's end-of-text token and those
  /// in `more_ends` (such as one that ends a turn) end texts.
  ///
  /// Errors:  invalid_argument for end tokens out of range; unsupported for more than 2^32 bytes.
  /// Cost:    a sort of the pieces.
  static expected<token_trie> make(const text::tokenizer& tokenizer,
                                   std::span<const token_id> more_ends = {}) {
    std::vector<std::string_view> pieces(tokenizer.vocab_size());
    for (std::size_t i = 0; i < pieces.size(); ++i) pieces[i] = tokenizer.bytes_of(token_id(i));
    std::vector<token_id> ends(more_ends.begin(), more_ends.end());
    if (tokenizer.eos()) ends.push_back(*tokenizer.eos());
    return make(pieces, ends);
  }
  /// The same from the bytes of each token.
  static expected<token_trie> make(std::span<const std::string_view> pieces,
                                   std::span<const token_id> ends) {
    token_trie made;
    std::size_t n_bytes = 0;
    for (const std::string_view piece : pieces) n_bytes += piece.size();
    if (n_bytes >= std::numeric_limits<std::uint32_t>::max()) {
      return fail({.code = errc::unsupported,
                   .operation = "token trie",
                   .place = "pieces",
                   .found = std::to_string(n_bytes) + " bytes",
                   .expected = "fewer than 2^32",
                   .remedy = {}});
    }
    made.ends_.assign(ends.begin(), ends.end());
    std::sort(made.ends_.begin(), made.ends_.end());
    for (const token_id end : made.ends_) {
      if (end.value < pieces.size()) continue;
      return fail({.code = errc::invalid_argument,
                   .operation = "token trie",
                   .place = "end tokens",
                   .found = std::to_string(end.value),
                   .expected = "a number below " + std::to_string(pieces.size()),
                   .remedy = {}});
    }
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const bool is_text = pieces[i].size() <= longest_piece && !made.is_end(token_id(i));
      made.pieces_.append(is_text ? pieces[i] : std::string_view());
      if (is_text && !pieces[i].empty()) made.tokens_.push_back(token_id(i));
    }
    made.build();
    return made;
  }

  [[nodiscard]] std::size_t vocab_size() const noexcept { return pieces_.size(); }
  [[nodiscard]] std::size_t longest_bytes() const noexcept { return pieces_.longest(); }
  /// What a token adds; nothing for those that are never allowed within a text.
  [[nodiscard]] std::string_view bytes_of(token_id t) const noexcept {
    return t.value < pieces_.size() ? pieces_[t.value] : std::string_view();
  }
  [[nodiscard]] bool is_end(token_id t) const noexcept {
    return std::binary_search(ends_.begin(), ends_.end(), t);
  }
  [[nodiscard]] std::span<const token_id> ends() const noexcept { return ends_; }

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size() - 1; }
  /// `i` up to `size()`, of which only the first token means something.
  [[nodiscard]] const node& operator[](std::size_t i) const noexcept { return nodes_[i]; }
  /// Those whose bytes end at a node.
  [[nodiscard]] std::span<const token_id> tokens_at(std::size_t i) const noexcept {
    const std::size_t first = nodes_[i].first_token;
    return std::span(tokens_).subspan(first, nodes_[i + 1].first_token - first);
  }

 private:
  token_trie() = default;

  void build() {
    std::sort(tokens_.begin(), tokens_.end(), [&](token_id a, token_id b) {
      const int order = pieces_[a.value].compare(pieces_[b.value]);
      return order != 0 ? order < 0 : a < b;
    });
    std::vector<std::size_t> open;  // the nodes of the piece before
    std::string_view last;
    const auto close_to = [&](std::size_t depth) {
      for (; open.size() > depth; open.pop_back()) {
        nodes_[open.back()].skip = static_cast<std::uint32_t>(nodes_.size());
      }
    };
    for (std::size_t t = 0; t < tokens_.size(); ++t) {
      const std::string_view piece = pieces_[tokens_[t].value];
      const auto both = std::mismatch(last.begin(), last.end(), piece.begin(), piece.end());
      close_to(static_cast<std::size_t>(both.first - last.begin()));
      while (open.size() < piece.size()) {
        const std::size_t depth = open.size();
        open.push_back(nodes_.size());
        nodes_.push_back({0, static_cast<std::uint32_t>(t), static_cast<std::uint16_t>(depth),
                          static_cast<std::uint8_t>(piece[depth])});
      }
      last = piece;
    }
    close_to(0);
    nodes_.push_back({0, static_cast<std::uint32_t>(tokens_.size()), 0, 0});
  }

  text::string_pool pieces_;
  std::vector<token_id> ends_;    // sorted
  std::vector<token_id> tokens_;  // that are text, by their bytes
  std::vector<node> nodes_;
};

}  // namespace multitudes
