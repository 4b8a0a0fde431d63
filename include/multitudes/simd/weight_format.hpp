// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/half.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/widen.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace multitudes::simd {

static_assert(std::endian::native == std::endian::little, "weights are stored little-endian");

/// How the numbers of a weight matrix are stored; names and layouts are GGUF's.
enum class weight_format : std::uint8_t { f32, f16, bf16, q8_0, q4_0 };

// A block format: how many elements a block has, its bytes, and the way between them and
// floats. Kernels are templates on it. `unpack` and `pack` take `n` elements, a multiple of
// `elements`; packed bytes need no alignment.

struct f32_block {
  static constexpr std::size_t elements = 1;
  static constexpr std::size_t bytes = 4;
  template <instruction_set I>
  static void unpack(const std::byte* from, std::size_t n, float* to) noexcept {
    if (n != 0) std::memcpy(to, from, n * bytes);
  }
  static void pack(const float* from, std::size_t n, std::byte* to) noexcept {
    if (n != 0) std::memcpy(to, from, n * bytes);
  }
};

namespace detail {

/// Calls `f` with copies of 32 packed numbers, which its output cannot alias, so that loops over
/// them become vector code; then `rest` with each that is left.
template <class F, class Rest>
MULTITUDES_ALWAYS_INLINE void unpack_16(const std::byte* from, std::size_t n, float* to, F f,
                                        Rest rest) noexcept {
  for (; n >= tile; n -= tile, from += 2 * tile, to += tile) {
    std::uint16_t packed[tile];
    std::memcpy(packed, from, sizeof(packed));
    f(packed, to);
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::uint16_t packed;
    std::memcpy(&packed, from + 2 * i, 2);
    to[i] = rest(packed);
  }
}

template <auto FromFloat>
inline void pack_16(const float* from, std::size_t n, std::byte* to) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t packed = FromFloat(from[i]);
    std::memcpy(to + 2 * i, &packed, 2);
  }
}

inline float load_scale(const std::byte* from) noexcept {
  std::uint16_t packed;
  std::memcpy(&packed, from, 2);
  return half_to_float(packed);
}

inline void store_scale(float scale, std::byte* to) noexcept {
  const std::uint16_t packed = float_to_half(scale);
  std::memcpy(to, &packed, 2);
}

/// `a * b` rounded to float before anything else happens to it: the product is exact in double,
/// so no compiler can fuse it with the addition that follows.
inline float rounded_product(float a, float b) noexcept {
  return static_cast<float>(static_cast<double>(a) * static_cast<double>(b));
}

/// Truncates; NaN gives `low`, so that no input is undefined.
inline int clamped(float value, int low, int high) noexcept {
  if (!(value > static_cast<float>(low))) return low;
  return value < static_cast<float>(high) ? static_cast<int>(value) : high;
}

}  // namespace detail

struct f16_block {
  static constexpr std::size_t elements = 1;
  static constexpr std::size_t bytes = 2;
  template <instruction_set I>
  static void unpack(const std::byte* from, std::size_t n, float* to) noexcept {
    detail::unpack_16(
        from, n, to, [](const auto& packed, float* out) { detail::widen_halves<I>(packed, out); },
        [](std::uint16_t packed) { return half_to_float(packed); });
  }
  static void pack(const float* from, std::size_t n, std::byte* to) noexcept {
    detail::pack_16<float_to_half>(from, n, to);
  }
};

struct bf16_block {
  static constexpr std::size_t elements = 1;
  static constexpr std::size_t bytes = 2;
  template <instruction_set I>
  static void unpack(const std::byte* from, std::size_t n, float* to) noexcept {
    const auto one = [](std::uint16_t packed) { return bf16_to_float(packed); };
    detail::unpack_16(
        from, n, to,
        [&](const auto& packed, float* out) {
          for (std::size_t i = 0; i < detail::tile; ++i) out[i] = one(packed[i]);
        },
        one);
  }
  static void pack(const float* from, std::size_t n, std::byte* to) noexcept {
    detail::pack_16<float_to_bf16>(from, n, to);
  }
};

