// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/simd/isa.hpp>

#include "../peak/arithmetic.hpp"

#include <benchmark/benchmark.h>

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

/// Floating-point operations a second of the calling thread when it does nothing but multiply-adds.
inline double peak_flops() {
  static const double peak = static_cast<double>(measure(f32_loop(), 1).per_second);
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
    add(name + "/" + std::string(native::name()),
        [body](benchmark::State& state) { body.template operator()<native>(state); });
    add(name + "/scalar",
        [body](benchmark::State& state) { body.template operator()<scalar>(state); });
  }
};

}  // namespace multitudes_bench
