// SPDX-License-Identifier: MIT
#include <multitudes/simd/exp.hpp>

#include "support.hpp"

#include <algorithm>

namespace simd = multitudes::simd;
using namespace multitudes_bench;

namespace {

/// A kernel that changes x (n) in place.
template <class F>
void run(benchmark::State& state, std::size_t n, double flops, F kernel) {
  const auto from = numbers(n, 1);
  std::vector<float> x(n);
  for (auto _ : state) {
    std::copy(from.begin(), from.end(), x.begin());  // the input must not decay
    kernel(std::span<float>(x));
    benchmark::DoNotOptimize(x.data());
    benchmark::ClobberMemory();
  }
  count(state, flops * static_cast<double>(n), 8.0 * static_cast<double>(n));
}

const bool added = [] {
  for (const std::size_t n : {std::size_t{64}, std::size_t{4096}}) {
    // Operations are counted as the vector kernel does them.
    add_pair("exp/f32/" + std::to_string(n), [n]<class I>(benchmark::State& state) {
      run(state, n, 22, [](auto x) { simd::exp<I>(x); });
    });
  }
  return true;
}();

}  // namespace
