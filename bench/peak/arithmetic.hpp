// SPDX-License-Identifier: MIT
#pragma once

#include "limits.hpp"
#include "together.hpp"
#include "x86.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace multitudes_bench {

/// Rounds of independent multiplications and additions; what `run` returns depends on all of them.
struct arithmetic_loop {
  const char* with = nullptr;    ///< null: the processor has no such instruction
  std::uint64_t operations = 0;  ///< of a round
  std::uint64_t (*run)(const float* numbers, std::size_t rounds) = nullptr;
};

namespace detail {

// An addition takes four or five cycles and two can start in each, so fewer than ten sums would
// measure waiting; the registers of AVX2 hold fourteen and the operands.
inline constexpr std::size_t n_sums = 14;
using sums = std::make_index_sequence<n_sums>;

/// Operands that no compiler can know: floats near 1, of which no sum of products overflows.
inline std::vector<float> some_numbers() {
  volatile float one = 1.0f;
  std::vector<float> numbers;
  for (std::size_t i = 0; i < 16 * (n_sums + 2); ++i) {
    numbers.push_back(one + 0x1p-20f * static_cast<float>(i % 61));
  }
  return numbers;
}

// What every processor with registers of 128 bits has, in the compiler's own words for it.
#if defined(__GNUC__)
using floats_128 = float __attribute__((vector_size(16)));
using shorts_128 = std::uint16_t __attribute__((vector_size(16)));
#else
using floats_128 = float;
using shorts_128 = std::uint16_t;
#endif

template <class V>
V load(const float* from) {
  V v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

// Each pack expansion from here on becomes n_sums statements on registers of their own.

template <class V, std::size_t... I>
std::uint64_t multiply_add(const float* x, float factor, std::size_t rounds,
                           std::index_sequence<I...>) {
  V s[] = {load<V>(x + 4 * I)...};
  std::vector<float> factors(x, x + 4);
  for (float& f : factors) f *= factor;
  const V a = load<V>(factors.data());
  const V b = load<V>(x + 16 * n_sums);
  for (std::size_t r = 0; r < rounds; ++r) ((s[I] = static_cast<V>(s[I] * a + b)), ...);
  std::uint32_t out[sizeof(s) / 4];
  std::memcpy(out, s, sizeof(out));
  std::uint64_t all = 0;
  for (const std::uint32_t e : out) all += e;
  return all;
}

#if MULTITUDES_BENCH_X86

template <std::size_t... I>
__attribute__((target("avx512f"))) std::uint64_t f32_avx512(const float* x, std::size_t rounds,
                                                            std::index_sequence<I...>) {
  __m512 s[] = {_mm512_loadu_ps(x + 16 * I)...};
  const __m512 a = _mm512_mul_ps(_mm512_loadu_ps(x + 16 * n_sums), _mm512_set1_ps(0.5f));
  const __m512 b = _mm512_loadu_ps(x + 16 * n_sums + 16);
  for (std::size_t r = 0; r < rounds; ++r) ((s[I] = _mm512_fmadd_ps(s[I], a, b)), ...);
  float out[16 * sizeof...(I)];
  (_mm512_storeu_ps(out + 16 * I, s[I]), ...);
  float all = 0;
  for (const float e : out) all += e;
  return static_cast<std::uint64_t>(all);
}

template <std::size_t... I>
__attribute__((target("avx2,fma"))) std::uint64_t f32_fma(const float* x, std::size_t rounds,
                                                          std::index_sequence<I...>) {
  __m256 s[] = {_mm256_loadu_ps(x + 8 * I)...};
  const __m256 a = _mm256_mul_ps(_mm256_loadu_ps(x + 16 * n_sums), _mm256_set1_ps(0.5f));
  const __m256 b = _mm256_loadu_ps(x + 16 * n_sums + 16);
  for (std::size_t r = 0; r < rounds; ++r) ((s[I] = _mm256_fmadd_ps(s[I], a, b)), ...);
  float out[8 * sizeof...(I)];
  (_mm256_storeu_ps(out + 8 * I, s[I]), ...);
  float all = 0;
  for (const float e : out) all += e;
  return static_cast<std::uint64_t>(all);
}

template <std::size_t... I>
__attribute__((target("avx512f,avx512bf16"))) std::uint64_t bf16_avx512(const float* x,
                                                                        std::size_t rounds,
                                                                        std::index_sequence<I...>) {
  __m512 s[] = {_mm512_loadu_ps(x + 16 * I)...};
  const __m512bh a = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x), _mm512_loadu_ps(x + 16));
  const __m512bh b = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + 32), _mm512_loadu_ps(x + 48));
  for (std::size_t r = 0; r < rounds; ++r) ((s[I] = _mm512_dpbf16_ps(s[I], a, b)), ...);
  float out[16 * sizeof...(I)];
  (_mm512_storeu_ps(out + 16 * I, s[I]), ...);
  float all = 0;
  for (const float e : out) all += e;
  return static_cast<std::uint64_t>(all);
}

