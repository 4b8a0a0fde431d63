// SPDX-License-Identifier: MIT
#pragma once

#include "limits.hpp"
#include "together.hpp"
#include "x86.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace multitudes_bench {

namespace detail {

/// Reads `n` words `rounds` times, n a multiple of 64; the result depends on every one of them.
using reading_loop = std::uint64_t (*)(const std::uint64_t* from, std::size_t n,
                                       std::size_t rounds);

inline std::uint64_t read_plainly(const std::uint64_t* from, std::size_t n, std::size_t rounds) {
  std::uint64_t seen[16] = {};
  for (std::size_t r = 0; r < rounds; ++r) {
    for (std::size_t i = 0; i < n; i += 16) {
      for (std::size_t k = 0; k < 16; ++k) seen[k] |= from[i + k];
    }
    // Otherwise the rounds could be done once.
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  for (const std::uint64_t s : seen) seen[0] |= s;
  return seen[0];
}

#if MULTITUDES_BENCH_X86

__attribute__((target("avx512f"))) inline std::uint64_t read_avx512(const std::uint64_t* from,
                                                                    std::size_t n,
                                                                    std::size_t rounds) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
  for (std::size_t r = 0; r < rounds; ++r) {
    for (std::size_t i = 0; i < n; i += 64) {
      const std::uint64_t* p = from + i;
      a = _mm512_or_si512(a, _mm512_load_si512(p));
      b = _mm512_or_si512(b, _mm512_load_si512(p + 8));
      c = _mm512_or_si512(c, _mm512_load_si512(p + 16));
      d = _mm512_or_si512(d, _mm512_load_si512(p + 24));
      e = _mm512_or_si512(e, _mm512_load_si512(p + 32));
      f = _mm512_or_si512(f, _mm512_load_si512(p + 40));
      g = _mm512_or_si512(g, _mm512_load_si512(p + 48));
      h = _mm512_or_si512(h, _mm512_load_si512(p + 56));
    }
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  const __m512i all =
      _mm512_or_si512(_mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d)),
                      _mm512_or_si512(_mm512_or_si512(e, f), _mm512_or_si512(g, h)));
  std::uint64_t seen[8];
  _mm512_storeu_si512(seen, all);
  return seen[0] | seen[1] | seen[2] | seen[3] | seen[4] | seen[5] | seen[6] | seen[7];
}

__attribute__((target("avx2"))) inline std::uint64_t read_avx2(const std::uint64_t* from,
                                                               std::size_t n, std::size_t rounds) {
  __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
  const auto* p = reinterpret_cast<const __m256i*>(from);
  for (std::size_t r = 0; r < rounds; ++r) {
    for (std::size_t i = 0; i < n / 4; i += 8) {
      a = _mm256_or_si256(a, _mm256_load_si256(p + i));
      b = _mm256_or_si256(b, _mm256_load_si256(p + i + 1));
      c = _mm256_or_si256(c, _mm256_load_si256(p + i + 2));
      d = _mm256_or_si256(d, _mm256_load_si256(p + i + 3));
      e = _mm256_or_si256(e, _mm256_load_si256(p + i + 4));
      f = _mm256_or_si256(f, _mm256_load_si256(p + i + 5));
      g = _mm256_or_si256(g, _mm256_load_si256(p + i + 6));
      h = _mm256_or_si256(h, _mm256_load_si256(p + i + 7));
    }
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  const __m256i all =
      _mm256_or_si256(_mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d)),
                      _mm256_or_si256(_mm256_or_si256(e, f), _mm256_or_si256(g, h)));
  std::uint64_t seen[4];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(seen), all);
  return seen[0] | seen[1] | seen[2] | seen[3];
}

#endif

}  // namespace detail

/// Memory that is read to see how fast that goes: on large pages where the system gives them, and
/// written once, so that all of it is there.
class reader {
 public:
  static constexpr std::size_t page = std::size_t{1} << 21;

  /// Holds up to `bytes`, less if the machine does not give that much.
  explicit reader(std::size_t bytes) {
    size_ = (bytes + page - 1) / page * page;
    do {
      memory_.reset(static_cast<std::uint64_t*>(std::aligned_alloc(page, size_)));
    } while (!memory_ && (size_ = size_ / 2 / page * page) != 0);
    if (!memory_) return;
#if defined(__linux__)
    static_cast<void>(madvise(memory_.get(), size_, MADV_HUGEPAGE));
#endif
    std::memset(memory_.get(), 1, size_);
#if MULTITUDES_BENCH_X86
    if (__builtin_cpu_supports("avx512f")) {
      loop_ = detail::read_avx512;
      with_ = "avx512f";
    } else if (__builtin_cpu_supports("avx2")) {
      loop_ = detail::read_avx2;
      with_ = "avx2";
    }
#endif
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const char* with() const noexcept { return with_; }

  /// Reads about `bytes` (at most `size`) split over the threads, each its part again and again for
  /// at least `seconds` in all.
  [[nodiscard]] read_limit measure(std::size_t bytes, std::size_t n_threads,
                                   double seconds = 0.01) const {
    constexpr std::size_t step = 64 * sizeof(std::uint64_t);
    const std::size_t fits = bytes < size_ ? bytes : size_;
    const std::size_t part = fits / n_threads / step * step;
    if (part == 0) return {};
    std::atomic<std::uint64_t> seen{0};
    const double rounds = rounds_per_second(seconds, [&](std::size_t n) {
      return seconds_together(n_threads, [&](std::size_t i) {
        const std::uint64_t* from = memory_.get() + i * part / sizeof(std::uint64_t);
        seen |= loop_(from, part / sizeof(std::uint64_t), n);
      });
    });
    const auto all = static_cast<double>(part * n_threads);
    return {part * n_threads, seen == 0 ? 0 : static_cast<std::uint64_t>(rounds * all)};
  }
  /// The median of `n` measurements.
  [[nodiscard]] read_limit median_of(std::size_t n, std::size_t bytes,
                                     std::size_t n_threads) const {
    std::vector<std::uint64_t> all;
    read_limit one;
    for (std::size_t i = 0; i < n; ++i) {
      one = measure(bytes, n_threads);
      all.push_back(one.bytes_per_second);
    }
    return {one.bytes, median(all)};
  }

 private:
  struct give_back {
    void operator()(std::uint64_t* p) const noexcept { std::free(p); }
  };

  std::unique_ptr<std::uint64_t[], give_back> memory_;
  std::size_t size_ = 0;
  detail::reading_loop loop_ = detail::read_plainly;
  const char* with_ = "plain loop";
};

}  // namespace multitudes_bench
