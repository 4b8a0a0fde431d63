// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/isa.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>

namespace multitudes::simd::detail {

/// A register of four floats, to move 4 x 4 blocks in; it is enough for packing.
template <class I>
struct four_floats {
  using type = void;
};
template <vector_isa I>
struct four_floats<I> {
#if defined(__SSE2__) || defined(_M_X64)
  using type = xsimd::batch<float, xsimd::sse2>;
#else
  using type = std::conditional_t<xsimd::batch<float, I>::size == 4, xsimd::batch<float, I>, void>;
#endif
};

/// `to[c * to_stride + r]` = `from[r * from_stride + c]`.
template <instruction_set I, class T>
MULTITUDES_ALWAYS_INLINE void transpose(const T* from, std::size_t from_stride, std::size_t rows,
                                        std::size_t cols, T* to, std::size_t to_stride) noexcept {
  std::size_t r = 0;
  using four = typename four_floats<I>::type;
  if constexpr (sizeof(T) == sizeof(float) && !std::same_as<four, void>) {
    const auto in = [&](std::size_t row, std::size_t col) {
      return four::load_unaligned(reinterpret_cast<const float*>(from + row * from_stride + col));
    };
    const auto out = [&](std::size_t col, std::size_t row, const four& value) {
      value.store_unaligned(reinterpret_cast<float*>(to + col * to_stride + row));
    };
    for (; r + 4 <= rows; r += 4) {
      std::size_t c = 0;
      for (; c + 4 <= cols; c += 4) {
        const four r0 = in(r, c), r1 = in(r + 1, c), r2 = in(r + 2, c), r3 = in(r + 3, c);
        const four low_even = zip_lo(r0, r2), low_odd = zip_lo(r1, r3);
        const four high_even = zip_hi(r0, r2), high_odd = zip_hi(r1, r3);
        out(c, r, zip_lo(low_even, low_odd));
        out(c + 1, r, zip_hi(low_even, low_odd));
        out(c + 2, r, zip_lo(high_even, high_odd));
        out(c + 3, r, zip_hi(high_even, high_odd));
      }
      for (; c < cols; ++c) {
        for (std::size_t i = r; i < r + 4; ++i) to[c * to_stride + i] = from[i * from_stride + c];
      }
    }
  }
  for (; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

}  // namespace multitudes::simd::detail
