// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/isa.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace multitudes_bench {

inline std::vector<float> numbers(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> x(n);
  for (float& value : x) value = static_cast<float>(random()) * 0x1p-31f - 1.0f;
  return x;
}

/// Floating-point operations a second of the calling thread when it does nothing but multiply-adds,
/// in the native instruction set: the best of some milliseconds.
inline double measure_peak_flops() {
  using isa = multitudes::simd::native;
  double best = 1;
  if constexpr (multitudes::simd::vector_isa<isa>) {
    using lane = multitudes::simd::detail::lanes<isa, float>;
    for (int repeat = 0; repeat < 20; ++repeat) {
      auto s0 = lane::all(1), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
      auto factor = lane::all(0.999f), term = lane::all(0.001f);
      benchmark::DoNotOptimize(factor);
      benchmark::DoNotOptimize(term);
      const int rounds = 200000;
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < rounds; ++i) {
        s0 = lane::fma(s0, factor, term), s1 = lane::fma(s1, factor, term);
        s2 = lane::fma(s2, factor, term), s3 = lane::fma(s3, factor, term);
        s4 = lane::fma(s4, factor, term), s5 = lane::fma(s5, factor, term);
        s6 = lane::fma(s6, factor, term), s7 = lane::fma(s7, factor, term);
      }
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      benchmark::DoNotOptimize(lane::sum(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))));
      const double flops = 2.0 * 8 * lane::count * rounds / took.count();
      best = flops > best ? flops : best;
    }
  }
  return best;
}

/// The same, measured once in each run.
inline double peak_flops() {
  static const double peak = measure_peak_flops();
  return peak;
}

/// Counters of a loop that does `flops` operations and touches `bytes` in each iteration.
inline void count(benchmark::State& state, double flops, double bytes) {
  using benchmark::Counter;
  const auto each = Counter::kIsIterationInvariantRate;
  state.counters["flop/s"] = Counter(flops, each);
  state.counters["bytes/s"] = Counter(bytes, each, Counter::kIs1024);
  state.counters["of_peak"] = Counter(flops / peak_flops(), each);
}

/// Registers a benchmark under a name made at start-up.
struct add {
  template <class F>
  add(const std::string& name, F body) {
    benchmark::RegisterBenchmark(name.c_str(), body);
  }
};

/// Registers `body.operator()<I>(state)` for the native instruction set and its scalar twin.
struct add_pair {
  template <class F>
  add_pair(const std::string& name, F body) {
    using namespace multitudes::simd;
    add(name + "/" + std::string(active_isa()),
        [body](benchmark::State& state) { body.template operator()<native>(state); });
    add(name + "/scalar",
        [body](benchmark::State& state) { body.template operator()<scalar>(state); });
  }
};

}  // namespace multitudes_bench
