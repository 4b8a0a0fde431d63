// SPDX-License-Identifier: MIT
#include "../peak/arithmetic.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/train/initialize.hpp>
#include <multitudes/train/trainer.hpp>

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>

// One step of training: forward, backward and update, in tokens a second, and as a share of what
// the processor's multiply-adds could do at best. bench/train/torch_rival.py times the same
// shapes in PyTorch.
namespace {

using namespace multitudes;

struct configuration {
  const char* name;
  std::uint32_t model_dim, n_layers, n_heads, n_kv_heads, ffn_dim, vocab_size, context;
  std::size_t n_documents;
};
constexpr configuration configurations[] = {
    {"0.26M", 64, 5, 8, 4, 172, 512, 128, 32},
    {"1M", 128, 4, 4, 2, 352, 2048, 256, 32},
    {"5M", 256, 6, 8, 4, 704, 4096, 256, 32},
    {"15M", 384, 6, 6, 6, 1024, 4096, 256, 32},
};

model::hyper_parameters shape_of(const configuration& c) {
  model::hyper_parameters p;
  p.n_layers = c.n_layers;
  p.model_dim = c.model_dim;
  p.n_heads = c.n_heads;
  p.n_kv_heads = c.n_kv_heads;
  p.head_dim = c.model_dim / c.n_heads;
  p.ffn_dim = c.ffn_dim;
  p.vocab_size = c.vocab_size;
  p.context_length = c.context;
  p.rotary_dim = p.head_dim;
  return p;
}

/// Multiply-adds count twice: each weight three times (forward, and twice backward), and the
/// scores of a causal half of all pairs of positions, which are computed once more backward.
double flops_per_token(const configuration& c) {
  const auto p = shape_of(c);
  const double in_block = 2.0 * p.model_dim * (p.query_dim() + p.kv_dim()) +
                          3.0 * p.model_dim * static_cast<double>(p.ffn_dim);
  const double weights = p.n_layers * in_block + 1.0 * p.vocab_size * p.model_dim;
  const double attention = p.n_layers * 2.0 * p.query_dim() * (0.5 * c.context);
  return 2 * (3 * weights + 3.5 * attention);
}

template <class P>
void train_step(benchmark::State& state, const configuration& c, std::size_t n_threads) {
  thread_pool workers(n_threads);
  auto start = model::parameters<float>::make(shape_of(c), true);
  if (!start) return state.SkipWithError(start.error().message().c_str());
  train::initialize(*start, 1);
  const std::size_t n_rows = c.n_documents * c.context;
  auto trainer = train::trainer<P>::make(*std::move(start), {n_rows, c.context, n_threads});
  if (!trainer) return state.SkipWithError(trainer.error().message().c_str());
  train::training_batch batch;
  philox random(1);
  const std::vector<std::uint8_t> counts(c.context + 1, 1);
  for (std::size_t d = 0; d < c.n_documents; ++d) {
    std::vector<token_id> tokens;
    for (std::size_t i = 0; i <= c.context; ++i) tokens.emplace_back(random.below(c.vocab_size));
    batch.append(tokens, counts);
  }
  const double peak = static_cast<double>(
      multitudes_bench::measure(multitudes_bench::f32_loop(), n_threads).per_second);
  // The first step meets memory that was never touched.
  benchmark::DoNotOptimize(trainer->step(workers, batch, 1e-4));
  for (auto _ : state) benchmark::DoNotOptimize(trainer->step(workers, batch, 1e-4));
  using benchmark::Counter;
  const double n = static_cast<double>(n_rows);
  state.counters["tokens/s"] = Counter(n, Counter::kIsIterationInvariantRate);
  const double flops = n * flops_per_token(c);
  state.counters["flop/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
  state.counters["of_f32_peak"] = Counter(flops / peak, Counter::kIsIterationInvariantRate);
}

const bool registered = [] {
  const auto add = [](const char* precision, const configuration& c, std::size_t n_threads,
                      auto run) {
    const std::string name =
        std::string("train_step/") + c.name + "/" + precision + "/" + std::to_string(n_threads);
    benchmark::RegisterBenchmark(name.c_str(), [run, c, n_threads](benchmark::State& state) {
      run(state, c, n_threads);
    })->UseRealTime();
  };
  for (const configuration& c : configurations) {
    for (const std::size_t n_threads : {std::size_t{1}, std::size_t{2}}) {
      add("f32", c, n_threads, train_step<simd::full_precision<float>>);
      add("bf16", c, n_threads, train_step<simd::bf16_inputs>);
    }
  }
  return true;
}();

}  // namespace
