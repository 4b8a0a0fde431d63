// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/isa.hpp>

#include <array>
#include <bit>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

// What kernels need of xsimd, in one spelling for versions 8 to 14.
namespace multitudes::simd::detail {

/// x86 sets without a fused multiply-add. When its flags allow FMA, the compiler may fuse their
/// multiply and add nevertheless, in one place and not in another.
template <class I>
concept unfused =
    std::same_as<I, xsimd::sse2> || std::same_as<I, xsimd::sse3> || std::same_as<I, xsimd::ssse3> ||
    std::same_as<I, xsimd::sse4_1> || std::same_as<I, xsimd::sse4_2> ||
    std::same_as<I, xsimd::avx> || std::same_as<I, xsimd::avx2>;

// Several of xsimd's sets (all AVX-512 ones in version 8) multiply, add and leave the rest to the
// compiler.
#if defined(__FMA__)
MULTITUDES_ALWAYS_INLINE __m128 fused(__m128 a, __m128 b, __m128 c) noexcept {
  return _mm_fmadd_ps(a, b, c);
}
MULTITUDES_ALWAYS_INLINE __m128d fused(__m128d a, __m128d b, __m128d c) noexcept {
  return _mm_fmadd_pd(a, b, c);
}
MULTITUDES_ALWAYS_INLINE __m256 fused(__m256 a, __m256 b, __m256 c) noexcept {
  return _mm256_fmadd_ps(a, b, c);
}
MULTITUDES_ALWAYS_INLINE __m256d fused(__m256d a, __m256d b, __m256d c) noexcept {
  return _mm256_fmadd_pd(a, b, c);
}
#endif
#if defined(__AVX512F__)
MULTITUDES_ALWAYS_INLINE __m512 fused(__m512 a, __m512 b, __m512 c) noexcept {
  return _mm512_fmadd_ps(a, b, c);
}
MULTITUDES_ALWAYS_INLINE __m512d fused(__m512d a, __m512d b, __m512d c) noexcept {
  return _mm512_fmadd_pd(a, b, c);
}
#endif

// xsimd has no word for a part of a register; where the set has masks, a copy by way of the stack
// is several times slower.
#if defined(__AVX512F__)
template <class I>
  requires(sizeof(xsimd::batch<float, I>) == sizeof(__m512))
MULTITUDES_ALWAYS_INLINE xsimd::batch<float, I> masked_load(
    const float* from, std::size_t n, const xsimd::batch<float, I>& rest) noexcept {
  return _mm512_mask_loadu_ps(rest, static_cast<__mmask16>((1u << n) - 1), from);
}
template <class I>
  requires(sizeof(xsimd::batch<float, I>) == sizeof(__m512))
MULTITUDES_ALWAYS_INLINE void masked_store(float* to, std::size_t n,
                                           const xsimd::batch<float, I>& value) noexcept {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << n) - 1), value);
}
#endif

/// Asks for the cache line of an address that will be read; any address will do.
MULTITUDES_ALWAYS_INLINE void prefetch(const void* address) noexcept {
#if defined(__GNUC__)
  __builtin_prefetch(address, 0, 2);
#elif defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T1);
#else
  static_cast<void>(address);
#endif
}

/// One vector register of `T`: the vocabulary of all kernels.
template <vector_isa I, std::floating_point T>
struct lanes {
  using batch = xsimd::batch<T, I>;
  using integer = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  using integer_batch = xsimd::batch<integer, I>;
  static constexpr std::size_t count = batch::size;
  static constexpr auto numbers_of_lanes = [] {
    std::array<T, count> n{};
    for (std::size_t i = 0; i < count; ++i) n[i] = static_cast<T>(i);
    return n;
  }();

  static MULTITUDES_ALWAYS_INLINE batch all(T value) noexcept { return batch(value); }
  static MULTITUDES_ALWAYS_INLINE batch load(const T* from) noexcept {
    return batch::load_unaligned(from);
  }
  static MULTITUDES_ALWAYS_INLINE void store(T* to, const batch& value) noexcept {
    value.store_unaligned(to);
  }

  /// The first `n` lanes from memory, 0 < n < count, the others `rest`; reads no further.
  static MULTITUDES_ALWAYS_INLINE batch load_part(const T* from, std::size_t n,
                                                  T rest = 0) noexcept {
    if constexpr (requires { masked_load(from, n, all(rest)); }) {
      return masked_load(from, n, all(rest));
    } else {
      T whole[count];
      store(whole, all(rest));
      std::memcpy(whole, from, n * sizeof(T));
      return load(whole);
    }
  }
  /// Writes the first `n` lanes, 0 < n < count, and nothing else.
  static MULTITUDES_ALWAYS_INLINE void store_part(T* to, std::size_t n,
                                                  const batch& value) noexcept {
    if constexpr (requires { masked_store(to, n, value); }) {
      masked_store(to, n, value);
    } else {
      T whole[count];
      store(whole, value);
      std::memcpy(to, whole, n * sizeof(T));
    }
  }

