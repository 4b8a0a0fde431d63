// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/text/bpe_merge.hpp>
#include <multitudes/text/piece_table.hpp>
#include <multitudes/text/utf8.hpp>
#include <multitudes/text/vocabulary.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::text {
namespace detail {

/// U+2581, which pieces have in place of a space.
inline constexpr std::string_view space_mark = "\xE2\x96\x81";
inline constexpr char32_t space_mark_code = 0x2581;

/// The byte that a piece such as `<0x0A>` stands for.
constexpr std::optional<unsigned char> parse_byte_piece(std::string_view piece) noexcept {
  if (piece.size() != 6 || piece.substr(0, 3) != "<0x" || piece[5] != '>') return std::nullopt;
  unsigned value = 0;
  for (const char c : piece.substr(3, 2)) {
    const std::size_t digit = std::string_view("0123456789ABCDEF").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return static_cast<unsigned char>(value);
}

/// Replaces every `from` by `to`.
inline std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (;;) {
    const std::size_t place = text.find(from);
    out += text.substr(0, place);
    if (place == std::string_view::npos) return out;
    out += to;
    text.remove_prefix(place + from.size());
  }
}

}  // namespace detail

/// SentencePiece's byte-pair encoding: characters are merged into pieces, the highest score first;
/// what no piece covers is spelled in byte pieces, or else a run of it is one unknown token.
///
/// Source:  Kudo and Richardson 2018, arXiv:1808.06226; byte fallback as in Llama's vocabulary.
class sentencepiece {
 public:
  /// Errors:  shape_mismatch if there is not one score a piece; non_finite scores; malformed byte
  ///          pieces, or neither all 256 of them nor an unknown token.
  static expected<sentencepiece> make(const vocabulary& v) {
    if (v.scores.size() != v.pieces.size()) {
      return fail({.code = errc::shape_mismatch,
                   .operation = "tokenizer",
                   .place = "scores",
                   .found = std::to_string(v.scores.size()),
                   .expected = std::to_string(v.pieces.size()) + ", one a piece",
                   .remedy = {}});
    }
    sentencepiece made;
    made.unknown_ = v.unknown;
    std::size_t byte_pieces = 0;
    for (std::size_t i = 0; i < v.pieces.size(); ++i) {
      if (!std::isfinite(v.scores[i])) {
        return fail({.code = errc::non_finite,
                     .operation = "tokenizer",
                     .place = detail::numbered("score", i),
                     .found = "NaN or infinity",
                     .expected = "a number",
                     .remedy = {}});
      }
      if (v.types.empty() || v.types[i] != static_cast<std::int32_t>(piece_type::byte)) continue;
      const std::optional<unsigned char> byte = detail::parse_byte_piece(v.pieces[i]);
      if (!byte) {
        return fail({.code = errc::malformed,
                     .operation = "tokenizer",
                     .place = detail::numbered("byte piece", i),
                     .found = detail::quoted(v.pieces[i]),
                     .expected = "<0x00> to <0xFF>",
                     .remedy = {}});
      }
      made.bytes_[*byte] = token_id(i);
      ++byte_pieces;
    }
    made.spells_bytes_ = byte_pieces == made.bytes_.size();
    if (!made.spells_bytes_ && !v.unknown) {
      return fail({.code = errc::malformed,
                   .operation = "tokenizer",
                   .place = "byte pieces",
                   .found = std::to_string(byte_pieces) + " and no unknown token",
                   .expected = "256, or an unknown token",
                   .remedy = "some text could not be encoded at all"});
    }
    made.rank_pieces(v);
    made.find_space_joints(v);
    return made;
  }

  /// Appends the tokens of `text`, read as if a space came first if `space_first`.
  ///
  /// Cost:    O(n log n) for n bytes, times the hash of a piece.
  void encode(const piece_table& pieces, std::string_view text, bool space_first,
              std::vector<token_id>& out) const {
    const std::string marked = std::string(space_first ? detail::space_mark : "") +
                               detail::replaced(text, " ", detail::space_mark);
    bpe_merger merger;
    bool after_unknown = false;
    std::string_view rest = marked;
    std::size_t end = 0;
    char32_t previous = 0;
    while (end < rest.size()) {
      const decoded_character c = decode_character(rest.substr(end));
      // No merge crosses a character pair that no piece contains; mostly words are such stretches,
      // and short stretches keep the queue small.
      if (end != 0 && c.code == detail::space_mark_code && !joins_space(previous)) {
        encode_stretch(pieces, rest.substr(0, end), merger, after_unknown, out);
        rest.remove_prefix(end);
        end = 0;
      }
      const std::optional<merge_result> piece = find(pieces, rest.substr(end, c.size));
      merger.push(c.size, piece ? piece->piece : no_piece);
      previous = c.code;
      end += c.size;
    }
    encode_stretch(pieces, rest, merger, after_unknown, out);
  }

