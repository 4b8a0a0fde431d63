// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/detail/bf16_pairs.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/product_precision.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace multitudes::simd::detail {

// An engine is how one instruction set packs and multiplies at one precision. A unit of the right
// operand meets `parts` elements of the left one, each by a multiply-add.

// GCC calls a string instruction for a memcpy of some hundred bytes, which is slow to start.
template <class Lane, class T>
MULTITUDES_ALWAYS_INLINE void lane_copy(const T* from, std::size_t n, T* to) noexcept {
  std::size_t i = 0;
  for (; i + Lane::count <= n; i += Lane::count) Lane::store(to + i, Lane::load(from + i));
  if (i < n) Lane::store_part(to + i, n - i, Lane::load_part(from + i, n - i));
}

template <vector_isa I, std::floating_point T>
struct full_engine {
  using lane = lanes<I, T>;
  using batch = typename lane::batch;
  using right = batch;
  using value = T;
  using unit = T;
  using left = T;
  static constexpr std::size_t depth_per_unit = 1;
  static constexpr std::size_t parts = 1;
  static constexpr std::size_t panel_width = 2 * lane::count;
  static constexpr std::size_t tile_rows = sizeof(batch) >= 64 ? 14 : 6;
  static constexpr bool reads_in_place = true;  // a left operand as it is in memory

  /// Units of `n` columns from `depth_per_unit` rows.
  static MULTITUDES_ALWAYS_INLINE void right_units(const T* row, const T*, std::size_t n,
                                                   T* to) noexcept {
    lane_copy<lane>(row, n, to);
  }
  /// The same as the left operand; its parts are `stride` apart.
  static MULTITUDES_ALWAYS_INLINE void left_units(const T* row, const T*, std::size_t n,
                                                  std::size_t, T* to) noexcept {
    lane_copy<lane>(row, n, to);
  }
  /// A row of the left operand, the depth padded to whole units.
  static MULTITUDES_ALWAYS_INLINE void left_row(const T* row, std::size_t depth, T* to) noexcept {
    lane_copy<lane>(row, depth, to);
  }

  template <std::size_t part>
  static MULTITUDES_ALWAYS_INLINE right load(const T* b) noexcept {
    return lane::load(b);
  }
  static MULTITUDES_ALWAYS_INLINE right all(T a) noexcept { return lane::all(a); }
  static MULTITUDES_ALWAYS_INLINE batch add(const right& a, const right& b,
                                            const batch& sum) noexcept {
    return lane::fma(a, b, sum);
  }
};

template <vector_isa I>
struct pair_packing {
  using value = float;
  using unit = std::uint32_t;
  using lane = lanes<I, float>;
  using batch = typename lane::batch;
  static constexpr std::size_t depth_per_unit = 2;
  static constexpr std::size_t panel_width = 2 * lane::count;
  static constexpr bool reads_in_place = false;

  static MULTITUDES_ALWAYS_INLINE void right_units(const float* first, const float* second,
                                                   std::size_t n, std::uint32_t* to) noexcept {
    make_pairs<I>(first, second, n, to);
  }
  /// Units of one column.
  static MULTITUDES_ALWAYS_INLINE void right_column(const float* from, std::size_t depth,
                                                    std::uint32_t* to) noexcept {
    pair_neighbors<I>(from, depth, to);
  }
};

/// The rounded inputs multiplied as floats, the second of a pair first, as Intel's dot product
/// does. Products of two bf16 are exact, so that fused and unfused sets have the same bits.
template <vector_isa I>
struct pairs_as_floats : pair_packing<I> {
  using typename pair_packing<I>::lane;
  using typename pair_packing<I>::batch;
  using right = batch;
  using left = float;
  static constexpr std::size_t parts = 2;
  static constexpr std::size_t tile_rows = sizeof(batch) >= 64 ? 12 : sizeof(batch) >= 32 ? 6 : 4;

  template <std::size_t part>
  static MULTITUDES_ALWAYS_INLINE right load(const std::uint32_t* b) noexcept {
    const auto pairs = bf16_lanes<I>::load(b);
    return part == 0 ? bf16_lanes<I>::second(pairs) : bf16_lanes<I>::first(pairs);
  }
  static MULTITUDES_ALWAYS_INLINE right all(float a) noexcept { return lane::all(a); }
  static MULTITUDES_ALWAYS_INLINE batch add(const right& a, const right& b,
                                            const batch& sum) noexcept {
    return lane::fma(a, b, sum);
  }

