// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::stats {

/// What is taken off counts of 1, of 2, and of 3 and more.
struct kneser_ney_discounts {
  /// Estimated from how many counts are 1, 2, 3 and 4. Where one of these is 0 or the estimate is
  /// not between 0 and the count, counts say too little: 0.5, 1 and 1.5 stand in.
  ///
  /// Source:  Chen and Goodman 1999, section 3.4; the stand-ins are those of KenLM.
  static kneser_ney_discounts estimate(const std::array<std::uint64_t, 4>& counts_of_counts) {
    constexpr kneser_ney_discounts stand_in{{0.5, 1, 1.5}};
    std::array<double, 4> n{};
    for (std::size_t i = 0; i < n.size(); ++i) {
      if (counts_of_counts[i] == 0) return stand_in;
      n[i] = static_cast<double>(counts_of_counts[i]);
    }
    const double y = n[0] / (n[0] + 2 * n[1]);
    kneser_ney_discounts d{};
    for (std::size_t i = 0; i < d.values.size(); ++i) {
      const auto count = static_cast<double>(i + 1);
      d.values[i] = count - (count + 1) * y * n[i + 1] / n[i];
      if (!(d.values[i] > 0)) return stand_in;
    }
    return d;
  }

  [[nodiscard]] double of(std::uint32_t count) const noexcept {
    return count == 0 ? 0 : values[std::min(count, 3u) - 1];
  }

  std::array<double, 3> values;
};

/// A model of sequences that predicts a symbol from the `order - 1` before it: interpolated
/// modified Kneser-Ney. Shorter contexts count in how many different places a symbol was seen, not
/// how often; below them all, every symbol of the alphabet is equally likely.
///
/// A document begins after `order - 1` start marks, which are contexts only. Its end is not
/// predicted: where that matters, documents end with a symbol of their own.
///
/// Laws:    after any context the probabilities of the alphabet are positive and sum to 1.
/// Source:  Kneser and Ney 1995; Chen and Goodman 1999, "An empirical study of smoothing
///          techniques for language modeling".
class kneser_ney {
 public:
  using symbols = std::span<const std::uint32_t>;

  static constexpr std::size_t max_order = 16;

  /// Errors:  invalid_argument for order 0 or above `max_order`, an alphabet of no symbols or of
  ///          2^32 - 1 or more, or a symbol outside it; unsupported for 2^32 - 1 symbols and start
  ///          marks or more.
  /// Cost:    sorts n symbols by their contexts; some 32 bytes for each different context and 8
  ///          for each different n-gram, of each order.
  static expected<kneser_ney> fit(std::span<const symbols> documents, std::size_t alphabet_size,
                                  std::size_t order) {
    if (auto checked = check(documents, alphabet_size, order); !checked) {
      return forward_error(checked);
    }
    kneser_ney made(alphabet_size, order);
    made.read(documents);
    for (std::size_t k = order - 1; k-- > 0;) made.count_places(k);
    for (level& l : made.levels_) l.discount();
    return made;
  }

  /// The logarithm of the probability that `symbol` follows in a document that so far is `context`,
  /// of which only the last `order - 1` symbols matter; minus infinity outside the alphabet.
  ///
  /// Units:   nats.
  /// Cost:    `order` times two binary searches; no allocation.
  [[nodiscard]] double log_probability(symbols context, std::uint32_t symbol) const noexcept {
    if (symbol >= alphabet_size_) return -std::numeric_limits<double>::infinity();
    double p = 1 / static_cast<double>(alphabet_size_);
    std::size_t node = 0;
    for (std::size_t k = 0;; ++k) {
      const level& l = levels_[k];
      p = l.share(node, symbol) + l.backoff[node] * p;
      if (k + 1 == levels_.size()) break;
      const std::uint32_t before = k < context.size() ? context[context.size() - 1 - k] : start;
      if (k < context.size() && before >= alphabet_size_) break;
      const std::optional<std::size_t> longer =
          levels_[k + 1].find(before, l.first_child[node], l.first_child[node + 1]);
      if (!longer) break;
      node = *longer;
    }
    return std::log(p);
  }

