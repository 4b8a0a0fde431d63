// SPDX-License-Identifier: MIT
#include <multitudes/simd/silu_gate.hpp>

#include "support.hpp"

namespace simd = multitudes::simd;
using namespace multitudes_bench;

namespace {

template <class I>
void run(benchmark::State& state, std::size_t n) {
  const auto gate = numbers(n, 1), up = numbers(n, 2);
  std::vector<float> out(n);
  for (auto _ : state) {
    simd::silu_gate<I>(gate, up, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  // 22 operations for an exp, as the vector kernel does it.
  count(state, 26.0 * static_cast<double>(n), 12.0 * static_cast<double>(n));
}

const bool added = [] {
  for (const std::size_t n : {std::size_t{768}, std::size_t{4096}}) {
    add_pair("silu_gate/f32/" + std::to_string(n),
             [n]<class I>(benchmark::State& state) { run<I>(state, n); });
  }
  return true;
}();

}  // namespace
