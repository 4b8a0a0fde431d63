// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>
#include <multitudes/lab/corpus/trait.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <span>

namespace multitudes::lab {

/// What may come next in a document, and how probable it is to each kind of writer.
struct choice {
  choice_key key = choice_key::nothing;  ///< what the probabilities depend on
  std::span<const token_id> tokens{};    // (n_options), all different
  std::span<const double> table{};       // rows for the key's values, `stride` apart
  std::size_t stride = 0;

  [[nodiscard]] std::size_t n_options() const noexcept { return tokens.size(); }
  /// The next token's distribution for writers whose key has this value.
  [[nodiscard]] std::span<const double> row(std::size_t value) const noexcept {
    return table.subspan(value * stride, tokens.size());
  }
  [[nodiscard]] double probability(std::size_t value, std::size_t option) const noexcept {
    return table[value * stride + option];
  }
  /// Which option a token is, if it is one.
  [[nodiscard]] std::optional<std::size_t> find(token_id t) const noexcept {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i] == t) return i;
    }
    return std::nullopt;
  }
};

/// Where a choice is laid out that no table holds ready.
class choice_scratch {
 public:
  static constexpr std::size_t max_options = 32;
  static constexpr std::size_t max_values = 3;

  choice_scratch& clear(choice_key key) noexcept {
    n_ = 0;
    key_ = key;
    return *this;
  }
  /// Adds an option that is as probable to everyone.
  void add(token_id t, double p) noexcept {
    for (std::size_t v = 0; v < max_values; ++v) at(v, n_) = p;
    tokens_[n_++] = t;
  }
  /// The last option's probability for one value of the key.
  double& last(std::size_t value) noexcept { return at(value, n_ - 1); }
  [[nodiscard]] std::size_t size() const noexcept { return n_; }
  [[nodiscard]] double& at(std::size_t value, std::size_t option) noexcept {
    return table_[value * max_options + option];
  }
  [[nodiscard]] choice finish() const noexcept {
    return {key_, std::span(tokens_).first(n_), table_, max_options};
  }

 private:
  std::size_t n_ = 0;
  choice_key key_ = choice_key::nothing;
  std::array<token_id, max_options> tokens_{};
  std::array<double, max_options * max_values> table_{};
};

}  // namespace multitudes::lab
