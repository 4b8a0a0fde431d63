// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::train {

/// A run of a document's tokens, and whether the loss counts them.
struct token_run {
  std::span<const token_id> tokens;
  bool counts = true;
};

/// Documents as tokens, end to end, each token with the word whether it is to be learnt: an
/// answer counts, the question before it does not.
class dataset {
 public:
  struct document {
    std::size_t first = 0;
    std::size_t size = 0;
  };

  /// Appends one document made of runs. Fewer than two tokens teach nothing and are left out.
  void add(std::span<const token_run> runs) {
    std::size_t size = 0;
    for (const token_run& run : runs) size += run.tokens.size();
    if (size < 2) return;
    documents_.push_back({tokens_.size(), size});
    for (const token_run& run : runs) {
      tokens_.insert(tokens_.end(), run.tokens.begin(), run.tokens.end());
      counts_.insert(counts_.end(), run.tokens.size(), run.counts ? 1 : 0);
    }
  }
  void add(std::span<const token_id> tokens) {
    const token_run whole{tokens, true};
    add(std::span(&whole, 1));
  }

  [[nodiscard]] std::span<const document> documents() const noexcept { return documents_; }
  [[nodiscard]] std::size_t n_tokens() const noexcept { return tokens_.size(); }
  [[nodiscard]] std::span<const token_id> tokens(document d) const noexcept {
    return std::span(tokens_).subspan(d.first, d.size);
  }
  /// 1 for each token that counts.
  [[nodiscard]] std::span<const std::uint8_t> counts(document d) const noexcept {
    return std::span(counts_).subspan(d.first, d.size);
  }

 private:
  std::vector<token_id> tokens_;
  std::vector<std::uint8_t> counts_;
  std::vector<document> documents_;
};

}  // namespace multitudes::train
