// SPDX-License-Identifier: MIT
#include <multitudes/simd/rotary.hpp>

#include "support.hpp"

namespace simd = multitudes::simd;
using namespace multitudes_bench;

namespace {

template <class I>
void run(benchmark::State& state, std::size_t n, simd::rotary_layout layout) {
  auto head = numbers(n, 1);
  const std::vector<float> cosines(n / 2, 0.8f), sines(n / 2, 0.6f);
  for (auto _ : state) {
    simd::rotate_heads<I, float>(head, n, cosines, sines, layout);
    benchmark::DoNotOptimize(head.data());
    benchmark::ClobberMemory();
  }
  count(state, 3.0 * static_cast<double>(n), 12.0 * static_cast<double>(n));
}

const bool added = [] {
  add_pair("rotate/interleaved/f32/128", []<class I>(benchmark::State& state) {
    run<I>(state, 128, simd::rotary_layout::interleaved);
  });
  add_pair("rotate/half_split/f32/128", []<class I>(benchmark::State& state) {
    run<I>(state, 128, simd::rotary_layout::half_split);
  });
  return true;
}();

}  // namespace
