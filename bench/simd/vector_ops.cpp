// SPDX-License-Identifier: MIT
#include <multitudes/simd/vector_ops.hpp>

#include "support.hpp"

namespace simd = multitudes::simd;
using namespace multitudes_bench;

// The scalar twins are the plain loops that one would write; the compiler vectorizes those
// whose order it may change.
namespace {

/// A kernel that reads x and y (n) and returns a number or changes y.
template <class F>
void run(benchmark::State& state, std::size_t n, double flops, double arrays, F kernel) {
  const auto x = numbers(n, 1);
  auto y = numbers(n, 2);
  for (auto _ : state) {
    kernel(std::span<const float>(x), std::span<float>(y));
    benchmark::ClobberMemory();
  }
  const auto elements = static_cast<double>(n);
  count(state, flops * elements, arrays * 4 * elements);
}

const bool added = [] {
  for (const std::size_t n : {std::size_t{64}, std::size_t{4096}}) {
    const std::string size = "/f32/" + std::to_string(n);
    add_pair("dot" + size, [n]<class I>(benchmark::State& state) {
      run(state, n, 2, 2,
          [](auto x, auto y) { benchmark::DoNotOptimize(simd::dot<I, float>(x, y)); });
    });
    add_pair("axpy" + size, [n]<class I>(benchmark::State& state) {
      run(state, n, 2, 3, [](auto x, auto y) { simd::axpy<I>(1e-9f, x, y); });
    });
    add_pair("scaled_add" + size, [n]<class I>(benchmark::State& state) {
      run(state, n, 3, 3, [](auto x, auto y) { simd::scaled_add<I>(0.5f, x, 0.5f, y); });
    });
    add_pair("add" + size, [n]<class I>(benchmark::State& state) {
      run(state, n, 1, 3, [](auto x, auto y) { simd::add<I>(x, y); });
    });
    add_pair("sum_of_squares" + size, [n]<class I>(benchmark::State& state) {
      run(state, n, 2, 1,
          [](auto x, auto) { benchmark::DoNotOptimize(simd::sum_of_squares<I>(x)); });
    });
    add_pair("max" + size, [n]<class I>(benchmark::State& state) {
      run(state, n, 1, 1, [](auto x, auto) { benchmark::DoNotOptimize(simd::max<I>(x)); });
    });
  }
  return true;
}();

}  // namespace
