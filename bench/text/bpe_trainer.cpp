// SPDX-License-Identifier: MIT
#include <multitudes/text/bpe_trainer.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace text = multitudes::text;

namespace {

/// The development texts, 13 MB; none where they are missing.
std::string corpora() {
  std::string all;
  std::error_code missing;
  const std::string folder = MULTITUDES_SHARED_DATA "/data/corpora";
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
    std::ifstream in(entry.path(), std::ios::binary);
    all.append(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return all;
}

void train(benchmark::State& state) {
  const std::string once = corpora();
  if (once.empty()) {
    state.SkipWithError("needs the development texts");
    return;
  }
  const std::vector<std::string_view> texts(4, once);
  const text::bpe_training how{.vocab_size = static_cast<std::size_t>(state.range(0))};
  for (auto _ : state) benchmark::DoNotOptimize(text::train_byte_bpe(texts, how));
  state.SetBytesProcessed(static_cast<std::int64_t>(4 * once.size()) *
                          static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(train)
    ->Name("train_byte_bpe/54MB/vocabulary")
    ->Arg(4096)
    ->Arg(32000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
