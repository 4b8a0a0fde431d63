// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/text/byte_bpe.hpp>
#include <multitudes/text/utf8.hpp>
#include <multitudes/text/vocabulary.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes_test {

/// A vocabulary made by hand, and the spans that a tokenizer is made from.
struct small_vocabulary {
  multitudes::text::vocabulary facts;
  std::vector<std::string> pieces;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  std::vector<std::string> merges;

  std::size_t add(std::string piece, float score = 0,
                  multitudes::text::piece_type type = multitudes::text::piece_type::normal) {
    pieces.push_back(std::move(piece));
    scores.push_back(score);
    types.push_back(static_cast<std::int32_t>(type));
    return pieces.size() - 1;
  }

  /// Calls `use(vocabulary)` while the spans are alive.
  template <class Use>
  auto with(Use use) const {
    const std::vector<std::string_view> piece_views(pieces.begin(), pieces.end());
    const std::vector<std::string_view> merge_views(merges.begin(), merges.end());
    multitudes::text::vocabulary v = facts;
    v.pieces = piece_views;
    v.scores = scores;
    v.types = types;
    v.merges = merge_views;
    return use(v);
  }
};

/// <unk>, <s>, </s>, the 256 bytes (3 to 258), then what the test adds.
inline small_vocabulary sentencepiece_vocabulary() {
  using multitudes::text::piece_type;
  small_vocabulary v;
  v.facts.model = "llama";
  v.facts.unknown = multitudes::token_id(v.add("<unk>", 0, piece_type::unknown));
  v.facts.bos = multitudes::token_id(v.add("<s>", 0, piece_type::control));
  v.facts.eos = multitudes::token_id(v.add("</s>", 0, piece_type::control));
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char* digits = "0123456789ABCDEF";
    v.add(std::string("<0x") + digits[byte >> 4] + digits[byte & 15] + ">", 0, piece_type::byte);
  }
  v.facts.add_bos = true;
  v.facts.add_space_prefix = true;
  return v;
}

/// The 256 bytes (0 to 255) and <|end|>, then what the test adds.
inline small_vocabulary byte_level_vocabulary() {
  small_vocabulary v;
  v.facts.model = "gpt2";
  v.facts.pre = "gpt-2";
  for (const char32_t code : multitudes::text::detail::byte_characters) {
    std::string piece;
    multitudes::text::append_utf8(piece, code);
    v.add(piece);
  }
  v.facts.eos = multitudes::token_id(v.add("<|end|>", 0, multitudes::text::piece_type::control));
  return v;
}

}  // namespace multitudes_test
