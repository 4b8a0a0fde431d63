// SPDX-License-Identifier: MIT
#pragma once

#include "../corpus/factorial.hpp"
#include "../or_exit.hpp"

#include <multitudes/stats/interval.hpp>
#include <multitudes/stats/naive_bayes.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace personas {

using namespace multitudes;
using example::or_exit;

/// A text and whose it is, counted from 0.
struct labeled_text {
  std::size_t label = 0;
  std::string text{};
};

/// Names whose a text is by the words in it and nothing else.
class judge {
 public:
  /// Only the words in `known` count; all words of the texts do if it is empty.
  static judge fit(std::span<const labeled_text> texts, std::size_t n_labels,
                   const std::set<std::string>& known = {}, double smoothing = 0.2) {
    judge made;
    std::vector<std::vector<std::uint32_t>> bags;
    for (const labeled_text& t : texts) {
      std::vector<std::uint32_t>& bag = bags.emplace_back();
      for (const std::string& word : corpus::words_of(t.text)) {
        if (!known.empty() && !known.contains(word)) continue;
        const auto next = static_cast<std::uint32_t>(made.words_.size());
        bag.push_back(made.words_.emplace(word, next).first->second);
      }
    }
    std::vector<stats::labeled_bag> labeled;
    for (std::size_t i = 0; i < texts.size(); ++i) labeled.push_back({texts[i].label, bags[i]});
    made.bayes_ = or_exit(
        stats::naive_bayes::fit(labeled, n_labels, made.words_.size(), {.smoothing = smoothing}));
    return made;
  }

  /// Nothing if the text has no word that counts.
  [[nodiscard]] std::optional<std::size_t> name(std::string_view text) const {
    std::vector<std::uint32_t> bag;
    for (const std::string& word : corpus::words_of(text)) {
      if (const auto found = words_.find(word); found != words_.end()) bag.push_back(found->second);
    }
    if (bag.empty()) return std::nullopt;
    return bayes_->predict(bag);
  }

  /// How many of the texts it names `label`.
  [[nodiscard]] std::size_t count(std::span<const std::string> texts, std::size_t label) const {
    return static_cast<std::size_t>(std::count_if(
        texts.begin(), texts.end(), [&](const std::string& t) { return name(t) == label; }));
  }

 private:
  std::map<std::string, std::uint32_t> words_;
  std::optional<stats::naive_bayes> bayes_;
};

/// The 95 % interval of a share (Wilson 1927): also sensible near 0 and 1, and for few items.
inline stats::interval share_interval(std::size_t hits, std::size_t n_items) {
  if (n_items == 0) return {0, 1};
  constexpr double z = 1.959964;
  const auto n = static_cast<double>(n_items);
  const double p = static_cast<double>(hits) / n;
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

}  // namespace personas