  /// The bytes of a piece in the middle of a text.
  static std::string surface(std::string_view piece, piece_type type) {
    switch (type) {
      case piece_type::unknown:
      case piece_type::control: return {};
      case piece_type::user_defined: return std::string(piece);
      case piece_type::byte:
        return std::string(1, static_cast<char>(*detail::parse_byte_piece(piece)));
      case piece_type::normal:
      case piece_type::unused: break;
    }
    return detail::replaced(piece, detail::space_mark, " ");
  }

 private:
  static bool mergeable(const vocabulary& v, std::size_t i) noexcept {
    if (v.types.empty()) return true;
    const auto type = static_cast<piece_type>(v.types[i]);
    return type != piece_type::unknown && type != piece_type::control && type != piece_type::byte;
  }

  void rank_pieces(const vocabulary& v) {
    std::vector<float> levels(v.scores.begin(), v.scores.end());
    std::sort(levels.begin(), levels.end(), [](float a, float b) { return a > b; });
    levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
    ranks_.assign(v.pieces.size(), no_piece);
    for (std::size_t i = 0; i < v.pieces.size(); ++i) {
      if (!mergeable(v, i)) continue;
      const auto level = std::lower_bound(levels.begin(), levels.end(), v.scores[i],
                                          [](float a, float b) { return a > b; });
      ranks_[i] = static_cast<std::uint32_t>(level - levels.begin());
    }
  }

  void find_space_joints(const vocabulary& v) {
    for (std::size_t i = 0; i < v.pieces.size(); ++i) {
      if (!mergeable(v, i)) continue;
      std::string_view rest = v.pieces[i];
      char32_t previous = 0;
      for (bool first = true; !rest.empty(); first = false) {
        const decoded_character c = decode_character(rest);
        if (!first && c.code == detail::space_mark_code) before_space_.push_back(previous);
        previous = c.code;
        rest.remove_prefix(c.size);
      }
    }
    std::sort(before_space_.begin(), before_space_.end());
    before_space_.erase(std::unique(before_space_.begin(), before_space_.end()),
                        before_space_.end());
  }
  [[nodiscard]] bool joins_space(char32_t previous) const noexcept {
    return std::binary_search(before_space_.begin(), before_space_.end(), previous);
  }

  [[nodiscard]] std::optional<merge_result> find(const piece_table& pieces,
                                                 std::string_view text) const noexcept {
    const std::optional<token_id> id = pieces.find(text);
    if (!id || ranks_[id->value] == no_piece) return std::nullopt;
    return merge_result{ranks_[id->value], id->value};
  }

  void encode_stretch(const piece_table& pieces, std::string_view text, bpe_merger& merger,
                      bool& after_unknown, std::vector<token_id>& out) const {
    merger.merge([&](const bpe_merger::symbol& left, const bpe_merger::symbol& right) {
      return find(pieces, text.substr(left.begin, left.size + right.size));
    });
    merger.for_each([&](const bpe_merger::symbol& s) {
      const bool covered = s.piece != no_piece;
      if (covered) {
        out.push_back(token_id(s.piece));
      } else if (spells_bytes_) {
        for (const char c : text.substr(s.begin, s.size)) {
          out.push_back(bytes_[static_cast<unsigned char>(c)]);
        }
      } else if (!after_unknown) {
        out.push_back(*unknown_);
      }
      after_unknown = !covered && !spells_bytes_;
    });
    merger.clear();
  }

  std::array<token_id, 256> bytes_{};
  bool spells_bytes_ = false;
  std::optional<token_id> unknown_;
  std::vector<std::uint32_t> ranks_;    // by piece; no_piece: never made from text
  std::vector<char32_t> before_space_;  // sorted: what comes before a space inside some piece
};

}  // namespace multitudes::text
