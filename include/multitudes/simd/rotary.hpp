// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/isa.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace multitudes::simd {

/// Which elements of a head turn together, of n that turn: (2i, 2i + 1), or (i, i + n / 2).
enum class rotary_layout : std::uint8_t { interleaved, half_split };

/// Turns the first 2 * cosines.size() elements of every head of a row, pair i by the angle with
/// cosines[i] and sines[i]; the others stay.
///
/// Shapes:  row (n * head_dim); cosines (m), 2 m <= head_dim; sines (m).
/// Source:  Su et al. 2021, arXiv:2104.09864.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void rotate_heads(std::span<T> row, std::size_t head_dim,
                                      std::span<const T> cosines, std::span<const T> sines,
                                      rotary_layout layout) noexcept {
  const std::size_t m = cosines.size();
  for (std::size_t at = 0; at < row.size(); at += head_dim) {
    const std::span<T> head = row.subspan(at, head_dim);
    for (std::size_t i = 0; i < m; ++i) {
      const bool interleaved = layout == rotary_layout::interleaved;
      T& first = head[interleaved ? 2 * i : i];
      T& second = head[interleaved ? 2 * i + 1 : i + m];
      const T turned = first * cosines[i] - second * sines[i];
      second = second * cosines[i] + first * sines[i];
      first = turned;
    }
  }
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void rotate_heads(std::span<T> row, std::size_t head_dim,
                                      std::span<const T> cosines, std::span<const T> sines,
                                      rotary_layout layout) noexcept {
  using lane = detail::lanes<I, T>;
  using batch = typename lane::batch;
  const std::size_t m = cosines.size();
  const bool interleaved = layout == rotary_layout::interleaved;
  const auto load = [](const T* from, std::size_t n) {
    return n == lane::count ? lane::load(from) : lane::load_part(from, n);
  };
  const auto store = [](T* to, std::size_t n, const batch& value) {
    n == lane::count ? lane::store(to, value) : lane::store_part(to, n, value);
  };
  static constexpr auto alternating = [] {
    std::array<T, lane::count> s{};
    for (std::size_t i = 0; i < lane::count; ++i) s[i] = i % 2 == 0 ? T(-1) : T(1);
    return s;
  }();
  const batch signs = lane::load(alternating.data());
  // The same lanes of all heads, one head after the other: cosines are laid out once. Small heads
  // fill a register together, or a store of one would hold up the load of the next.
  const std::size_t width = interleaved ? 2 * m : m;
  const bool is_small = interleaved && width == head_dim && width != 0 && lane::count % width == 0;
  const std::size_t step = is_small ? lane::count : head_dim;
  for (std::size_t i = 0; i < width; i += lane::count) {
    const std::size_t n = is_small ? lane::count : std::min(lane::count, width - i);
    batch cosine, sine;
    if (is_small) {
      T c[lane::count], s[lane::count];
      for (std::size_t k = 0; k < lane::count; ++k) {
        c[k] = cosines[k % width / 2];
        s[k] = sines[k % width / 2];
      }
      cosine = lane::load(c), sine = lane::load(s);
    } else if (interleaved) {
      cosine = lane::twice(lane::load_part(cosines.data() + i / 2, n / 2));
      sine = lane::twice(lane::load_part(sines.data() + i / 2, n / 2));
    } else {
      cosine = load(cosines.data() + i, n), sine = load(sines.data() + i, n);
    }
    if (interleaved) sine *= signs;
    for (std::size_t at = i; at < row.size(); at += step) {
      const std::size_t some = std::min(n, row.size() - at);
      T* x = row.data() + at;
      const batch a = load(x, some);
      if (interleaved) {
        store(x, some, lane::fma(lane::template exchange<1>(a), sine, a * cosine));
      } else {
        const batch b = load(x + m, some);
        store(x, some, lane::fma(-b, sine, a * cosine));
        store(x + m, some, lane::fma(a, sine, b * cosine));
      }
    }
  }
}

}  // namespace multitudes::simd