  /// The first `n` lanes, the others 0.
  static MULTITUDES_ALWAYS_INLINE batch first(std::size_t n, const batch& value) noexcept {
    return select(load(numbers_of_lanes.data()) < all(static_cast<T>(n)), value, all(0));
  }

  /// `a * b + c`: rounded once where the set has a fused multiply-add, twice where it has not,
  /// and never one or the other as the compiler likes.
  static MULTITUDES_ALWAYS_INLINE batch fma(const batch& a, const batch& b,
                                            const batch& c) noexcept {
    using reg = typename batch::register_type;
    if constexpr (!unfused<I> && requires(reg r) { fused(r, r, r); }) {
      return fused(a, b, c);
    }
#if defined(__GNUC__) && defined(__FMA__)
    if constexpr (unfused<I>) {
      reg product = a * b;
      asm("" : "+x"(product));
      return batch(product) + c;
    }
#endif
    return xsimd::fma(a, b, c);
  }

  /// The sum over the lanes, in an order that the set fixes.
  static MULTITUDES_ALWAYS_INLINE T sum(const batch& value) noexcept {
    if constexpr (requires { reduce_add(value); }) {
      return reduce_add(value);
    } else {
      return hadd(value);  // before version 10
    }
  }

  // xsimd's own cast takes a batch type in one version and an element type in the next.
  static MULTITUDES_ALWAYS_INLINE integer_batch bits(const batch& value) noexcept {
    return std::bit_cast<integer_batch>(value);
  }
  static MULTITUDES_ALWAYS_INLINE batch from_bits(const integer_batch& value) noexcept {
    return std::bit_cast<batch>(value);
  }

  static MULTITUDES_ALWAYS_INLINE batch select(const xsimd::batch_bool<T, I>& condition,
                                               const batch& yes, const batch& no) noexcept {
    return xsimd::select(condition, yes, no);
  }
  static MULTITUDES_ALWAYS_INLINE batch max(const batch& a, const batch& b) noexcept {
    return xsimd::max(a, b);
  }

  /// Lane i is what lane `from(i)` was.
  template <class From>
  static MULTITUDES_ALWAYS_INLINE batch rearrange(const batch& value, From) noexcept {
#if defined(__GNUC__)
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      const typename batch::register_type x = value;
      return batch(__builtin_shufflevector(x, x, From()(i)...));
    }(std::make_index_sequence<count>());
#else
    T before[count], after[count];
    store(before, value);
    for (std::size_t i = 0; i < count; ++i) after[i] = before[From()(i)];
    return load(after);
#endif
  }
  /// Lane i changes places with lane i ^ Step, Step being a power of two below `count`.
  template <std::size_t Step>
  static MULTITUDES_ALWAYS_INLINE batch exchange(const batch& value) noexcept {
    return rearrange(value, [](std::size_t i) { return i ^ Step; });
  }
  /// Each lane of the lower half, twice.
  static MULTITUDES_ALWAYS_INLINE batch twice(const batch& value) noexcept {
    return rearrange(value, [](std::size_t i) { return i / 2; });
  }

  /// The largest lane.
  template <std::size_t Step = count / 2>
  static MULTITUDES_ALWAYS_INLINE T largest(const batch& value) noexcept {
    if constexpr (Step != 0) {
      return largest<Step / 2>(max(value, exchange<Step>(value)));
    } else {
      T all_equal[count];
      store(all_equal, value);
      return all_equal[0];
    }
  }

  /// Two vectors from elements that alternate in memory.
  static MULTITUDES_ALWAYS_INLINE void load_pairs(const T* from, batch& even, batch& odd) noexcept {
    using complex_batch = xsimd::batch<std::complex<T>, I>;
    const auto pairs =
        complex_batch::load_unaligned(reinterpret_cast<const std::complex<T>*>(from));
    even = pairs.real();
    odd = pairs.imag();
  }
  /// `y[i] = f(y[i], x[i])`. Lanes past the end see zeros; what they give is dropped.
  template <class F>
  static MULTITUDES_ALWAYS_INLINE void map(std::span<T> y, std::span<const T> x, F f) noexcept {
    const std::size_t n = y.size();
    std::size_t i = 0;
    for (; i + count <= n; i += count) {
      store(y.data() + i, f(load(y.data() + i), load(x.data() + i)));
    }
    if (i < n) {
      store_part(y.data() + i, n - i,
                 f(load_part(y.data() + i, n - i), load_part(x.data() + i, n - i)));
    }
  }
};

}  // namespace multitudes::simd::detail