template <std::size_t... I>
__attribute__((target("avx512f,avx512vnni"))) std::uint64_t int8_avx512(const float* x,
                                                                        std::size_t rounds,
                                                                        std::index_sequence<I...>) {
  __m512i s[] = {_mm512_loadu_si512(x + 16 * I)...};
  const __m512i a = _mm512_loadu_si512(x + 16 * n_sums);
  const __m512i b = _mm512_loadu_si512(x + 16 * n_sums + 16);
  for (std::size_t r = 0; r < rounds; ++r) ((s[I] = _mm512_dpbusd_epi32(s[I], a, b)), ...);
  std::uint32_t out[16 * sizeof...(I)];
  (_mm512_storeu_si512(out + 16 * I, s[I]), ...);
  std::uint64_t all = 0;
  for (const std::uint32_t e : out) all += e;
  return all;
}

inline __m256i* at256(std::uint32_t* x) { return reinterpret_cast<__m256i*>(x); }
inline const __m256i* at256(const float* x) { return reinterpret_cast<const __m256i*>(x); }

/// Neither compiler's own question knows this name everywhere.
inline bool has_avxvnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 &&
         (a >> 4 & 1) != 0;
}

template <std::size_t... I>
__attribute__((target("avx2,avxvnni"))) std::uint64_t int8_avxvnni(const float* x,
                                                                   std::size_t rounds,
                                                                   std::index_sequence<I...>) {
  __m256i s[] = {_mm256_loadu_si256(at256(x + 8 * I))...};
  const __m256i a = _mm256_loadu_si256(at256(x + 16 * n_sums));
  const __m256i b = _mm256_loadu_si256(at256(x + 16 * n_sums + 16));
  for (std::size_t r = 0; r < rounds; ++r) ((s[I] = _mm256_dpbusd_avx_epi32(s[I], a, b)), ...);
  std::uint32_t out[8 * sizeof...(I)];
  (_mm256_storeu_si256(at256(out + 8 * I), s[I]), ...);
  std::uint64_t all = 0;
  for (const std::uint32_t e : out) all += e;
  return all;
}

/// Three instructions for 32 pairs: products in pairs, pairs of those, and the sum.
template <std::size_t... I>
__attribute__((target("avx2"))) std::uint64_t int8_avx2(const float* x, std::size_t rounds,
                                                        std::index_sequence<I...>) {
  __m256i s[] = {_mm256_loadu_si256(at256(x + 8 * I))...};
  __m256i a = _mm256_loadu_si256(at256(x + 16 * n_sums));
  const __m256i ones = _mm256_set1_epi16(1);
  for (std::size_t r = 0; r < rounds; ++r) {
    asm volatile("" : "+x"(a));  // or the products would be made once
    ((s[I] = _mm256_add_epi32(
          s[I],
          _mm256_madd_epi16(_mm256_maddubs_epi16(a, _mm256_loadu_si256(at256(x + 8 * I))), ones))),
     ...);
  }
  std::uint32_t out[8 * sizeof...(I)];
  (_mm256_storeu_si256(at256(out + 8 * I), s[I]), ...);
  std::uint64_t all = 0;
  for (const std::uint32_t e : out) all += e;
  return all;
}

