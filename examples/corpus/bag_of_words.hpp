// SPDX-License-Identifier: MIT
#pragma once

#include "factorial.hpp"

#include <multitudes/core/expected.hpp>
#include <multitudes/stats/naive_bayes.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corpus {

/// Names the label of a text by the words in it. It knows nothing of order, so that it judges what
/// a text is made of and not how well it reads.
class bag_of_words {
 public:
  /// Only these words count; all do if there are none.
  explicit bag_of_words(std::set<std::string> vocabulary = {}) : known_(std::move(vocabulary)) {}

  void learn(const std::string& label, std::string_view text) {
    std::size_t& number = labels_.try_emplace(label, labels_.size()).first->second;
    std::vector<std::uint32_t> words;
    for (std::string& word : words_of(text)) {
      if (!known_.empty() && !known_.contains(word)) continue;
      const auto next = static_cast<std::uint32_t>(numbers_.size());
      words.push_back(numbers_.try_emplace(std::move(word), next).first->second);
    }
    texts_.emplace_back(number, std::move(words));
  }

  /// To be called once, after everything was learned.
  ///
  /// Errors:  those of multitudes::stats::naive_bayes::fit.
  multitudes::expected<void> fit() {
    std::vector<multitudes::stats::labeled_bag> bags;
    for (const auto& [label, words] : texts_) bags.push_back({label, words});
    auto fitted = multitudes::stats::naive_bayes::fit(bags, labels_.size(), numbers_.size(),
                                                      {.smoothing = 0.5});
    if (!fitted) return multitudes::forward_error(fitted);
    judge_ = *std::move(fitted);
    return {};
  }

  /// The likeliest label, whichever were the commonest; empty before `fit`.
  [[nodiscard]] std::string name(std::string_view text) const {
    if (!judge_) return {};
    std::vector<std::uint32_t> words;
    for (const std::string& word : words_of(text)) {
      if (const auto found = numbers_.find(word); found != numbers_.end()) {
        words.push_back(found->second);
      }
    }
    const std::size_t best = judge_->predict(words);
    for (const auto& [label, number] : labels_) {
      if (number == best) return label;
    }
    return {};
  }

 private:
  std::set<std::string> known_;
  std::map<std::string, std::uint32_t> numbers_;
  std::map<std::string, std::size_t> labels_;
  std::vector<std::pair<std::size_t, std::vector<std::uint32_t>>> texts_;
  std::optional<multitudes::stats::naive_bayes> judge_;
};

}  // namespace corpus
