// SPDX-License-Identifier: MIT
// Tokens a second: decoding one sequence and many, reading a prompt, plain and steered, beside
// the forward pass that one writes first. Random models, so no file is needed.

#include "../../tests/support/tiny_model.hpp"
#include "plain_llama.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/persona.hpp>
#include <multitudes/simd/kernel_set.hpp>

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

namespace mt = multitudes;
using mt::simd::weight_format;

namespace {

struct shape {
  const char* name;
  multitudes_test::tiny_model_options options;
};
// The sizes of a well-known 0.26M story model and of one near 5M.
const shape shapes[] = {{"0.3M",
                         {.n_layers = 5,
                          .model_dim = 64,
                          .n_heads = 8,
                          .n_kv_heads = 4,
                          .ffn_dim = 192,
                          .context = 512}},
                        {"5M",
                         {.n_layers = 6,
                          .model_dim = 256,
                          .n_heads = 8,
                          .n_kv_heads = 4,
                          .ffn_dim = 768,
                          .context = 512}}};
constexpr std::size_t decoded = 64;  // tokens of each sequence in one run

const mt::language_model& model(std::size_t which, weight_format format) {
  static std::map<std::pair<std::size_t, weight_format>, mt::language_model> made;
  auto& lm = made[{which, format}];
  if (!lm.weights) {
    auto options = shapes[which].options;
    options.format = format;
    lm = multitudes_test::tiny_model(options);
  }
  return lm;
}

mt::steering::plan push_everywhere(const mt::language_model& lm, std::uint64_t seed) {
  mt::philox random(seed);
  std::vector<float> values(std::size_t{lm.shape().n_layers} * lm.shape().model_dim);
  for (float& v : values) v = 0.01f * random.normal();
  const auto who = *mt::persona::make("p", *mt::direction::make(lm.space(), values));
  return *compile(who, mt::steering::in_raw_units(1.0f));
}

void count_tokens(benchmark::State& state, std::size_t for_each_run) {
  state.counters["tokens/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * static_cast<double>(for_each_run),
      benchmark::Counter::kIsRate);
}

/// Decodes `decoded` tokens of `n` sequences, which are fed the same text.
void decode(benchmark::State& state, std::size_t which, weight_format format, std::size_t n,
            std::size_t threads, bool steered) {
  const auto& lm = model(which, format);
  mt::thread_pool workers(threads);
  auto b = *mt::batch::make(lm, {.n_sequences = n, .context = decoded, .max_rows = n});
  const auto tokens = multitudes_test::some_tokens(decoded);
  std::vector<mt::feed> feeds;
  for (std::size_t i = 0; i < n; ++i) {
    feeds.push_back({*b.open(), {}, 1});
    if (steered) {
      static_cast<void>(b.steer(feeds.back().sequence, {push_everywhere(lm, i), {}}));
    }
  }
  for (auto _ : state) {
    for (const mt::feed& f : feeds) b.truncate(f.sequence, 0);
    for (std::size_t t = 0; t < decoded; ++t) {
      for (mt::feed& f : feeds) f.tokens = std::span(tokens).subspan(t, 1);
      const auto ok = b.evaluate(workers, feeds, [](mt::feed_place, std::span<float> logits) {
        benchmark::DoNotOptimize(logits.data());
      });
      if (!ok) state.SkipWithError(ok.error().message().c_str());
    }
  }
  count_tokens(state, n * decoded);
}

/// Reads a prompt of 256 tokens.
void prefill(benchmark::State& state, std::size_t which, weight_format format,
             std::size_t threads) {
  const auto& lm = model(which, format);
  mt::thread_pool workers(threads);
  auto b = *mt::batch::make(lm, {.context = 256});
  const auto tokens = multitudes_test::some_tokens(256);
  const mt::feed f{*b.open(), tokens, 1};
  for (auto _ : state) {
    b.truncate(f.sequence, 0);
    benchmark::DoNotOptimize(b.evaluate(workers, std::span(&f, 1)).has_value());
  }
  count_tokens(state, tokens.size());
}

void decode_plainly(benchmark::State& state, std::size_t which) {
  const auto& lm = model(which, weight_format::f32);
  multitudes_bench::plain_llama rival(*lm.weights, decoded);
  const auto tokens = multitudes_test::some_tokens(decoded);
  for (auto _ : state) {
    rival.forget();
    for (const mt::token_id t : tokens) benchmark::DoNotOptimize(rival.step(t.value).data());
  }
  count_tokens(state, decoded);
}

const bool registered = [] {
  for (std::size_t which = 0; which < std::size(shapes); ++which) {
    const std::string name = shapes[which].name;
    const auto add = [&](const std::string& what, auto f) {
      benchmark::RegisterBenchmark((what).c_str(), f)->UseRealTime();
    };
    add("decode/" + name + "/f32/plain-loops",
        [=](benchmark::State& s) { decode_plainly(s, which); });
    for (const auto& [format, label] :
         {std::pair(weight_format::f32, "f32"), std::pair(weight_format::q8_0, "q8_0")}) {
      const weight_format f = format;
      const std::string prefix = name + "/" + label + "/";
      const std::string isa(mt::simd::active_isa());
      add("decode/" + prefix + isa, [=](benchmark::State& s) { decode(s, which, f, 1, 1, false); });
      add("decode-steered/" + prefix + isa,
          [=](benchmark::State& s) { decode(s, which, f, 1, 1, true); });
      add("decode-16/" + prefix + isa,
          [=](benchmark::State& s) { decode(s, which, f, 16, 1, false); });
      add("decode-16-steered/" + prefix + isa,
          [=](benchmark::State& s) { decode(s, which, f, 16, 1, true); });
      add("prefill/" + prefix + isa, [=](benchmark::State& s) { prefill(s, which, f, 1); });
      add("prefill-2-threads/" + prefix + isa,
          [=](benchmark::State& s) { prefill(s, which, f, 2); });
    }
  }
  return true;
}();

}  // namespace
