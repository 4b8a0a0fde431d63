// SPDX-License-Identifier: MIT
// What steering and watching cost: 64 sequences decode together, plain, each under its own plan of
// up to eight directions, and watched along 32 axes. The ways take turns token by token, so that
// what else the machine does meets all of them; `of_plain` is the median over turns of plain time
// over a way's time.

#include "../../tests/support/tiny_model.hpp"
#include "eight_directions.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/simd/kernel_set.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

namespace mt = multitudes;
namespace st = multitudes::steering;

namespace {

constexpr std::size_t n_sequences = 64;
constexpr std::size_t context = 64;

/// A batch that decodes one token of every sequence at a time.
class decoder {
 public:
  decoder(const mt::language_model& lm, std::size_t threads)
      : b_(*mt::batch::make(
            lm, {.n_sequences = n_sequences, .context = context, .max_rows = n_sequences})),
        workers_(threads),
        tokens_(multitudes_test::some_tokens(context)) {
    for (std::size_t i = 0; i < n_sequences; ++i) feeds_.push_back({*b_.open(), {}, 1});
  }

  void steer(st::storage how) {
    for (std::size_t i = 0; i < n_sequences; ++i) {
      const auto ok = b_.steer(feeds_[i].sequence,
                               {multitudes_bench::eight_directions(b_.lm().space(), i, how)});
      if (!ok) std::abort();
    }
  }
  void watch() {
    if (!b_.watch(multitudes_bench::axes_of(b_.lm().space()))) std::abort();
  }

  /// Seconds for the next token of every sequence.
  double step() {
    if (b_.length(feeds_[0].sequence) == context) {
      for (const mt::feed& f : feeds_) b_.truncate(f.sequence, 0);
    }
    const std::size_t at = b_.length(feeds_[0].sequence);
    for (mt::feed& f : feeds_) f.tokens = std::span(tokens_).subspan(at, 1);
    const auto began = std::chrono::steady_clock::now();
    const auto ok = b_.evaluate(workers_, feeds_, [](mt::feed_place, std::span<float> logits) {
      benchmark::DoNotOptimize(logits.data());
    });
    benchmark::DoNotOptimize(ok.has_value());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  }

 private:
  mt::batch b_;
  mt::thread_pool workers_;
  std::vector<mt::token_id> tokens_;
  std::vector<mt::feed> feeds_;
};

double median(std::vector<double> x) {
  std::nth_element(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2), x.end());
  return x[x.size() / 2];
}

const mt::language_model* half_billion() {
  static const auto lm = multitudes_test::tiny_model({.n_layers = 28,
                                                      .model_dim = 1024,
                                                      .n_heads = 16,
                                                      .n_kv_heads = 4,
                                                      .ffn_dim = 4096,
                                                      .context = context,
                                                      .format = mt::simd::weight_format::q8_0,
                                                      .vocab_rows = 32000,
                                                      .rough = true});
  return &lm;
}

const mt::language_model* base() {
  static const auto lm = [] {
    const char* source = MULTITUDES_SOURCE_DIR;
    return mt::load_model(std::string(source) + "/models/base.gguf");
  }();
  return lm ? &*lm : nullptr;
}

void turns(benchmark::State& state, const mt::language_model* (*model)(), std::size_t threads) {
  const mt::language_model* lm = model();
  if (lm == nullptr) {
    state.SkipWithError("models/base.gguf is not there");
    return;
  }
  decoder plain(*lm, threads);
  decoder steered(*lm, threads);
  decoder packed(*lm, threads);
  decoder watched(*lm, threads);
  decoder again(*lm, threads);
  steered.steer(st::storage::f32);
  packed.steer(st::storage::bf16);
  watched.watch();
  for (decoder* d : {&plain, &steered, &packed, &watched, &again}) d->step();
  std::vector<double> of_plain[4];
  double seconds = 0;
  for (auto _ : state) {
    const double p = plain.step();
    seconds += p;
    of_plain[0].push_back(p / steered.step());
    of_plain[1].push_back(p / watched.step());
    of_plain[2].push_back(p / again.step());
    of_plain[3].push_back(p / packed.step());
    state.SetIterationTime(p);
  }
  state.counters["tokens/s"] =
      static_cast<double>(state.iterations()) * static_cast<double>(n_sequences) / seconds;
  state.counters["steered_of_plain"] = median(of_plain[0]);
  state.counters["bf16_of_plain"] = median(of_plain[3]);
  state.counters["watched_of_plain"] = median(of_plain[1]);
  state.counters["plain_of_plain"] = median(of_plain[2]);
}

const bool registered = [] {
  const std::string isa(mt::simd::active_isa());
  for (const std::size_t threads : {std::size_t{1}, std::size_t{2}}) {
    const std::string end = "/" + std::to_string(threads) + "-threads/" + isa;
    benchmark::RegisterBenchmark(("steering-64/0.5B/q8_0" + end).c_str(), [=](benchmark::State& s) {
      turns(s, half_billion, threads);
    })->UseManualTime();
    benchmark::RegisterBenchmark(("steering-64/base" + end).c_str(), [=](benchmark::State& s) {
      turns(s, base, threads);
    })->UseManualTime();
  }
  return true;
}();

}  // namespace
