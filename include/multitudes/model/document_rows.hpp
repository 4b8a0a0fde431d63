// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/model/hyper_parameters.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace multitudes::model {

/// Documents laid end to end, without padding. A token attends to earlier tokens of its own
/// document, and positions count from each document's start; to let attention cross a separator,
/// lay both texts as one document.
class document_rows {
 public:
  struct document {
    std::size_t first = 0;
    std::size_t n_rows = 0;
  };

  void clear() noexcept {
    tokens_.clear();
    documents_.clear();
  }
  void reserve(std::size_t n_tokens, std::size_t n_documents) {
    tokens_.reserve(n_tokens);
    documents_.reserve(n_documents);
  }
  /// Appends a document; an empty one leaves no trace.
  void append(std::span<const token_id> tokens) {
    if (tokens.empty()) return;
    documents_.push_back({tokens_.size(), tokens.size()});
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  }

  [[nodiscard]] std::span<const token_id> tokens() const noexcept { return tokens_; }
  [[nodiscard]] std::span<const document> documents() const noexcept { return documents_; }
  [[nodiscard]] std::size_t size() const noexcept { return tokens_.size(); }

  [[nodiscard]] std::size_t longest() const noexcept {
    std::size_t n = 0;
    for (const document& d : documents_) n = std::max(n, d.n_rows);
    return n;
  }

 private:
  std::vector<token_id> tokens_;
  std::vector<document> documents_;
};

}  // namespace multitudes::model
