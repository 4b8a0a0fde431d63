// SPDX-License-Identifier: MIT
#include <multitudes/simd/softmax.hpp>

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
  // Operations are counted as the vector kernel does them: 22 for an exp.
  for (const std::size_t n : {std::size_t{64}, std::size_t{4096}, std::size_t{32000}}) {
    const std::string size = "/f32/" + std::to_string(n);
    add_pair("exp_sum" + size, [n]<class I>(benchmark::State& state) {
      run(state, n, 24, [](auto x) { benchmark::DoNotOptimize(simd::exp_sum<I>(x, 1.0f)); });
    });
    add_pair("softmax" + size, [n]<class I>(benchmark::State& state) {
      run(state, n, 26, [](auto x) { simd::softmax<I>(x); });
    });
  }
  return true;
}();

}  // namespace
