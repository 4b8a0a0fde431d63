// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/text/byte_bpe.hpp>
#include <multitudes/text/piece_table.hpp>
#include <multitudes/text/sentencepiece.hpp>
#include <multitudes/text/special_tokens.hpp>
#include <multitudes/text/vocabulary.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace multitudes::text {

/// Text to tokens and back, for the vocabularies that it knows: SentencePiece byte-pair encoding
/// and byte-level byte-pair encoding. It may be used from several threads at once.
class tokenizer {
 public:
  /// Copies what it needs from `v`.
  ///
  /// Errors:  unsupported model or pre-tokenizer, by name; shape_mismatch if spans disagree;
  ///          malformed or non_finite as `piece_table`, `sentencepiece` and `byte_bpe` say.
  static expected<tokenizer> make(const vocabulary& v) {
    if (auto checked = check(v); !checked) return forward_error(checked);
    auto pieces = piece_table::make(v.pieces);
    if (!pieces) return forward_error(pieces);
    tokenizer made(std::move(*pieces));
    if (v.model == "llama") {
      auto kind = sentencepiece::make(v);
      if (!kind) return forward_error(kind);
      made.kind_ = std::move(*kind);
      made.space_prefix_ = v.add_space_prefix;
    } else {
      auto kind = byte_bpe::make(v, made.pieces_);
      if (!kind) return forward_error(kind);
      made.kind_ = std::move(*kind);
    }
    made.special_ = special_tokens::make(v);
    made.bos_ = v.bos;
    made.eos_ = v.eos;
    made.add_bos_ = v.add_bos;
    made.add_eos_ = v.add_eos;
    made.read_surfaces(v);
    made.record_ = record(v);
    return made;
  }

  /// The tokens of any bytes, UTF-8 or not. Special pieces are cut out first (see
  /// `special_tokens`); where the vocabulary wants a space in front of a text, every stretch after
  /// a special token gets one too, as in llama.cpp.
  ///
  /// Cost:    O(n log n) for n bytes.
  [[nodiscard]] std::vector<token_id> encode(std::string_view text,
                                             encode_options options = {}) const {
    std::vector<token_id> out;
    if (options.start_token && add_bos_) out.push_back(*bos_);
    std::size_t begin = 0;
    while (begin < text.size()) {
      const auto found = special_.find(text, begin, options.parse_special);
      const std::size_t end = found ? found->begin : text.size();
      const bool prefix = space_prefix_ && !(options.continues && begin == 0);
      if (begin != end) encode_stretch(text.substr(begin, end - begin), prefix, out);
      if (!found) break;
      out.push_back(found->token);
      begin = found->resume;
    }
    if (options.end_token && add_eos_) out.push_back(*eos_);
    return out;
  }

  /// The bytes of tokens that start a text: where the vocabulary puts a space in front of a text,
  /// one space of the first token that shows anything is dropped again. Control and unknown tokens
  /// and numbers out of range give nothing.
  ///
  /// Laws:    `decode(encode(t)) == t` for any bytes t without special pieces; for SentencePiece
  ///          also without U+2581, which it cannot tell from a space, and with byte pieces.
  [[nodiscard]] std::string decode(std::span<const token_id> tokens) const {
    std::string out;
    bool at_start = true;
    for (const token_id token : tokens) {
      const std::string_view bytes = bytes_of(token);
      out += at_start ? first_bytes_of(token) : bytes;
      at_start = at_start && bytes.empty();
    }
    return out;
  }

  /// The bytes that a token adds in the middle of a text; none for control and unknown tokens and
  /// for numbers out of range.
  [[nodiscard]] std::string_view bytes_of(token_id token) const noexcept {
    return token.value < surfaces_.size() ? surfaces_[token.value] : std::string_view();
  }
  /// The bytes that a token adds at the start of a text, see `decode`.
  [[nodiscard]] std::string_view first_bytes_of(token_id token) const noexcept {
    std::string_view bytes = bytes_of(token);
    const bool written_by_prefix =
        space_prefix_ && !bytes.empty() && bytes[0] == ' ' && (flags_[token.value] & merged) != 0;
    if (written_by_prefix) bytes.remove_prefix(1);
    return bytes;
  }
  /// The size of the longest `bytes_of`.
  [[nodiscard]] std::size_t longest_bytes() const noexcept { return surfaces_.longest(); }

  [[nodiscard]] std::size_t vocab_size() const noexcept { return pieces_.size(); }
  [[nodiscard]] std::optional<token_id> bos() const noexcept { return bos_; }
  [[nodiscard]] std::optional<token_id> eos() const noexcept { return eos_; }
  /// The token whose piece is written like this in the vocabulary.
  [[nodiscard]] std::optional<token_id> find(std::string_view piece) const noexcept {
    return pieces_.find(piece);
  }
  /// Calls `use` with the vocabulary that this was made from, every list in its order; borrowed
  /// for the length of the call.
  ///
  /// Cost:    a view of each piece and merge.
  template <class Use>
  decltype(auto) with_vocabulary(Use&& use) const {
    std::vector<std::string_view> pieces(vocab_size());
    for (std::size_t i = 0; i < pieces.size(); ++i) pieces[i] = pieces_[token_id(i)];
    std::vector<std::string_view> merges(record_.merges.size());
    for (std::size_t i = 0; i < merges.size(); ++i) merges[i] = record_.merges[i];
    return std::forward<Use>(use)(
        vocabulary{.model = std::holds_alternative<sentencepiece>(kind_) ? "llama" : "gpt2",
                   .pre = record_.pre,
                   .pieces = pieces,
                   .scores = record_.scores,
                   .types = record_.types,
                   .merges = merges,
                   .bos = bos_,
                   .eos = eos_,
                   .unknown = record_.unknown,
                   .strip_after = record_.strip_after,
                   .add_bos = add_bos_,
                   .add_eos = add_eos_,
                   .add_space_prefix = record_.add_space_prefix});
  }
  [[nodiscard]] bool is_control(token_id token) const noexcept {
    return token.value < flags_.size() && (flags_[token.value] & control) != 0;
  }

