// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/half.hpp>
#include <multitudes/simd/isa.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace multitudes::simd {

// Rows of bf16 in half the memory, for one row of floats against many: what multi_row.hpp does,
// where reading the many is what takes the time. Of each 32 numbers, word k holds number k in its
// low half and number k + 16 in its high half, so that every instruction set unpacks them with a
// shift and a mask. The last words are filled up with zeros.

inline constexpr std::size_t paired_block = 32;

/// How many words a row of `width` numbers takes.
constexpr std::size_t paired_words(std::size_t width) noexcept {
  return (width + paired_block - 1) / paired_block * (paired_block / 2);
}

/// Rounds a row to bf16 and packs it.
///
/// Shapes:  row (width); words (paired_words(width)).
inline void pack_paired(std::span<const float> row, std::span<std::uint32_t> words) noexcept {
  std::fill(words.begin(), words.end(), 0u);
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::size_t k = i % paired_block;
    const std::uint32_t bits = float_to_bf16(row[i]);
    words[i / paired_block * 16 + k % 16] |= k < 16 ? bits : bits << 16;
  }
}

/// Number `i` of a packed row.
constexpr float paired_at(const std::uint32_t* words, std::size_t i) noexcept {
  const std::size_t k = i % paired_block;
  const std::uint32_t word = words[i / paired_block * 16 + k % 16];
  return bf16_to_float(static_cast<std::uint16_t>(k < 16 ? word : word >> 16));
}

/// A packed row and how much of it.
struct scaled_paired_row {
  float factor = 0;
  const std::uint32_t* words = nullptr;
};

/// `out[r]` is the inner product of a packed row and `x`.
///
/// Shapes:  rows (n, paired_words(model_dim)), x (model_dim), out (n).
template <std::same_as<scalar> I>
MULTITUDES_NOINLINE void paired_dot(matrix_view<const std::uint32_t> rows, std::span<const float> x,
                                    std::span<float> out) noexcept {
  for (std::size_t r = 0; r < out.size(); ++r) {
    float sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += paired_at(rows.row(r).data(), i) * x[i];
    out[r] = sum;
  }
}

/// `y[i] += factor * row[i]` for each of the terms in turn.
///
/// Shapes:  y (model_dim).
template <std::same_as<scalar> I>
MULTITUDES_NOINLINE void paired_axpy(std::span<const scaled_paired_row> terms,
                                     std::span<float> y) noexcept {
  for (std::size_t i = 0; i < y.size(); ++i) {
    for (const scaled_paired_row& t : terms) y[i] += t.factor * paired_at(t.words, i);
  }
}

namespace detail {

/// The two numbers of each word.
template <vector_isa I>
struct unpaired {
  using lane = lanes<I, float>;
  typename lane::batch low, high;

  explicit MULTITUDES_ALWAYS_INLINE unpaired(const std::uint32_t* words) noexcept {
    using integers = typename lane::integer_batch;
    const auto both = integers::load_unaligned(reinterpret_cast<const std::int32_t*>(words));
    low = lane::from_bits(both << 16);
    high = lane::from_bits(both & integers(static_cast<std::int32_t>(0xffff0000u)));
  }
};

/// Adds the products of one block of `Count` rows with 32 numbers.
template <vector_isa I, std::size_t Count>
MULTITUDES_ALWAYS_INLINE void dot_block(const std::uint32_t* first, std::size_t stride,
                                        const float* x,
                                        typename lanes<I, float>::batch (&sums)[Count][2]) {
  using lane = lanes<I, float>;
  for (std::size_t k = 0; k < 16; k += lane::count) {
    const auto low = lane::load(x + k);
    const auto high = lane::load(x + 16 + k);
    for (std::size_t r = 0; r < Count; ++r) {
      const unpaired<I> both(first + r * stride + k);
      sums[r][0] = lane::fma(both.low, low, sums[r][0]);
      sums[r][1] = lane::fma(both.high, high, sums[r][1]);
    }
  }
}

template <vector_isa I, std::size_t Count>
MULTITUDES_ALWAYS_INLINE void paired_dots(const std::uint32_t* first, std::size_t stride,
                                          std::span<const float> x, float* out) noexcept {
  using lane = lanes<I, float>;
  typename lane::batch sums[Count][2];
  for (auto& of_row : sums) of_row[0] = of_row[1] = lane::all(0);
  std::size_t i = 0;
  for (; i + paired_block <= x.size(); i += paired_block) {
    dot_block<I, Count>(first + i / 2, stride, x.data() + i, sums);
  }
  if (i < x.size()) {
    float rest[paired_block] = {};
    std::copy(x.begin() + static_cast<std::ptrdiff_t>(i), x.end(), rest);
    dot_block<I, Count>(first + i / 2, stride, rest, sums);
  }
  for (std::size_t r = 0; r < Count; ++r) out[r] = lane::sum(sums[r][0] + sums[r][1]);
}

/// Adds the terms' block that begins at `at` to 32 numbers.
template <vector_isa I>
MULTITUDES_ALWAYS_INLINE void axpy_block(std::span<const scaled_paired_row> terms, std::size_t at,
                                         float* y) noexcept {
  using lane = lanes<I, float>;
  for (std::size_t k = 0; k < 16; k += lane::count) {
    auto low = lane::load(y + k);
    auto high = lane::load(y + 16 + k);
    for (const scaled_paired_row& t : terms) {
      const unpaired<I> both(t.words + at / 2 + k);
      const auto factor = lane::all(t.factor);
      low = lane::fma(factor, both.low, low);
      high = lane::fma(factor, both.high, high);
    }
    lane::store(y + k, low);
    lane::store(y + 16 + k, high);
  }
}

}  // namespace detail

template <vector_isa I>
MULTITUDES_NOINLINE void paired_dot(matrix_view<const std::uint32_t> rows, std::span<const float> x,
                                    std::span<float> out) noexcept {
  std::size_t r = 0;
  for (; r + 4 <= out.size(); r += 4) {
    detail::paired_dots<I, 4>(rows.row(r).data(), rows.stride(), x, out.data() + r);
  }
  for (; r < out.size(); ++r) {
    detail::paired_dots<I, 1>(rows.row(r).data(), rows.stride(), x, out.data() + r);
  }
}

template <vector_isa I>
MULTITUDES_NOINLINE void paired_axpy(std::span<const scaled_paired_row> terms,
                                     std::span<float> y) noexcept {
  std::size_t i = 0;
  for (; i + paired_block <= y.size(); i += paired_block) {
    detail::axpy_block<I>(terms, i, y.data() + i);
  }
  if (i < y.size()) {
    float rest[paired_block] = {};
    const auto from = y.begin() + static_cast<std::ptrdiff_t>(i);
    std::copy(from, y.end(), rest);
    detail::axpy_block<I>(terms, i, rest);
    std::copy_n(rest, y.size() - i, from);
  }
}

}  // namespace multitudes::simd