  static MULTITUDES_ALWAYS_INLINE void left_units(const float* first, const float* second,
                                                  std::size_t n, std::size_t stride,
                                                  float* to) noexcept {
    round_to_bf16<I>(first, n, to);
    round_to_bf16<I>(second, n, to + stride);
  }
  static MULTITUDES_ALWAYS_INLINE void left_row(const float* row, std::size_t depth,
                                                float* to) noexcept {
    round_to_bf16<I>(row, depth, to);
    if (depth % 2 != 0) to[depth] = 0;
  }
};

#if defined(__AVX512BF16__)
template <vector_isa I>
  requires has_bf16_dot<I>
struct pair_dots : pair_packing<I> {
  using typename pair_packing<I>::lane;
  using typename pair_packing<I>::batch;
  using right = typename lane::integer_batch;
  using left = std::uint32_t;
  static constexpr std::size_t parts = 1;
  static constexpr std::size_t tile_rows = 14;

  template <std::size_t part>
  static MULTITUDES_ALWAYS_INLINE right load(const std::uint32_t* b) noexcept {
    return bf16_lanes<I>::load(b);
  }
  static MULTITUDES_ALWAYS_INLINE right all(std::uint32_t a) noexcept {
    return right(static_cast<std::int32_t>(a));
  }
  static MULTITUDES_ALWAYS_INLINE batch add(const right& a, const right& b,
                                            const batch& sum) noexcept {
    return bf16_instructions<I>::dot(a, b, sum);
  }

  static MULTITUDES_ALWAYS_INLINE void left_units(const float* first, const float* second,
                                                  std::size_t n, std::size_t,
                                                  std::uint32_t* to) noexcept {
    make_pairs<I, bf16_instructions<I>>(first, second, n, to);
  }
  static MULTITUDES_ALWAYS_INLINE void left_row(const float* row, std::size_t depth,
                                                std::uint32_t* to) noexcept {
    pair_neighbors<I, bf16_instructions<I>>(row, depth, to);
  }
};
#endif

template <instruction_set I, product_precision P>
struct product_engine;

/// The twin's: it has no blocks, and multiplies unit by unit.
template <product_precision P>
struct product_engine<scalar, P> {
  using value = typename P::value;
  using unit = typename P::unit;
  static constexpr bool pairs = std::same_as<P, bf16_inputs>;
  static constexpr std::size_t depth_per_unit = pairs ? 2 : 1;
  static constexpr std::size_t panel_width = 8;
  static constexpr std::size_t tile_rows = 1;

  static unit make(value first, value second) noexcept {
    if constexpr (pairs) {
      return bf16_pair(first, second);
    } else {
      return first;
    }
  }
  static value add(unit a, unit b, value sum) noexcept {
    if constexpr (pairs) {
      sum += bf16_second(a) * bf16_second(b);
      return sum + bf16_first(a) * bf16_first(b);
    } else {
      // Left to itself, a compiler fuses `sum + a * b` in one loop and not in another.
      return std::fma(a, b, sum);
    }
  }
  static void right_units(const value* first, const value* second, std::size_t n,
                          unit* to) noexcept {
    for (std::size_t i = 0; i < n; ++i) to[i] = make(first[i], second[i]);
  }
  static void right_column(const value* from, std::size_t depth, unit* to) noexcept {
    for (std::size_t k = 0; k < depth; k += 2) {
      to[k / 2] = make(from[k], k + 1 < depth ? from[k + 1] : value(0));
    }
  }
};

template <vector_isa I, std::floating_point T>
struct product_engine<I, full_precision<T>> : full_engine<I, T> {};
template <vector_isa I>
struct product_engine<I, bf16_inputs> : pairs_as_floats<I> {};
#if defined(__AVX512BF16__)
template <vector_isa I>
  requires prefers_bf16_dot<I>
struct product_engine<I, bf16_inputs> : pair_dots<I> {};
#endif

}  // namespace multitudes::simd::detail
