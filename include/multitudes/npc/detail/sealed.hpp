// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checksum.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/function_ref.hpp>
#include <multitudes/generate/language_model.hpp>
#include <multitudes/npc/detail/refusal.hpp>
#include <multitudes/steering/plan.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>

namespace multitudes::npc {

/// Finds the plan with an id, among those that a game compiles when it starts; nullptr if it has
/// none.
using plan_lookup = function_ref<const steering::plan*(fingerprint)>;

namespace detail {

// Bytes that are kept and read again: what they are, of which model, how many, and their checksum
// stand before them.
inline constexpr std::size_t seal_bytes = 4 * sizeof(std::uint64_t);

/// What must be the same when they are read.
inline fingerprint identity_of(const language_model& lm) noexcept {
  return fingerprint_builder()
      .add(lm.weights->id.value)
      .add(static_cast<std::uint64_t>(lm.tokenizer->vocab_size()))
      .finish();
}

/// Fills in the seal before the rest of `bytes`, which is the body.
///
/// Shapes:  bytes: at least seal_bytes.
inline void seal(std::span<std::byte> bytes, std::uint64_t kind,
                 const language_model& lm) noexcept {
  const std::span<const std::byte> body = bytes.subspan(seal_bytes);
  const std::uint64_t words[] = {kind, identity_of(lm).value, body.size(), checksum(body)};
  std::memcpy(bytes.data(), words, sizeof words);
}

inline unexpected<error> damaged(const char* operation, std::string found) {
  return fail({.code = errc::malformed,
               .operation = operation,
               .place = {},
               .found = std::move(found),
               .expected = "bytes as they were written",
               .remedy = {}});
}

/// The body of sealed bytes.
///
/// Errors:  malformed for bytes of another kind or damaged ones; space_mismatch for another
///          model's.
inline expected<std::span<const std::byte>> unseal(std::span<const std::byte> bytes,
                                                   std::uint64_t kind, const language_model& lm,
                                                   const char* operation) {
  std::uint64_t words[4] = {};
  if (bytes.size() >= seal_bytes) std::memcpy(words, bytes.data(), sizeof words);
  if (words[0] != kind) return damaged(operation, "bytes of something else, or of another version");
  const auto body = bytes.subspan(seal_bytes);
  if (words[2] != body.size() || words[3] != checksum(body)) {
    return damaged(operation, "bytes that were cut or changed");
  }
  if (words[1] != identity_of(lm).value) {
    return fail({.code = errc::space_mismatch,
                 .operation = operation,
                 .place = {},
                 .found = "bytes of another model than this",
                 .expected = {},
                 .remedy = "load the model that they were written with"});
  }
  return body;
}

/// The plan with this id; the neutral one for none.
///
/// Errors:  not_found; space_mismatch for one of another model.
inline expected<steering::plan> find_plan(plan_lookup find, fingerprint id,
                                          const language_model& lm, const char* operation) {
  if (id == fingerprint{}) return steering::plan();
  const steering::plan* found = find(id);
  if (found == nullptr || found->id() != id) {
    return fail({.code = errc::not_found,
                 .operation = operation,
                 .place = {},
                 .found = {},
                 .expected = "plan " + to_string(id),
                 .remedy = "compile the personas that were in use, and let `find` give them"});
  }
  if (const auto space = found->space(); space && *space != lm.space()) {
    return fail({.code = errc::space_mismatch,
                 .operation = operation,
                 .place = "plan " + to_string(id),
                 .found = to_string(*space),
                 .expected = to_string(lm.space()),
                 .remedy = "compile it for this model"});
  }
  return *found;
}

}  // namespace detail

}  // namespace multitudes::npc
