// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/function_ref.hpp>
#include <multitudes/generate/grammar/grammar_state.hpp>
#include <multitudes/generate/grammar/token_masks.hpp>
#include <multitudes/generate/session.hpp>
#include <multitudes/text/stream_decoder.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace multitudes {

/// What came of writing under a grammar.
struct constrained_text {
  std::string text;
  bool complete =
      false;  ///< the text follows the grammar; else it is the beginning of one that does
};

/// Lets a session write a text that follows a grammar. It ends where nothing can follow, with the
/// end-of-text token, or at `max_tokens`; as that comes near, only what can still be ended in time
/// is allowed. `show` gets each piece of text as soon as its characters are complete.
///
/// Errors:  those of session::next and token_masks::of; what was written stays in the session.
///          invalid_argument if the masks are for another vocabulary.
/// Example: docs/grammar.md
template <executor E, residual_observer O = no_observer>
expected<constrained_text> write_under(session<E>& writer, token_masks& masks,
                                       std::size_t max_tokens,
                                       function_ref<void(std::string_view)> show,
                                       const O& observer = {}) {
  const text::tokenizer& tokenizer = *writer.lm().tokenizer;
  if (masks.tokens().vocab_size() != tokenizer.vocab_size()) {
    return fail({.code = errc::invalid_argument,
                 .operation = "write under a grammar",
                 .place = "masks",
                 .found = std::to_string(masks.tokens().vocab_size()) + " tokens",
                 .expected = std::to_string(tokenizer.vocab_size()),
                 .remedy = "make the trie from the session's tokenizer"});
  }
  constrained_text written;
  // Also where it begins a text: a space in front would be dropped that the grammar may want.
  text::stream_decoder decoder(tokenizer, text::decode_from::middle);
  grammar_state at = masks.start();
  for (std::size_t left = max_tokens; left > 0 && !at.must_end(); --left) {
    const auto allowed = masks.of(at, left);
    if (!allowed) return fail(allowed.error());
    const auto token = writer.next(**allowed, observer);
    if (!token) return fail(token.error());
    if (masks.tokens().is_end(*token)) break;
    const auto accepted = masks.accept(at, *token);
    if (!accepted) return fail(accepted.error());
    const std::string_view piece = decoder.append(*token);
    written.text += piece;
    if (!piece.empty()) show(piece);
  }
  written.complete = at.may_end();
  return written;
}
template <executor E>
expected<constrained_text> write_under(session<E>& writer, token_masks& masks,
                                       std::size_t max_tokens) {
  return write_under(writer, masks, max_tokens, [](std::string_view) {});
}

}  // namespace multitudes