#endif

}  // namespace detail

/// The fastest multiplication and addition of floats that this processor has.
inline arithmetic_loop f32_loop() {
#if MULTITUDES_BENCH_X86
  using namespace detail;
  if (__builtin_cpu_supports("avx512f")) {
    return {"avx512f", 2 * 16 * n_sums,
            [](const float* x, std::size_t n) { return f32_avx512(x, n, sums{}); }};
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return {"fma", 2 * 8 * n_sums,
            [](const float* x, std::size_t n) { return f32_fma(x, n, sums{}); }};
  }
#endif
  return {"128-bit vectors", 2 * detail::n_sums * sizeof(detail::floats_128) / sizeof(float),
          [](const float* x, std::size_t n) {
            return detail::multiply_add<detail::floats_128>(x, 0.5f, n, detail::sums{});
          }};
}

/// Its dot product of pairs of bf16, if it has one.
inline arithmetic_loop bf16_loop() {
#if MULTITUDES_BENCH_X86
  using namespace detail;
  if (__builtin_cpu_supports("avx512bf16")) {
    return {"avx512bf16", 2 * 32 * n_sums,
            [](const float* x, std::size_t n) { return bf16_avx512(x, n, sums{}); }};
  }
#endif
  return {};
}

/// Its fastest dot product of bytes.
inline arithmetic_loop int8_loop() {
#if MULTITUDES_BENCH_X86
  using namespace detail;
  if (__builtin_cpu_supports("avx512vnni")) {
    return {"avx512vnni", 2 * 64 * n_sums,
            [](const float* x, std::size_t n) { return int8_avx512(x, n, sums{}); }};
  }
  if (has_avxvnni()) {
    return {"avxvnni", 2 * 32 * n_sums,
            [](const float* x, std::size_t n) { return int8_avxvnni(x, n, sums{}); }};
  }
  if (__builtin_cpu_supports("avx2")) {
    return {"avx2", 2 * 32 * n_sums,
            [](const float* x, std::size_t n) { return int8_avx2(x, n, sums{}); }};
  }
#endif
  // Bytes must be widened first.
  return {"128-bit vectors of 16-bit numbers", 2 * detail::n_sums * sizeof(detail::shorts_128) / 2,
          [](const float* x, std::size_t n) {
            return detail::multiply_add<detail::shorts_128>(x, 1.0f, n, detail::sums{});
          }};
}

/// Operations a second of that many threads together.
inline operation_limit measure(const arithmetic_loop& loop, std::size_t n_threads,
                               double seconds = 0.01) {
  if (loop.with == nullptr) return {0, "none"};
  const auto numbers = detail::some_numbers();
  std::atomic<std::uint64_t> seen{0};
  const double rounds = rounds_per_second(seconds, [&](std::size_t n) {
    return seconds_together(n_threads, [&](std::size_t) { seen += loop.run(numbers.data(), n); });
  });
  const double each = static_cast<double>(loop.operations) * static_cast<double>(n_threads);
  return {static_cast<std::uint64_t>(rounds * each), loop.with};
}

/// The median of `n` measurements.
inline operation_limit median_of(std::size_t n, const arithmetic_loop& loop,
                                 std::size_t n_threads) {
  std::vector<std::uint64_t> all;
  operation_limit one;
  for (std::size_t i = 0; i < n; ++i) {
    one = measure(loop, n_threads);
    all.push_back(one.per_second);
  }
  one.per_second = median(all);
  return one;
}

}  // namespace multitudes_bench
