// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::stats {

/// Symbols whose order does not matter, and whose they are.
struct labeled_bag {
  std::size_t label = 0;  ///< a class, counted from 0
  std::span<const std::uint32_t> symbols{};
};

/// How likely a class is before anything is read.
enum class class_prior : std::uint8_t {
  uniform,    ///< all alike
  empirical,  ///< as its share of the bags
};

struct naive_bayes_options {
  double smoothing = 1;  ///< added to how often each symbol was seen in each class
  class_prior prior = class_prior::uniform;
};

/// Tells from its symbols which class a bag is from, as if each symbol were drawn from the class
/// without regard to the others. They are not in texts: which class is best is told well, but
/// posteriors of long bags are too sure of it.
///
/// Source:  McCallum and Nigam 1998, "A comparison of event models for naive Bayes text
///          classification" (the multinomial one).
class naive_bayes {
 public:
  using symbols = std::span<const std::uint32_t>;

  /// Errors:  invalid_argument if there are no classes or no alphabet, for a label or a symbol out
  ///          of range, a class without a bag, or a smoothing that is not positive and finite;
  ///          unsupported if the table would not fit into memory that can be addressed.
  /// Cost:    n_classes * alphabet_size doubles; linear in these and the symbols.
  static expected<naive_bayes> fit(std::span<const labeled_bag> bags, std::size_t n_classes,
                                   std::size_t alphabet_size, const naive_bayes_options& how = {}) {
    if (auto checked = check(bags, n_classes, alphabet_size, how); !checked) {
      return forward_error(checked);
    }
    naive_bayes made;
    made.alphabet_size_ = alphabet_size;
    made.weights_.assign(n_classes * alphabet_size, how.smoothing);
    std::vector<double> n_bags(n_classes, 0);
    std::vector<double> n_symbols(n_classes, how.smoothing * static_cast<double>(alphabet_size));
    for (const labeled_bag& bag : bags) {
      ++n_bags[bag.label];
      n_symbols[bag.label] += static_cast<double>(bag.symbols.size());
      for (const std::uint32_t symbol : bag.symbols)
        ++made.weights_[symbol * n_classes + bag.label];
    }
    for (std::size_t i = 0; i < made.weights_.size(); ++i) {
      made.weights_[i] = std::log(made.weights_[i]) - std::log(n_symbols[i % n_classes]);
    }
    for (const double n : n_bags) {
      const double share = how.prior == class_prior::uniform ? 1 / static_cast<double>(n_classes)
                                                             : n / static_cast<double>(bags.size());
      made.log_prior_.push_back(std::log(share));
    }
    return made;
  }

  /// The logarithm of the probability of each class, given a bag. Symbols outside the alphabet
  /// speak for no class.
  ///
  /// Units:   nats.
  /// Cost:    n_classes additions for each symbol.
  [[nodiscard]] std::vector<double> log_posterior(symbols bag) const {
    const std::size_t n = log_prior_.size();
    std::vector<double> result = log_prior_;
    for (const std::uint32_t symbol : bag) {
      if (symbol >= alphabet_size_) continue;
      for (std::size_t k = 0; k < n; ++k) result[k] += weights_[symbol * n + k];
    }
    const double most = *std::max_element(result.begin(), result.end());
    double sum = 0;
    for (const double x : result) sum += std::exp(x - most);
    for (double& x : result) x -= most + std::log(sum);
    return result;
  }

  /// The most probable class; of equally probable ones the first.
  ///
  /// Cost:    as log_posterior.
  [[nodiscard]] std::size_t predict(symbols bag) const {
    const std::vector<double> p = log_posterior(bag);
    return static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
  }

  [[nodiscard]] std::size_t n_classes() const noexcept { return log_prior_.size(); }
  [[nodiscard]] std::size_t alphabet_size() const noexcept { return alphabet_size_; }
  /// The logarithm of the probability of a symbol in a class; both must be in range.
  [[nodiscard]] double log_probability(std::size_t label, std::uint32_t symbol) const noexcept {
    return weights_[symbol * log_prior_.size() + label];
  }

 private:
  naive_bayes() = default;

  static expected<void> check(std::span<const labeled_bag> bags, std::size_t n_classes,
                              std::size_t alphabet_size, const naive_bayes_options& how) {
    const auto refuse = [](errc code, std::string place, std::string found, std::string wanted) {
      return fail({.code = code,
                   .operation = "fit naive Bayes",
                   .place = std::move(place),
                   .found = std::move(found),
                   .expected = std::move(wanted),
                   .remedy = {}});
    };
    if (n_classes == 0 || alphabet_size == 0) {
      return refuse(errc::invalid_argument, n_classes == 0 ? "classes" : "alphabet size", "0",
                    "at least 1");
    }
    if (!(how.smoothing > 0) || !std::isfinite(how.smoothing)) {
      return refuse(errc::invalid_argument, "smoothing", std::to_string(how.smoothing),
                    "a positive number");
    }
    const checked_size bytes = checked_size(n_classes) * alphabet_size * sizeof(double);
    if (!bytes.fits(std::numeric_limits<std::ptrdiff_t>::max())) {
      return refuse(
          errc::unsupported, "table",
          std::to_string(n_classes) + " classes of " + std::to_string(alphabet_size) + " symbols",
          "a table that fits into memory");
    }
    std::vector<bool> has_bag(n_classes, false);
    for (std::size_t b = 0; b < bags.size(); ++b) {
      const std::string place = "bag " + std::to_string(b);
      if (bags[b].label >= n_classes) {
        return refuse(errc::invalid_argument, place + ", label", std::to_string(bags[b].label),
                      "less than " + std::to_string(n_classes));
      }
      has_bag[bags[b].label] = true;
      for (const std::uint32_t symbol : bags[b].symbols) {
        if (symbol < alphabet_size) continue;
        return refuse(errc::invalid_argument, place + ", symbol", std::to_string(symbol),
                      "less than " + std::to_string(alphabet_size));
      }
    }
    const auto missing = std::find(has_bag.begin(), has_bag.end(), false);
    if (missing == has_bag.end()) return {};
    return refuse(errc::invalid_argument, "class " + std::to_string(missing - has_bag.begin()),
                  "no bag", "at least one");
  }

  std::size_t alphabet_size_ = 0;
  std::vector<double> log_prior_;  // (n_classes)
  std::vector<double> weights_;    // (alphabet_size, n_classes), log probabilities
};

}  // namespace multitudes::stats
