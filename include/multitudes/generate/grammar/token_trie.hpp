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
  /// All that begin like a node: which kinds of bytes they have from there on, and how many
  /// characters begin there at most.
  struct subtree {
    std::uint64_t kinds;
    std::uint32_t height;
  };
  /// Kinds of bytes, one bit each: small letters, capitals, digits, each other sign of ASCII that
  /// prints, line end, tab, other control characters, and all that is not ASCII. One more is there
  /// if bytes follow each other that no UTF-8 has so.
  static constexpr unsigned not_ascii = 6, no_utf8 = 40;
  static constexpr unsigned byte_kind(std::uint8_t byte) noexcept {
    if (byte >= 'a' && byte <= 'z') return 0;
    if (byte >= 'A' && byte <= 'Z') return 1;
    if (byte >= '0' && byte <= '9') return 2;
    if (byte == '\n') return 3;
    if (byte == '\t') return 4;
    if (byte < ' ' || byte == 0x7F) return 5;
    if (byte >= 0x80) return not_ascii;
    return byte < '0'   ? 7u + byte - ' '
           : byte < 'A' ? 23u + byte - ':'
           : byte < 'a' ? 30u + byte - '['
                        : 36u + byte - '{';
  }
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
    return tokens_between(i, i + 1);
  }
  /// Those whose bytes end at a node or go on from there.
  [[nodiscard]] std::span<const token_id> tokens_under(std::size_t i) const noexcept {
    return tokens_between(i, nodes_[i].skip);
  }
  [[nodiscard]] const subtree& under(std::size_t i) const noexcept { return subtrees_[i]; }

 private:
  token_trie() = default;

  [[nodiscard]] std::span<const token_id> tokens_between(std::size_t begin,
                                                         std::size_t end) const noexcept {
    const std::size_t first = nodes_[begin].first_token;
    return std::span(tokens_).subspan(first, nodes_[end].first_token - first);
  }

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
    measure_subtrees();
  }

  /// What may follow a byte of UTF-8.
  struct continuation {
    std::uint8_t missing = 0;  // bytes of a character
    std::uint8_t low = 0x80, high = 0xBF;
  };
  /// What may follow `byte`, if it may follow `before`.
  static bool follows(continuation& before, std::uint8_t byte) noexcept {
    const bool is_inner = (byte & 0xC0) == 0x80;
    const bool fits = is_inner
                          ? before.missing > 0 && byte >= before.low && byte <= before.high
                          : before.missing == 0 && (byte < 0x80 || (byte >= 0xC2 && byte <= 0xF4));
    const int size = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    const int missing = is_inner ? before.missing - 1 : size - 1;
    before = {static_cast<std::uint8_t>(std::max(missing, 0))};
    if (byte == 0xE0) before.low = 0xA0;
    if (byte == 0xED) before.high = 0x9F;
    if (byte == 0xF0) before.low = 0x90;
    if (byte == 0xF4) before.high = 0x8F;
    return fits;
  }

  void measure_subtrees() {
    subtrees_.resize(size());
    std::vector<continuation> after(size());
    for (std::size_t i = 0; i < size(); ++i) {
      // Only those that begin a character matter: what is under them has its parent measured here.
      if ((nodes_[i].byte & 0xC0) != 0x80) {
        after[i] = {};
        static_cast<void>(follows(after[i], nodes_[i].byte));
      }
      for (std::size_t child = i + 1; child < nodes_[i].skip; child = nodes_[child].skip) {
        after[child] = after[i];
        if (!follows(after[child], nodes_[child].byte)) {
          subtrees_[i].kinds |= std::uint64_t{1} << no_utf8;
        }
      }
    }
    for (std::size_t i = size(); i-- > 0;) {
      subtree& own = subtrees_[i];
      own.kinds |= std::uint64_t{1} << byte_kind(nodes_[i].byte);
      const std::uint32_t begun = (nodes_[i].byte & 0xC0) == 0x80 ? 0 : 1;
      own.height = begun;
      for (std::size_t child = i + 1; child < nodes_[i].skip; child = nodes_[child].skip) {
        own.kinds |= subtrees_[child].kinds;
        own.height = std::max(own.height, begun + subtrees_[child].height);
      }
    }
  }

  text::string_pool pieces_;
  std::vector<token_id> ends_;    // sorted
  std::vector<token_id> tokens_;  // that are text, by their bytes
  std::vector<node> nodes_;
  std::vector<subtree> subtrees_;  // (nodes)
};

}  // namespace multitudes
