// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/simd/half.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace multitudes::simd {

// Rows that are read together with one row of floats (kernel_set::dots, add_rows) stand in blocks
// of 32 numbers: the first block of every row, then the second of every row, and so on, filled up
// with zeros. However many there are, they are read from memory as one stream.
//
// Numbers are floats, or bf16 in half the memory: word k of a block then holds number k in its low
// half and number k + 16 in its high half, so that every instruction set unpacks them with a shift
// and a mask.

template <class Element>
concept row_element = std::same_as<Element, float> || std::same_as<Element, std::uint32_t>;

inline constexpr std::size_t row_block = 32;  ///< numbers

/// The elements of a block: floats, or words of two numbers.
template <row_element Element>
inline constexpr std::size_t row_block_elements =
    std::same_as<Element, float> ? row_block : row_block / 2;

/// How many elements rows of `width` numbers take.
template <row_element Element>
constexpr std::size_t elements_of_rows(std::size_t n_rows, std::size_t width) noexcept {
  return (width + row_block - 1) / row_block * n_rows * row_block_elements<Element>;
}

/// Where the block of row `r` that holds number `i` begins.
template <row_element Element>
constexpr std::size_t block_of_row(std::size_t n_rows, std::size_t r, std::size_t i) noexcept {
  return (i / row_block * n_rows + r) * row_block_elements<Element>;
}

/// Puts a row in its place among `n_rows`; bf16 is rounded to nearest.
///
/// Shapes:  row (width); to (elements_of_rows(n_rows, width)).
template <row_element Element>
void put_row(std::span<const float> row, std::size_t r, std::size_t n_rows, Element* to) noexcept {
  for (std::size_t first = 0; first < row.size(); first += row_block) {
    Element* const block = to + block_of_row<Element>(n_rows, r, first);
    std::fill_n(block, row_block_elements<Element>, Element{});
    const std::size_t n = std::min(row_block, row.size() - first);
    for (std::size_t k = 0; k < n; ++k) {
      if constexpr (std::same_as<Element, float>) {
        block[k] = row[first + k];
      } else {
        const std::uint32_t bits = float_to_bf16(row[first + k]);
        block[k % 16] |= k < 16 ? bits : bits << 16;
      }
    }
  }
}

/// Number `i` of row `r` among `n_rows`.
template <row_element Element>
constexpr float number_of_row(const Element* from, std::size_t n_rows, std::size_t r,
                              std::size_t i) noexcept {
  const Element* const block = from + block_of_row<Element>(n_rows, r, i);
  const std::size_t k = i % row_block;
  if constexpr (std::same_as<Element, float>) {
    return block[k];
  } else {
    const std::uint32_t word = block[k % 16];
    return bf16_to_float(static_cast<std::uint16_t>(k < 16 ? word : word >> 16));
  }
}

}  // namespace multitudes::simd
