// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/simd/isa.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace multitudes_test {

/// Calls `f.operator()<I>()` for each instruction set that the flags allow.
template <class F>
void for_each_isa(F f) {
  const auto call = [&]<class I>(I*) {
    if constexpr (multitudes::simd::vector_isa<I>) {
      const std::string isa = I::name();
      CAPTURE(isa);
      f.template operator()<I>();
    }
  };
  call(static_cast<xsimd::sse2*>(nullptr));
  call(static_cast<xsimd::sse3*>(nullptr));
  call(static_cast<xsimd::ssse3*>(nullptr));
  call(static_cast<xsimd::sse4_1*>(nullptr));
  call(static_cast<xsimd::sse4_2*>(nullptr));
  call(static_cast<xsimd::fma3<xsimd::sse4_2>*>(nullptr));
  call(static_cast<xsimd::avx*>(nullptr));
  call(static_cast<xsimd::fma3<xsimd::avx>*>(nullptr));
  call(static_cast<xsimd::avx2*>(nullptr));
  call(static_cast<xsimd::fma3<xsimd::avx2>*>(nullptr));
  call(static_cast<xsimd::avx512f*>(nullptr));
  call(static_cast<xsimd::avx512bw*>(nullptr));
  call(static_cast<multitudes::simd::native*>(nullptr));
}

/// Calls `f(n, offset)` for every length up to two 512-bit registers of `T` and a few beyond,
/// each from four starts, so that three of them are misaligned.
template <class T, class F>
void sweep(F f) {
  std::vector<std::size_t> lengths;
  for (std::size_t n = 0; n <= 2 * (64 / sizeof(T)); ++n) lengths.push_back(n);
  lengths.insert(lengths.end(), {47, 63, 64, 65, 96, 127, 128, 288, 1001});
  for (const std::size_t n : lengths) {
    for (std::size_t offset = 0; offset < 4; ++offset) {
      CAPTURE(n);
      CAPTURE(offset);
      f(n, offset);
    }
  }
}

/// `n` numbers between guards that a kernel must not touch.
template <class T>
class guarded {
 public:
  guarded(std::size_t n, std::size_t offset)
      : offset_(offset), size_(n), all_(offset + n + 40, guard) {}

  std::span<T> span() { return std::span<T>(all_).subspan(offset_, size_); }
  std::span<const T> span() const { return std::span<const T>(all_).subspan(offset_, size_); }
  T& operator[](std::size_t i) { return all_[offset_ + i]; }
  const T& operator[](std::size_t i) const { return all_[offset_ + i]; }

  bool intact() const {
    const auto is_guard = [](T x) { return x == guard; };
    const auto first = all_.begin() + static_cast<std::ptrdiff_t>(offset_);
    return std::all_of(all_.begin(), first, is_guard) &&
           std::all_of(first + static_cast<std::ptrdiff_t>(size_), all_.end(), is_guard);
  }

 private:
  static constexpr T guard = T(-12345.5);
  std::size_t offset_;
  std::size_t size_;
  std::vector<T> all_;
};

/// Numbers in [-scale, scale), the same on every platform.
template <class T>
void fill(std::span<T> x, std::uint32_t seed, T scale = 1) {
  std::mt19937 random(seed);
  for (T& value : x) value = (static_cast<T>(random()) * T(0x1p-31) - 1) * scale;
}

template <class T>
guarded<T> random_numbers(std::size_t n, std::size_t offset, std::uint32_t seed, T scale = 1) {
  guarded<T> x(n, offset);
  fill(x.span(), seed, scale);
  return x;
}

/// |a - b| <= bound, where equal infinities agree and NaN agrees with nothing.
template <class T>
bool near(T a, T b, T bound) {
  return a == b || std::fabs(a - b) <= bound;
}

template <class T>
inline constexpr T epsilon = std::numeric_limits<T>::epsilon();

}  // namespace multitudes_test
