// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>
#include <multitudes/text/tokenizer.hpp>
#include <multitudes/text/utf8.hpp>

#include <string>
#include <string_view>

namespace multitudes::text {

/// Whether the first token that is decoded starts a text or goes on with one, such as a prompt.
enum class decode_from { start, middle };

/// Text from tokens as they come, in whole UTF-8 characters; bytes that are not UTF-8 come out as
/// U+FFFD. The tokenizer must outlive it.
///
/// Laws:    everything that `append` and then `finish` give, joined, is `repaired(decode(tokens))`.
class stream_decoder {
 public:
  explicit stream_decoder(const tokenizer& t, decode_from where = decode_from::start)
      : tokenizer_(&t), where_(where), at_start_(where == decode_from::start) {
    // A token and at most 3 bytes before it, each of which may become a character of 3 bytes.
    shown_.reserve(3 * (t.longest_bytes() + 3));
    pending_.reserve(t.longest_bytes() + 3);
  }

  /// The characters that `token` completes; valid until the next call.
  ///
  /// Cost:    linear in the token's bytes; no allocation.
  [[nodiscard]] std::string_view append(token_id token) {
    const std::string_view bytes = tokenizer_->bytes_of(token);
    pending_ += at_start_ ? tokenizer_->first_bytes_of(token) : bytes;
    at_start_ = at_start_ && bytes.empty();
    return show(complete_prefix(pending_));
  }

  /// The rest: U+FFFD if the tokens ended within a character. Ready for another text afterwards;
  /// what is returned is valid until the next call.
  [[nodiscard]] std::string_view finish() {
    at_start_ = where_ == decode_from::start;
    return show(pending_.size());
  }

 private:
  std::string_view show(std::size_t size) {
    shown_.clear();
    append_repaired(shown_, std::string_view(pending_).substr(0, size));
    pending_.erase(0, size);
    return shown_;
  }

  const tokenizer* tokenizer_;
  decode_from where_;
  bool at_start_;
  std::string pending_;  // the start of a character, at most 3 bytes between calls
  std::string shown_;
};

}  // namespace multitudes::text
