// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace multitudes::simd {

/// Positions that attention sums together. Fixed, because the bits of a forward pass depend on it.
inline constexpr std::size_t kv_page_length = 32;

/// How the cache keeps keys and values.
enum class kv_format : std::uint8_t {
  f32,   ///< as they are
  f16,   ///< rounded to half precision: by at most 2^-11 of each; beyond 65504 infinite
  q8_0,  ///< rounded to bytes: by at most 0.45 % of the largest of 32 neighbours in a head
};

/// Elements of a head that share a scale in q8_0.
inline constexpr std::size_t kv_block = 32;

// One head has in a page its keys and then its values, each in as many bytes:
//
// f32:  keys (head_dim, 32 positions), so that the scores of neighbouring positions fill a vector
//       register; values (32 positions, head_dim).
// f16:  the same, head_dim rounded up to whole registers.
// q8_0: the same in bytes, then a scale in half precision for each block and position:
//       (blocks, 32 positions), for keys and values alike.

/// How far rows of values are apart, in elements.
[[nodiscard]] constexpr std::size_t kv_width(kv_format format, std::size_t head_dim) noexcept {
  return format == kv_format::f32 ? head_dim : (head_dim + 15) / 16 * 16;
}
/// Where q8_0 has its scales: behind the bytes.
[[nodiscard]] constexpr std::size_t kv_scales_at(std::size_t head_dim) noexcept {
  return kv_width(kv_format::q8_0, head_dim) * kv_page_length;
}
/// The bytes of one head's keys, or values, in one page.
[[nodiscard]] constexpr std::size_t kv_part_bytes(kv_format format, std::size_t head_dim) noexcept {
  const std::size_t n = kv_width(format, head_dim) * kv_page_length;
  switch (format) {
    case kv_format::f32: return n * sizeof(float);
    case kv_format::f16: return n * sizeof(std::uint16_t);
    case kv_format::q8_0: break;
  }
  return n + (head_dim + kv_block - 1) / kv_block * kv_page_length * sizeof(std::uint16_t);
}

/// Up to 32 elements of a key or value, rounded: of f16 only `halves` mean something, of q8_0
/// `bytes` and `scale`. Elements that a head has not are 0.
struct kv_rounded {
  alignas(64) std::uint16_t halves[kv_block];
  std::int8_t bytes[kv_block];
  std::uint16_t scale;
};

/// What attention has summed of one query's pages so far.
struct attention_state {
  float maximum = -std::numeric_limits<float>::infinity();
  float total = 0;
};

struct attention_query {
  const float* query;  // (head_dim)
  float* out;          // (head_dim): sums, to be divided by the total at the end
  attention_state* state;
};

/// Keys and values of one head in one page; `count` positions are seen.
struct attention_page {
  kv_format format;
  const std::byte* keys;
  const std::byte* values;
  std::size_t count;
  std::size_t head_dim;
  float scale;
};

}  // namespace multitudes::simd
