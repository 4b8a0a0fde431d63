// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/text/tokenizer.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes {

namespace detail {

/// Reads what a tokenizer needs; the first failure stays and everything after it is skipped.
class vocabulary_source {
 public:
  explicit vocabulary_source(const gguf::file& file) : file_(&file) {}

  [[nodiscard]] bool has(const char* field) const { return find(field) != nullptr; }
  std::string_view text(const char* field) {
    return read<std::string_view>(field, {}, [](const gguf::value& v) { return v.as_string(); });
  }
  bool flag(const char* field, bool otherwise) {
    return read<bool>(field, otherwise, [](const gguf::value& v) { return v.as_bool(); });
  }
  /// The largest number of 32 bits is how writers say "none".
  std::optional<token_id> token(const char* field) {
    constexpr std::uint64_t none = 0xFFFFFFFF;
    const auto id =
        read<std::uint64_t>(field, none, [](const gguf::value& v) { return v.as_unsigned(); });
    if (id > none) return token_id(static_cast<std::size_t>(none - 1));  // refused as out of range
    return id == none ? std::nullopt : std::optional(token_id(static_cast<std::size_t>(id)));
  }
  template <class T>
  std::vector<T> list(const char* field) {
    return read<std::vector<T>>(field, {}, [](const gguf::value& v) {
      if constexpr (std::is_same_v<T, std::string_view>) {
        return v.as_strings();
      } else if constexpr (std::is_same_v<T, float>) {
        return v.as_reals<float>();
      } else {
        return v.as_integers<T>();
      }
    });
  }
  [[nodiscard]] const expected<void>& outcome() const noexcept { return outcome_; }

 private:
  [[nodiscard]] const gguf::value* find(const char* field) const {
    return file_->find(std::string("tokenizer.ggml.") + field);
  }
  template <class T, class F>
  T read(const char* field, T otherwise, F as) {
    const gguf::value* v = find(field);
    if (v == nullptr || !outcome_) return otherwise;
    expected<T> got = as(*v);
    if (got) return *std::move(got);
    got.error().place = std::string("key tokenizer.ggml.") + field;
    outcome_ = forward_error(got);
    return otherwise;
  }

  const gguf::file* file_;
  expected<void> outcome_;
};

/// Phi-3's special tokens swallow the white space after them, which no key of its files says: all
/// but the three that stand between documents.
inline std::vector<token_id> strip_after(const gguf::file& file,
                                         std::span<const std::string_view> pieces,
                                         std::span<const std::int32_t> types) {
  std::vector<token_id> result;
  const auto architecture = file.string_at("general.architecture");
  if (!architecture || *architecture != "phi3" || types.size() != pieces.size()) return result;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto type = static_cast<text::piece_type>(types[i]);
    const bool special = type == text::piece_type::unknown || type == text::piece_type::control ||
                         type == text::piece_type::user_defined;
    const bool boundary =
        pieces[i] == "<unk>" || pieces[i] == "<s>" || pieces[i] == "<|endoftext|>";
    if (special && !boundary) result.emplace_back(i);
  }
  return result;
}

}  // namespace detail

/// Makes the tokenizer that a GGUF file describes. Flags that are missing are what the files'
/// first writers took for granted: SentencePiece models begin texts with their beginning token
/// and a space, byte-level ones do not.
///
/// Errors:  not_found if the file has no tokenizer; unsupported for one that is not implemented,
///          by name; malformed or shape_mismatch, naming the key.
inline expected<text::tokenizer> read_tokenizer(const gguf::file& file) {
  detail::vocabulary_source source(file);
  if (!source.has("model") || !source.has("tokens")) {
    return fail(
        {.code = errc::not_found,
         .operation = "read tokenizer",
         .place = source.has("model") ? "key tokenizer.ggml.tokens" : "key tokenizer.ggml.model",
         .found = "no such key",
         .expected = {},
         .remedy = "the file has weights only; use one that holds its vocabulary"});
  }
  const auto pieces = source.list<std::string_view>("tokens");
  const auto scores = source.list<float>("scores");
  const auto types = source.list<std::int32_t>("token_type");
  const auto merges = source.list<std::string_view>("merges");
  text::vocabulary v;
  v.model = source.text("model");
  v.pre = source.text("pre");
  const bool sentencepiece = v.model == "llama";
  v.pieces = pieces;
  v.scores = scores;
  v.types = types;
  v.merges = merges;
  v.bos = source.token("bos_token_id");
  v.eos = source.token("eos_token_id");
  v.unknown = source.token("unknown_token_id");
  v.add_bos = source.flag("add_bos_token", sentencepiece && v.bos.has_value());
  v.add_eos = source.flag("add_eos_token", false);
  v.add_space_prefix = source.flag("add_space_prefix", sentencepiece);
  const auto strips = detail::strip_after(file, pieces, types);
  v.strip_after = strips;
  if (!source.outcome()) return unexpected<error>(source.outcome().error());
  return text::tokenizer::make(v);
}

}  // namespace multitudes
