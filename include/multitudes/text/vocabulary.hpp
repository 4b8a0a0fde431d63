// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace multitudes::text {

/// What a piece of the vocabulary is for; the numbers are those of GGUF files.
enum class piece_type : std::int32_t {
  normal = 1,
  unknown = 2,       ///< stands for text that no piece covers
  control = 3,       ///< structure, such as the start of a text; never shown, never made from text
  user_defined = 4,  ///< always cut out of the text as a whole, before anything is merged
  unused = 5,
  byte = 6,  ///< `<0xHH>`: one byte, for text that no piece covers
};

/// A tokenizer as plain spans, borrowed for the length of a call.
struct vocabulary {
  std::string_view model;  ///< "llama": SentencePiece BPE; "gpt2": byte-level BPE
  std::string_view pre;    ///< byte-level only: the name of its pre-tokenizer
  std::span<const std::string_view> pieces{};
  std::span<const float> scores{};             ///< "llama": one a piece; higher is merged first
  std::span<const std::int32_t> types{};       ///< `piece_type`s; empty: all are normal
  std::span<const std::string_view> merges{};  ///< "gpt2": "left right", most wanted first
  std::optional<token_id> bos{};
  std::optional<token_id> eos{};
  std::optional<token_id> unknown{};
  /// Special tokens that swallow the white space after them where they are cut out of a text.
  std::span<const token_id> strip_after{};
  bool add_bos = false;
  bool add_eos = false;
  bool add_space_prefix = false;  ///< "llama": a text is read as if a space came before it
};

struct encode_options {
  bool start_token = true;     ///< begin with the start token if the vocabulary says so
  bool end_token = false;      ///< end with the end token if the vocabulary says so
  bool continues = false;      ///< the text goes on from another: no space is read before it
  bool parse_special = false;  ///< text such as "<s>" becomes the control token
};

}  // namespace multitudes::text
