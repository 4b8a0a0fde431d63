// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/format/gguf_writer.hpp>
#include <multitudes/text/vocabulary.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes {

namespace detail {

/// Pieces that are none yet, for the rows of the embedding from the last piece's on.
inline std::vector<std::string> filler_pieces(std::span<const std::string_view> pieces,
                                              std::size_t n_rows) {
  std::vector<std::string> fillers;
  if (pieces.size() == n_rows) return fillers;
  std::string prefix = "[PAD";
  const auto taken = [&](std::string_view piece) { return piece.starts_with(prefix); };
  while (std::any_of(pieces.begin(), pieces.end(), taken)) prefix += '_';
  for (std::size_t row = pieces.size(); row < n_rows; ++row) {
    fillers.push_back(prefix + std::to_string(row) + "]");
  }
  return fillers;
}

}  // namespace detail

/// Adds the keys that `read_tokenizer` and llama.cpp make a tokenizer from. Flags are always
/// written, because readers differ in what they take for granted. Other readers want a piece for
/// each of the model's `n_rows` embeddings: what is missing is filled up with unused ones.
///
/// Errors:  shape_mismatch if there are more pieces than rows; unsupported if tokens swallow the
///          white space after them, which the file of a Llama model cannot say.
inline expected<void> add_vocabulary(gguf::writer& out, const text::vocabulary& v,
                                     std::size_t n_rows) {
  const auto refuse = [](errc code, const char* place, std::string found, std::string wanted) {
    return fail({.code = code,
                 .operation = "write tokenizer",
                 .place = place,
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  };
  if (v.pieces.size() > n_rows) {
    return refuse(errc::shape_mismatch, "pieces", std::to_string(v.pieces.size()),
                  "at most " + std::to_string(n_rows) + ", one for each embedding");
  }
  if (!v.strip_after.empty()) {
    return refuse(errc::unsupported, "tokens that strip", std::to_string(v.strip_after.size()),
                  "none, because no key of the file could name them");
  }
  std::vector<std::string_view> pieces(v.pieces.begin(), v.pieces.end());
  std::vector<float> scores(v.scores.begin(), v.scores.end());
  std::vector<std::int32_t> types(v.types.begin(), v.types.end());
  const auto fillers = detail::filler_pieces(v.pieces, n_rows);
  if (!fillers.empty()) {
    types.resize(v.pieces.size(), static_cast<std::int32_t>(text::piece_type::normal));
    types.resize(n_rows, static_cast<std::int32_t>(text::piece_type::unused));
    if (!scores.empty()) scores.resize(n_rows, -10000.0f);
    pieces.insert(pieces.end(), fillers.begin(), fillers.end());
  }
  const auto key = [](const char* field) { return std::string("tokenizer.ggml.") + field; };
  const auto token = [&](const char* field, std::optional<token_id> id) {
    if (id) out.add(key(field), id->value);
  };
  out.add(key("model"), v.model);
  if (!v.pre.empty()) out.add(key("pre"), v.pre);
  out.add_array(key("tokens"), pieces);
  if (!scores.empty()) out.add_array(key("scores"), scores);
  if (!types.empty()) out.add_array(key("token_type"), types);
  if (!v.merges.empty()) out.add_array(key("merges"), v.merges);
  token("bos_token_id", v.bos);
  token("eos_token_id", v.eos);
  token("unknown_token_id", v.unknown);
  out.add(key("add_bos_token"), v.add_bos);
  out.add(key("add_eos_token"), v.add_eos);
  if (v.model == "llama") out.add(key("add_space_prefix"), v.add_space_prefix);
  return {};
}

}  // namespace multitudes
