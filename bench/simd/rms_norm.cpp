// SPDX-License-Identifier: MIT
#include <multitudes/simd/rms_norm.hpp>

#include "support.hpp"

namespace simd = multitudes::simd;
using namespace multitudes_bench;

namespace {

template <class I>
void run(benchmark::State& state, std::size_t n) {
  const auto x = numbers(n, 1), weight = numbers(n, 2);
  std::vector<float> out(n);
  for (auto _ : state) {
    simd::rms_norm<I>(x, weight, 1e-5f, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count(state, 4.0 * static_cast<double>(n), 12.0 * static_cast<double>(n));
}

const bool added = [] {
  for (const std::size_t n : {std::size_t{288}, std::size_t{4096}}) {
    add_pair("rms_norm/f32/" + std::to_string(n),
             [n]<class I>(benchmark::State& state) { run<I>(state, n); });
  }
  return true;
}();

}  // namespace
