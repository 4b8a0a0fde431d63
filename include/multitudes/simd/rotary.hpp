// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/isa.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace multitudes::simd {

/// Which elements of a head turn together, of n that turn: (2i, 2i + 1), or (i, i + n / 2).
enum class rotary_layout : std::uint8_t { interleaved, half_split };

/// Turns the first 2 * cosines.size() elements of a head, pair i by the angle with cosines[i]
/// and sines[i]; the others stay.
///
/// Shapes:  head (at least 2 m); cosines (m); sines (m).
/// Source:  Su et al. 2021, arXiv:2104.09864.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void rotate(std::span<T> head, std::span<const T> cosines,
                                std::span<const T> sines, rotary_layout layout) noexcept {
  const std::size_t m = cosines.size();
  for (std::size_t i = 0; i < m; ++i) {
    const bool interleaved = layout == rotary_layout::interleaved;
    T& first = head[interleaved ? 2 * i : i];
    T& second = head[interleaved ? 2 * i + 1 : i + m];
    const T turned = first * cosines[i] - second * sines[i];
    second = second * cosines[i] + first * sines[i];
    first = turned;
  }
}

namespace detail {

template <vector_isa I, std::floating_point T>
struct turned_pairs {
  using lane = lanes<I, T>;
  typename lane::batch first;
  typename lane::batch second;

  MULTITUDES_ALWAYS_INLINE turned_pairs(const typename lane::batch& a,
                                        const typename lane::batch& b,
                                        const typename lane::batch& cosine,
                                        const typename lane::batch& sine) noexcept
      : first(lane::fma(-b, sine, a * cosine)), second(lane::fma(a, sine, b * cosine)) {}
};

}  // namespace detail

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void rotate(std::span<T> head, std::span<const T> cosines,
                                std::span<const T> sines, rotary_layout layout) noexcept {
  using lane = detail::lanes<I, T>;
  using pairs = detail::turned_pairs<I, T>;
  const std::size_t m = cosines.size();
  const T* c = cosines.data();
  const T* s = sines.data();
  std::size_t i = 0;
  if (layout == rotary_layout::half_split) {
    T* a = head.data();
    T* b = head.data() + m;
    for (; i + lane::count <= m; i += lane::count) {
      const pairs turned(lane::load(a + i), lane::load(b + i), lane::load(c + i),
                         lane::load(s + i));
      lane::store(a + i, turned.first);
      lane::store(b + i, turned.second);
    }
    if (i < m) {
      const std::size_t n = m - i;
      const pairs turned(lane::load_part(a + i, n), lane::load_part(b + i, n),
                         lane::load_part(c + i, n), lane::load_part(s + i, n));
      lane::store_part(a + i, n, turned.first);
      lane::store_part(b + i, n, turned.second);
    }
    return;
  }
  for (; i < m; i += lane::count) {
    const std::size_t n = m - i < lane::count ? m - i : lane::count;
    T whole[2 * lane::count] = {};
    T* from = head.data() + 2 * i;
    if (n < lane::count) {
      for (std::size_t k = 0; k < 2 * n; ++k) whole[k] = from[k];
      from = whole;
    }
    typename lane::batch a, b;
    lane::load_pairs(from, a, b);
    const pairs turned(a, b, n < lane::count ? lane::load_part(c + i, n) : lane::load(c + i),
                       n < lane::count ? lane::load_part(s + i, n) : lane::load(s + i));
    lane::store_pairs(from, turned.first, turned.second);
    if (n < lane::count) {
      for (std::size_t k = 0; k < 2 * n; ++k) head[2 * i + k] = whole[k];
    }
  }
}

template <instruction_set I, float_range X>
void rotate(X&& head, detail::in_span<X> cosines, detail::in_span<X> sines,
            rotary_layout layout) noexcept {
  rotate<I, detail::element_of<X>>(std::span<detail::element_of<X>>(head), cosines, sines, layout);
}

}  // namespace multitudes::simd