  /// The mean of `-log_probability` over the symbols of a document.
  ///
  /// Units:   nats per symbol.
  /// Errors:  nothing if the document is empty or has a symbol outside the alphabet.
  [[nodiscard]] std::optional<double> mean_loss(symbols document) const noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < document.size(); ++i) {
      sum -= log_probability(document.first(i), document[i]);
    }
    if (document.empty() || !std::isfinite(sum)) return std::nullopt;
    return sum / static_cast<double>(document.size());
  }

  [[nodiscard]] std::size_t order() const noexcept { return levels_.size(); }
  [[nodiscard]] std::size_t alphabet_size() const noexcept { return alphabet_size_; }
  /// Of n-grams of length `n`, 1 to `order`.
  [[nodiscard]] const kneser_ney_discounts& discounts(std::size_t n) const noexcept {
    return levels_[n - 1].discounts;
  }

 private:
  static constexpr std::uint32_t start = std::numeric_limits<std::uint32_t>::max();

  /// The contexts of one length as level k of a trie that is read backwards from the symbol to be
  /// predicted, and the symbols that were seen after each.
  struct level {
    // (n_contexts): the earliest symbol of each; siblings stand together in its order.
    std::vector<std::uint32_t> earliest;
    std::vector<std::uint32_t> first_child;  // (n_contexts + 1), in the next level
    std::vector<std::uint32_t> first_next;   // (n_contexts + 1), in the two lists below
    std::vector<std::uint64_t> total;        // (n_contexts), of the counts
    std::vector<double> backoff;       // (n_contexts), the probability left to the level above
    std::vector<std::uint32_t> next;   // (n_ngrams), sorted within each context
    std::vector<std::uint32_t> count;  // (n_ngrams)
    kneser_ney_discounts discounts{};

    /// What is added next follows another context.
    void end_context() { first_next.push_back(static_cast<std::uint32_t>(next.size())); }
    void add_next(std::uint32_t symbol, bool same_as_last) {
      if (!same_as_last) {
        next.push_back(symbol);
        count.push_back(0);
      }
      ++count.back();
    }
    [[nodiscard]] std::optional<std::size_t> find(std::uint32_t symbol, std::size_t first,
                                                  std::size_t last) const noexcept {
      return find_in(earliest, symbol, first, last);
    }
    /// What a context itself gives to a symbol.
    [[nodiscard]] double share(std::size_t node, std::uint32_t symbol) const noexcept {
      const auto place = find_in(next, symbol, first_next[node], first_next[node + 1]);
      if (!place) return 0;
      const std::uint32_t c = count[*place];
      return (static_cast<double>(c) - discounts.of(c)) / static_cast<double>(total[node]);
    }
    void discount() {
      std::array<std::uint64_t, 4> n{};
      for (const std::uint32_t c : count) {
        if (c <= n.size()) ++n[c - 1];
      }
      discounts = kneser_ney_discounts::estimate(n);
      for (std::size_t i = 0; i < earliest.size(); ++i) {
        std::uint64_t sum = 0;
        double taken = 0;
        for (std::size_t j = first_next[i]; j < first_next[i + 1]; ++j) {
          sum += count[j];
          taken += discounts.of(count[j]);
        }
        total.push_back(sum);
        backoff.push_back(sum == 0 ? 1 : taken / static_cast<double>(sum));
      }
    }

   private:
    static std::optional<std::size_t> find_in(const std::vector<std::uint32_t>& sorted,
                                              std::uint32_t symbol, std::size_t first,
                                              std::size_t last) noexcept {
      const auto begin = sorted.begin() + static_cast<std::ptrdiff_t>(first);
      const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(last);
      const auto place = std::lower_bound(begin, end, symbol);
      if (place == end || *place != symbol) return std::nullopt;
      return static_cast<std::size_t>(place - sorted.begin());
    }
  };

  kneser_ney(std::size_t alphabet_size, std::size_t order)
      : alphabet_size_(alphabet_size), levels_(order) {}

  static expected<void> check(std::span<const symbols> documents, std::size_t alphabet_size,
                              std::size_t order) {
    const auto refuse = [](errc code, std::string place, std::string found, std::string wanted) {
      return fail({.code = code,
                   .operation = "fit Kneser-Ney model",
                   .place = std::move(place),
                   .found = std::move(found),
                   .expected = std::move(wanted),
                   .remedy = {}});
    };
    if (order == 0 || order > max_order) {
      return refuse(errc::invalid_argument, "order", std::to_string(order),
                    "1 to " + std::to_string(max_order));
    }
    if (alphabet_size == 0 || alphabet_size >= start) {
      return refuse(errc::invalid_argument, "alphabet size", std::to_string(alphabet_size),
                    "1 to " + std::to_string(start - 1));
    }
    std::uint64_t room = start - 1;
    for (std::size_t d = 0; d < documents.size(); ++d) {
      const symbols document = documents[d];
      const std::string place = "document " + std::to_string(d);
      if (order - 1 > room || document.size() > room - (order - 1)) {
        return refuse(errc::unsupported, place, "too many symbols",
                      "at most " + std::to_string(start - 1) + " with start marks");
      }
      room -= document.size() + (order - 1);
      for (std::size_t i = 0; i < document.size(); ++i) {
        if (document[i] < alphabet_size) continue;
        return refuse(errc::invalid_argument, place + ", symbol " + std::to_string(i),
                      std::to_string(document[i]), "less than " + std::to_string(alphabet_size));
      }
    }
    return {};
  }

  /// Makes the contexts of all levels, and the counts of the longest.
  void read(std::span<const symbols> documents) {
    const std::size_t longest = levels_.size() - 1;
    std::vector<std::uint32_t> text;
    std::vector<std::uint32_t> places;
    for (const symbols document : documents) {
      text.insert(text.end(), longest, start);
      for (const std::uint32_t symbol : document) {
        places.push_back(static_cast<std::uint32_t>(text.size()));
        text.push_back(symbol);
      }
    }
    // How many symbols before the two places agree.
    const auto common = [&](std::uint32_t a, std::uint32_t b) {
      std::uint32_t n = 0;
      while (n < longest && text[a - 1 - n] == text[b - 1 - n]) ++n;
      return n;
    };
    std::sort(places.begin(), places.end(), [&](std::uint32_t a, std::uint32_t b) {
      const std::uint32_t n = common(a, b);
      return n == longest ? text[a] < text[b] : text[a - 1 - n] < text[b - 1 - n];
    });

    add_context(0, start);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const std::uint32_t place = places[i];
      const std::size_t n = i == 0 ? 0 : common(places[i - 1], place);
      for (std::size_t k = n + 1; k <= longest; ++k) add_context(k, text[place - k]);
      const bool again = i != 0 && n == longest && text[places[i - 1]] == text[place];
      levels_[longest].add_next(text[place], again);
    }
    for (std::size_t k = 0; k <= longest; ++k) levels_[k].first_child.push_back(size_of(k + 1));
    levels_[longest].end_context();
  }

  [[nodiscard]] std::uint32_t size_of(std::size_t k) const noexcept {
    return k < levels_.size() ? static_cast<std::uint32_t>(levels_[k].earliest.size()) : 0;
  }
  void add_context(std::size_t k, std::uint32_t symbol) {
    levels_[k].earliest.push_back(symbol);
    levels_[k].first_child.push_back(size_of(k + 1));
    if (k + 1 == levels_.size()) levels_[k].end_context();
  }

  /// The counts after shorter contexts: of how many contexts that are one symbol longer.
  void count_places(std::size_t k) {
    level& l = levels_[k];
    const level& longer = levels_[k + 1];
    std::vector<std::uint32_t> seen;
    for (std::size_t i = 0; i < l.earliest.size(); ++i) {
      l.end_context();
      const auto at = [&](std::size_t child) {
        return longer.next.begin() + static_cast<std::ptrdiff_t>(longer.first_next[child]);
      };
      seen.assign(at(l.first_child[i]), at(l.first_child[i + 1]));
      std::sort(seen.begin(), seen.end());
      for (std::size_t j = 0; j < seen.size(); ++j) {
        l.add_next(seen[j], j != 0 && seen[j] == seen[j - 1]);
      }
    }
    l.end_context();
  }

  std::size_t alphabet_size_;
  std::vector<level> levels_;  // (order)
};

}  // namespace multitudes::stats
