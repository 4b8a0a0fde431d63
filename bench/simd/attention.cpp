// SPDX-License-Identifier: MIT
#include <multitudes/simd/attention.hpp>

#include "support.hpp"

namespace simd = multitudes::simd;
using namespace multitudes_bench;

namespace {

constexpr std::size_t page = 32;

/// Scores and weighted sum over `n_pages` pages: attention of one head without its softmax.
template <class I>
void run(benchmark::State& state, std::size_t head_dim, std::size_t n_pages) {
  const auto query = numbers(head_dim, 1);
  const auto keys = numbers(n_pages * page * head_dim, 2);
  const auto values = numbers(n_pages * page * head_dim, 3);
  std::vector<float> scores(page);
  std::vector<float> out(head_dim);
  for (auto _ : state) {
    for (std::size_t p = 0; p < n_pages; ++p) {
      const std::size_t start = p * page * head_dim;
      simd::page_scores<I, float>(query, keys.data() + start, page, 0.1f, scores);
      simd::add_page<I, float>(0.9f, scores, values.data() + start, head_dim, out);
    }
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  const auto n = static_cast<double>(n_pages * page * head_dim);
  count(state, 4 * n, 8 * n);
}

const bool registered = [] {
  for (const std::size_t head_dim : {std::size_t{8}, std::size_t{64}, std::size_t{128}}) {
    const std::string name = "attention/f32/" + std::to_string(head_dim) + "x512/";
    benchmark::RegisterBenchmark((name + std::string(simd::active_isa())).c_str(),
                                 [=](benchmark::State& s) { run<simd::native>(s, head_dim, 16); });
    benchmark::RegisterBenchmark((name + "scalar").c_str(),
                                 [=](benchmark::State& s) { run<simd::scalar>(s, head_dim, 16); });
  }
  return true;
}();

}  // namespace
