// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/text/bpe_merge.hpp>
#include <multitudes/text/piece_table.hpp>
#include <multitudes/text/pretokenizer.hpp>
#include <multitudes/text/utf8.hpp>
#include <multitudes/text/vocabulary.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::text {
namespace detail {

/// The printable character that byte-level pieces have in place of each byte: itself where Latin-1
/// prints it, else the next free one from U+0100 on.
///
/// Source:  GPT-2's encoder, Radford et al. 2019.
inline constexpr auto byte_characters = [] {
  std::array<char32_t, 256> table{};
  char32_t next = 0x100;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const bool printable = (i >= 0x21 && i <= 0x7E) || (i >= 0xA1 && i != 0xAD);
    table[i] = printable ? static_cast<char32_t>(i) : next++;
  }
  return table;
}();

inline constexpr auto bytes_of_characters = [] {
  std::array<std::int16_t, 0x144> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < byte_characters.size(); ++i) {
    table[byte_characters[i]] = static_cast<std::int16_t>(i);
  }
  return table;
}();

/// The way back; nothing for a character that stands for no byte.
constexpr std::optional<unsigned char> byte_of_character(char32_t code) noexcept {
  if (code >= bytes_of_characters.size() || bytes_of_characters[code] < 0) return std::nullopt;
  return static_cast<unsigned char>(bytes_of_characters[code]);
}

}  // namespace detail