/// A half scale and 32 signed bytes: value = scale * byte.
struct q8_0_block {
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t bytes = 34;
  template <instruction_set I>
  static void unpack(const std::byte* from, std::size_t n, float* to) noexcept {
    for (; n != 0; n -= elements, from += bytes, to += elements) {
      const float scale = detail::load_scale(from);
      std::int8_t packed[elements];
      std::memcpy(packed, from + 2, elements);
      detail::widen_bytes<I>(packed, scale, to);
    }
  }
  static void pack(const float* from, std::size_t n, std::byte* to) noexcept {
    for (; n != 0; n -= elements, from += elements, to += bytes) {
      float largest = 0;
      for (std::size_t i = 0; i < elements; ++i) {
        largest = std::fabs(from[i]) > largest ? std::fabs(from[i]) : largest;
      }
      const float scale = largest / 127.0f;
      const float inverse = scale != 0 ? 1.0f / scale : 0.0f;
      detail::store_scale(scale, to);
      for (std::size_t i = 0; i < elements; ++i) {
        const float rounded = std::round(from[i] * inverse);
        to[2 + i] = static_cast<std::byte>(detail::clamped(rounded, -127, 127));
      }
    }
  }
};

/// A half scale and 32 nibbles, value = scale * (nibble - 8): elements 0 to 15 in the low halves
/// of 16 bytes, 16 to 31 in the high halves.
struct q4_0_block {
  static constexpr std::size_t elements = 32;
  static constexpr std::size_t bytes = 18;
  template <instruction_set I>
  static void unpack(const std::byte* from, std::size_t n, float* to) noexcept {
    for (; n != 0; n -= elements, from += bytes, to += elements) {
      const float scale = detail::load_scale(from);
      std::uint8_t packed[16];
      std::memcpy(packed, from + 2, 16);
      detail::widen_nibbles<I>(packed, scale, to);
    }
  }
  static void pack(const float* from, std::size_t n, std::byte* to) noexcept {
    for (; n != 0; n -= elements, from += elements, to += bytes) {
      // The element of largest magnitude becomes exactly -8 times the scale.
      float extreme = 0;
      for (std::size_t i = 0; i < elements; ++i) {
        extreme = std::fabs(from[i]) > std::fabs(extreme) ? from[i] : extreme;
      }
      const float scale = extreme / -8.0f;
      const float inverse = scale != 0 ? 1.0f / scale : 0.0f;
      detail::store_scale(scale, to);
      const auto nibble = [&](float value) {
        return detail::clamped(detail::rounded_product(value, inverse) + 8.5f, 0, 15);
      };
      for (std::size_t i = 0; i < 16; ++i) {
        to[2 + i] = static_cast<std::byte>(nibble(from[i]) | nibble(from[16 + i]) << 4);
      }
    }
  }
};

/// Calls `f` with the block type of a format: the only step from run time to compile time.
template <class F>
constexpr decltype(auto) with_block(weight_format format, F&& f) {
  switch (format) {
    case weight_format::f32: return f(f32_block{});
    case weight_format::f16: return f(f16_block{});
    case weight_format::bf16: return f(bf16_block{});
    case weight_format::q8_0: return f(q8_0_block{});
    case weight_format::q4_0: break;
  }
  return f(q4_0_block{});
}

[[nodiscard]] constexpr std::size_t block_elements(weight_format format) noexcept {
  return with_block(format, [](auto block) { return decltype(block)::elements; });
}
[[nodiscard]] constexpr std::size_t block_bytes(weight_format format) noexcept {
  return with_block(format, [](auto block) { return decltype(block)::bytes; });
}
/// The bytes of `n` elements; `n` is a multiple of the block.
[[nodiscard]] constexpr std::size_t packed_bytes(weight_format format, std::size_t n) noexcept {
  return n / block_elements(format) * block_bytes(format);
}

/// Where a matrix has its numbers: row after row as in files, or in panels (panel.hpp), in the
/// order in which products read them.
enum class weight_layout : std::uint8_t { rows, panels };

/// A weight matrix somewhere else: `rows` rows of `cols` elements. `cols` is a multiple of the
/// block; the data needs no alignment.
struct weight_matrix {
  weight_format format = weight_format::f32;
  std::size_t rows = 0;
  std::size_t cols = 0;
  const std::byte* data = nullptr;
  weight_layout layout = weight_layout::rows;

  [[nodiscard]] constexpr std::size_t row_bytes() const noexcept {
    return packed_bytes(format, cols);
  }
  /// Of a matrix that lies by rows.
  [[nodiscard]] constexpr const std::byte* row(std::size_t r) const noexcept {
    return data + r * row_bytes();
  }
};

/// Floats as weights, rounded as GGUF's reference encoders do: Q8_0 and Q4_0 scale each block by
/// its largest magnitude. Magnitudes beyond the half range of the scale become infinite.
///
/// Shapes:  from (n), n a multiple of the block; out packed_bytes(format, n) bytes.
inline void pack_row(weight_format format, std::span<const float> from, std::byte* out) noexcept {
  with_block(format, [&](auto block) { decltype(block)::pack(from.data(), from.size(), out); });
}

}  // namespace multitudes::simd
