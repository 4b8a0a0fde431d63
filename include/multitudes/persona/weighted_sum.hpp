// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace multitudes {

/// One summand of a layer: `coefficient * row`, where row has as many elements as the space is
/// wide. Every expression is, layer by layer, a list of these.
struct term {
  double coefficient = 0.0;
  const float* row = nullptr;
};

/// What `weighted_sum` returns when every element was finite.
inline constexpr std::size_t all_finite = std::numeric_limits<std::size_t>::max();

namespace detail {

/// `x` with its significand rounded to `Bits` bits, ties to even.
///
/// Products of a float (24 bits) and a number of 29 bits, or of two of 26, are exact in double.
/// So it makes no difference whether the compiler fuses a multiplication with an addition, and
/// the same expression gives the same bits for every compiler, flag and processor, and in
/// constant evaluation.
template <int Bits>
constexpr double rounded_to(double x) noexcept {
  constexpr int dropped = 53 - Bits;
  constexpr std::uint64_t below_half = (std::uint64_t{1} << (dropped - 1)) - 1;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const std::uint64_t odd = (bits >> dropped) & 1;
  // A carry out of the significand raises the exponent, which is right; infinity stays infinity.
  return std::bit_cast<double>((bits + below_half + odd) >> dropped << dropped);
}

// Elements summed at a time: the sums stay in the nearest cache, and a constant trip count spares
// compilers the remainder of a vectorised loop.
inline constexpr std::size_t tile = 64;

/// Adds K terms to the sums, or starts the sums with them if Fresh.
template <std::size_t K, bool Fresh>
constexpr void add_terms(const term* t, std::size_t begin, std::size_t count,
                         double* sums) noexcept {
  const auto run = [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      double s = t[0].coefficient * static_cast<double>(t[0].row[begin + i]);
      if constexpr (!Fresh) s = sums[i] + s;
      if constexpr (K > 1) s += t[1].coefficient * static_cast<double>(t[1].row[begin + i]);
      if constexpr (K > 2) s += t[2].coefficient * static_cast<double>(t[2].row[begin + i]);
      if constexpr (K > 3) s += t[3].coefficient * static_cast<double>(t[3].row[begin + i]);
      sums[i] = s;
    }
  };
  if (count == tile) {
    run(tile);
  } else {
    run(count);
  }
}

template <bool Fresh>
constexpr void add_terms(const term* t, std::size_t n_terms, std::size_t begin, std::size_t count,
                         double* sums) noexcept {
  switch (n_terms) {
    case 1: return add_terms<1, Fresh>(t, begin, count, sums);
    case 2: return add_terms<2, Fresh>(t, begin, count, sums);
    case 3: return add_terms<3, Fresh>(t, begin, count, sums);
    default: return add_terms<4, Fresh>(t, begin, count, sums);
  }
}

/// sums[i] = sum over terms of coefficient * row[begin + i], in the order of the terms. Terms of
/// coefficient 0 are skipped: they contribute nothing, not even to the sign of zero.
constexpr void sum_terms(std::span<const term> terms, std::size_t begin, std::size_t count,
                         double* sums) noexcept {
  term together[4];  // added in one go, so that sums stay in registers
  std::size_t n = 0;
  bool fresh = true;
  for (std::size_t i = 0; i <= terms.size(); ++i) {
    const bool end = i == terms.size();
    if (n == 4 || (end && n > 0)) {
      if (fresh) {
        add_terms<true>(together, n, begin, count, sums);
      } else {
        add_terms<false>(together, n, begin, count, sums);
      }
      fresh = false;
      n = 0;
    }
    if (!end && terms[i].coefficient != 0.0) together[n++] = terms[i];
  }
  if (!fresh) return;
  for (std::size_t i = 0; i < count; ++i) sums[i] = 0.0;
}

/// How many numbers, from the first, fit into a finite float.
constexpr std::size_t count_finite(const double* x, std::size_t count) noexcept {
  // Magnitudes compare as their bits do, with infinity and NaN above all: the sign bit of the
  // difference tells, and differences can be collected without a branch.
  constexpr auto limit = std::bit_cast<std::uint64_t>(double{std::numeric_limits<float>::max()});
  const auto excess = [](double y) { return limit - (std::bit_cast<std::uint64_t>(y) << 1 >> 1); };
  const auto any = [&](std::size_t n) {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < n; ++i) all |= excess(x[i]);
    return all >> 63 != 0;
  };
  if (!(count == tile ? any(tile) : any(count))) return count;
  std::size_t i = 0;
  while (excess(x[i]) >> 63 == 0) ++i;
  return i;
}

constexpr void narrow(const double* x, std::size_t count, float* out) noexcept {
  if (count == tile) {
    for (std::size_t i = 0; i < tile; ++i) out[i] = static_cast<float>(x[i]);
  } else {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(x[i]);
  }
}

constexpr void round_coefficients(std::span<term> terms) noexcept {
  for (term& t : terms) t.coefficient = rounded_to<29>(t.coefficient);
}

struct inner_products {
  double left_left = 0.0;
  double left_right = 0.0;
  double right_right = 0.0;
};

/// Inner products of two sums of terms over a row, in double and in a fixed order (8 partial
/// sums). Rounds the coefficients as `weighted_sum` does, so both see the same operands.
constexpr inner_products inner(std::span<term> left, std::span<term> right,
                               std::size_t width) noexcept {
  round_coefficients(left);
  round_coefficients(right);
  constexpr std::size_t lanes = 8;
  double ll[lanes] = {}, lr[lanes] = {}, rr[lanes] = {};
  double l[tile] = {}, r[tile] = {};
  for (std::size_t begin = 0; begin < width; begin += tile) {
    const std::size_t count = width - begin < tile ? width - begin : tile;
    sum_terms(left, begin, count, l);
    sum_terms(right, begin, count, r);
    for (std::size_t i = 0; i < count; ++i) {
      l[i] = rounded_to<26>(l[i]);
      r[i] = rounded_to<26>(r[i]);
    }
    for (std::size_t i = count; i < tile; ++i) l[i] = r[i] = 0.0;
    for (std::size_t i = 0; i < tile; i += lanes) {
      for (std::size_t k = 0; k < lanes; ++k) {
        ll[k] += l[i + k] * l[i + k];
        lr[k] += l[i + k] * r[i + k];
        rr[k] += r[i + k] * r[i + k];
      }
    }
  }
  inner_products result{ll[0], lr[0], rr[0]};
  for (std::size_t k = 1; k < lanes; ++k) {
    result.left_left += ll[k];
    result.left_right += lr[k];
    result.right_right += rr[k];
  }
  return result;
}

}  // namespace detail

/// out[i] = sum over terms of coefficient * row[i], in double, in the order of the terms, rounded
/// to float once. Coefficients count to 29 significant bits.
///
/// Shapes:  out (width); each row (width). out may be one of the rows.
/// Errors:  the index of the first element that is not finite, else `all_finite`; out is then
///          partly written.
/// Cost:    one multiply-add for each term and element; no allocation.
constexpr std::size_t weighted_sum(std::span<term> terms, std::span<float> out) noexcept {
  using detail::tile;
  detail::round_coefficients(terms);
  double sums[tile] = {};
  for (std::size_t begin = 0; begin < out.size(); begin += tile) {
    const std::size_t count = out.size() - begin < tile ? out.size() - begin : tile;
    detail::sum_terms(terms, begin, count, sums);
    const std::size_t finite = detail::count_finite(sums, count);
    detail::narrow(sums, finite, out.data() + begin);
    if (finite < count) return begin + finite;
  }
  return all_finite;
}

}  // namespace multitudes