/// Byte-level byte-pair encoding: the text is cut into words by a pre-tokenizer, and the bytes of
/// each are merged in the order of a list.
///
/// Source:  Sennrich et al. 2016, arXiv:1508.07909; on bytes, Radford et al. 2019.
class byte_bpe {
 public:
  /// Errors:  unsupported pre-tokenizer, by name; malformed merges (not two pieces, or of pieces
  ///          that do not exist), or bytes without a piece and no unknown token.
  static expected<byte_bpe> make(const vocabulary& v, const piece_table& pieces) {
    byte_bpe made;
    made.words_ = find_pretokenizer(v.pre);
    if (!made.words_) return fail(unknown_pretokenizer(v.pre));
    made.unknown_ = v.unknown;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      std::string piece;
      append_utf8(piece, detail::byte_characters[byte]);
      const std::optional<token_id> id = pieces.find(piece);
      if (!(id && from_text(v, *id)) && !v.unknown) {
        return fail({.code = errc::malformed,
                     .operation = "tokenizer",
                     .place = detail::numbered("byte", byte),
                     .found = "no piece, and no unknown token",
                     .expected = "a piece for every byte",
                     .remedy = "some text could not be encoded at all"});
      }
      made.bytes_[byte] = id && from_text(v, *id) ? id->value : no_piece;
    }
    if (auto read = made.read_merges(v, pieces); !read) return forward_error(read);
    return made;
  }

  /// Appends the tokens of `text`.
  ///
  /// Cost:    O(n log n) for n bytes, times a search among the merges of one piece.
  void encode(std::string_view text, std::vector<token_id>& out) const {
    word_splitter splitter;
    bpe_merger merger;
    bool after_unknown = false;
    std::size_t begin = 0;
    for (const std::size_t end : splitter.split(text, *words_)) {
      merger.clear();
      for (const char c : text.substr(begin, end - begin)) {
        merger.push(1, bytes_[static_cast<unsigned char>(c)]);
      }
      merger.merge([&](const bpe_merger::symbol& left, const bpe_merger::symbol& right) {
        return find(left.piece, right.piece);
      });
      merger.for_each([&](const bpe_merger::symbol& s) {
        const bool covered = s.piece != no_piece;
        if (covered) {
          out.push_back(token_id(s.piece));
        } else if (!after_unknown) {
          out.push_back(*unknown_);
        }
        after_unknown = !covered;
      });
      begin = end;
    }
  }

  /// The bytes of a piece. One with a character that stands for no byte was not made from bytes
  /// and is taken as it is.
  static std::string surface(std::string_view piece, piece_type type) {
    if (type == piece_type::unknown || type == piece_type::control) return {};
    if (type == piece_type::user_defined) return std::string(piece);
    std::string out;
    for (std::string_view rest = piece; !rest.empty();) {
      const decoded_character c = decode_character(rest);
      const std::optional<unsigned char> byte = detail::byte_of_character(c.code);
      if (!c.valid || !byte) return std::string(piece);
      out += static_cast<char>(*byte);
      rest.remove_prefix(c.size);
    }
    return out;
  }

 private:
  struct merge_rule {
    std::uint32_t left;
    std::uint32_t right;
    merge_result result;
  };

  static bool from_text(const vocabulary& v, token_id id) noexcept {
    if (v.types.empty()) return true;
    const auto type = static_cast<piece_type>(v.types[id.value]);
    return type != piece_type::unknown && type != piece_type::control;
  }

  static error unknown_pretokenizer(std::string_view name) {
    std::string known;
    for (const pretokenizer& p : pretokenizers) {
      known += (known.empty() ? "" : ", ") + detail::quoted(p.name);
    }
    return {.code = errc::unsupported,
            .operation = "tokenizer",
            .place = "pre-tokenizer",
            .found = detail::quoted(name),
            .expected = "one of " + known,
            .remedy = "its rules are not known here, and others would cut the text wrongly"};
  }

  expected<void> read_merges(const vocabulary& v, const piece_table& pieces) {
    for (std::size_t i = 0; i < v.merges.size(); ++i) {
      const std::string_view text = v.merges[i];
      // From 1, because the left piece has at least one character.
      const std::size_t gap = text.find(' ', 1);
      const auto malformed = [&](std::string found, std::string wanted) {
        return fail({.code = errc::malformed,
                     .operation = "tokenizer",
                     .place = detail::numbered("merge", i),
                     .found = std::move(found),
                     .expected = std::move(wanted),
                     .remedy = {}});
      };
      if (gap == text.npos || gap + 1 == text.size()) {
        return malformed(detail::quoted(text), "two pieces with a space between");
      }
      const std::string whole = std::string(text.substr(0, gap)).append(text.substr(gap + 1));
      const std::optional<token_id> left = pieces.find(text.substr(0, gap));
      const std::optional<token_id> right = pieces.find(text.substr(gap + 1));
      const std::optional<token_id> result = pieces.find(whole);
      if (!left || !right || !result) {
        return malformed(detail::quoted(text), "pieces of the vocabulary on both sides and joined");
      }
      // Control tokens are never made from text.
      if (!from_text(v, *result)) continue;
      merges_.push_back(
          {left->value, right->value, {static_cast<std::uint32_t>(i), result->value}});
    }
    std::sort(merges_.begin(), merges_.end(), [](const merge_rule& a, const merge_rule& b) {
      if (a.left != b.left) return a.left < b.left;
      return a.right != b.right ? a.right < b.right : a.result.rank < b.result.rank;
    });
    starts_.assign(pieces.size() + 1, 0);
    for (const merge_rule& m : merges_) ++starts_[m.left + 1];
    for (std::size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
    return {};
  }

  [[nodiscard]] std::optional<merge_result> find(std::uint32_t left,
                                                 std::uint32_t right) const noexcept {
    if (left == no_piece || right == no_piece) return std::nullopt;
    const auto first = merges_.begin() + static_cast<std::ptrdiff_t>(starts_[left]);
    const auto last = merges_.begin() + static_cast<std::ptrdiff_t>(starts_[left + 1]);
    const auto place = std::lower_bound(
        first, last, right, [](const merge_rule& m, std::uint32_t r) { return m.right < r; });
    if (place == last || place->right != right) return std::nullopt;
    return place->result;
  }

  const pretokenizer* words_ = nullptr;  // in a constant table
  std::optional<token_id> unknown_;
  std::array<std::uint32_t, 256> bytes_{};
  std::vector<merge_rule> merges_;   // by left, right
  std::vector<std::size_t> starts_;  // (n_pieces + 1), the merges of each left piece
};

}  // namespace multitudes::text