 private:
  static constexpr std::uint8_t control = 1;
  static constexpr std::uint8_t merged = 2;  // a piece that merging makes from text

  /// What else it was made from, kept only so that it can be written down again.
  struct record {
    record() = default;
    explicit record(const vocabulary& v)
        : pre(v.pre),
          scores(v.scores.begin(), v.scores.end()),
          types(v.types.begin(), v.types.end()),
          unknown(v.unknown),
          strip_after(v.strip_after.begin(), v.strip_after.end()),
          add_space_prefix(v.add_space_prefix) {
      for (const std::string_view merge : v.merges) merges.append(merge);
    }

    std::string pre;
    std::vector<float> scores;
    std::vector<std::int32_t> types;
    string_pool merges;
    std::optional<token_id> unknown;
    std::vector<token_id> strip_after;
    bool add_space_prefix = false;
  };

  explicit tokenizer(piece_table pieces) : pieces_(std::move(pieces)) {}

  static expected<void> check(const vocabulary& v) {
    const auto failed = [](errc code, std::string place, std::string found, std::string wanted) {
      return fail({.code = code,
                   .operation = "tokenizer",
                   .place = std::move(place),
                   .found = std::move(found),
                   .expected = std::move(wanted),
                   .remedy = {}});
    };
    if (v.model != "llama" && v.model != "gpt2") {
      return failed(errc::unsupported, "model", detail::quoted(v.model),
                    "\"llama\" (SentencePiece) or \"gpt2\" (byte-level)");
    }
    const std::size_t n = v.pieces.size();
    if (!v.types.empty() && v.types.size() != n) {
      return failed(errc::shape_mismatch, "token types", std::to_string(v.types.size()),
                    std::to_string(n) + ", one a piece");
    }
    for (std::size_t i = 0; i < v.types.size(); ++i) {
      // 0 is "undefined" in GGUF files and treated as normal.
      if (v.types[i] < 0 || v.types[i] > static_cast<std::int32_t>(piece_type::byte)) {
        return failed(errc::malformed, detail::numbered("token type", i),
                      std::to_string(v.types[i]), "0 to 6");
      }
    }
    const auto in_range = [n](std::optional<token_id> id) { return !id || id->value < n; };
    const std::pair<const char*, std::optional<token_id>> named[] = {
        {"start token", v.bos}, {"end token", v.eos}, {"unknown token", v.unknown}};
    for (const auto& [name, id] : named) {
      if (in_range(id)) continue;
      return failed(errc::malformed, name, std::to_string(id->value),
                    "a number below " + std::to_string(n));
    }
    for (const token_id id : v.strip_after) {
      if (in_range(id)) continue;
      return failed(errc::malformed, "token that strips", std::to_string(id.value),
                    "a number below " + std::to_string(n));
    }
    if (v.add_bos && !v.bos) {
      return failed(errc::malformed, "start token", "none", "one, because it is to be added");
    }
    if (v.add_eos && !v.eos) {
      return failed(errc::malformed, "end token", "none", "one, because it is to be added");
    }
    return {};
  }

  void read_surfaces(const vocabulary& v) {
    const bool marked = std::holds_alternative<sentencepiece>(kind_);
    for (std::size_t i = 0; i < v.pieces.size(); ++i) {
      const auto type = v.types.empty() ? piece_type::normal : static_cast<piece_type>(v.types[i]);
      surfaces_.append(marked ? sentencepiece::surface(v.pieces[i], type)
                              : byte_bpe::surface(v.pieces[i], type));
      const bool is_merged = type != piece_type::user_defined && type != piece_type::byte;
      flags_.push_back(static_cast<std::uint8_t>((type == piece_type::control ? control : 0) |
                                                 (is_merged ? merged : 0)));
    }
  }

  void encode_stretch(std::string_view text, bool space_prefix, std::vector<token_id>& out) const {
    if (const auto* marked = std::get_if<sentencepiece>(&kind_)) {
      marked->encode(pieces_, text, space_prefix, out);
    } else {
      std::get_if<byte_bpe>(&kind_)->encode(text, out);
    }
  }

  piece_table pieces_;
  std::variant<sentencepiece, byte_bpe> kind_;
  special_tokens special_;
  string_pool surfaces_;
  record record_;
  std::vector<std::uint8_t> flags_;
  std::optional<token_id> bos_;
  std::optional<token_id> eos_;
  bool add_bos_ = false;
  bool add_eos_ = false;
  bool space_prefix_ = false;
};

}  // namespace multitudes::text
