// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// A student (or another that answers predict_next) in front of whose every text something stands
/// that the asker does not see: a question about "<doc> x" is answered for "<doc> prefix x". The
/// prefix need be no gazette.
template <class Asked>
class hidden_prefix {
 public:
  /// `asked` must outlive it. Texts must begin with the one token that comes before the prefix.
  hidden_prefix(Asked& asked, std::vector<token_id> prefix)
      : asked_(&asked), prefix_(std::move(prefix)) {}

  template <class Visit>
  expected<void> predict_next(std::span<const std::vector<token_id>> all, Visit&& visit) {
    texts longer;
    for (const auto& text : all) {
      auto& whole = longer.emplace_back();
      if (text.empty()) continue;
      whole.push_back(text.front());
      whole.insert(whole.end(), prefix_.begin(), prefix_.end());
      whole.insert(whole.end(), text.begin() + 1, text.end());
    }
    return asked_->predict_next(longer, visit);
  }

 private:
  Asked* asked_;
  std::vector<token_id> prefix_;
};

}  // namespace multitudes::lab
