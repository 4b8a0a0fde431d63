// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/extract/second_moments.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>

namespace multitudes {

/// What an extractor looks at, from the cheapest on. Each includes `means`.
enum class looks_at {
  means,        ///< of the differences and of the midpoints: one pass, nothing kept
  differences,  ///< their second moments as well
  texts,        ///< second moments of all texts, both sides
  rows,         ///< every row: kept in memory, because the fit passes over them many times
};

/// Pairs of rows at one place in the model, summed up. What an extractor did not ask for is empty.
/// The two sides of a pair may have changed places (a control does that): then only `difference`
/// and `rows` tell, since both second moments are the same either way.
struct pair_statistics {
  std::size_t n_pairs = 0;
  std::span<const double> difference;           ///< (width), the mean of positive - negative
  std::span<const double> midpoint;             ///< (width), the mean of all texts
  const second_moments* differences = nullptr;  ///< n_pairs rows
  const second_moments* texts = nullptr;        ///< 2 * n_pairs rows
  linalg::labeled_rows rows{};
};

/// Makes a direction of pairs of rows: `x(pairs, out)` writes it to `out` (width), of any length
/// and sign; zeros if it finds none. Whoever calls it scales it to unit length and turns it so
/// that the positive texts project higher.
///
/// Laws:    the same statistics give the same bits; scaling all rows scales nothing but length;
///          `looks_at::means` extractors are cheap, since each pair is judged by a call of its own.
/// Example: docs/learning.md
template <class X>
concept extractor = requires(const X& x, const pair_statistics& pairs, std::span<double> out) {
  { X::needs } -> std::convertible_to<looks_at>;
  { X::name } -> std::convertible_to<std::string_view>;
  { x(pairs, out) } -> std::same_as<void>;
};

}  // namespace multitudes
