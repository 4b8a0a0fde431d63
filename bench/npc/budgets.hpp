// SPDX-License-Identifier: MIT
#pragma once

#include "../model/random_model.hpp"
#include "theater.hpp"

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace multitudes_bench {

/// A Q8_0 model of a shape with random weights, made once and kept among temporary files.
inline std::string random_model_file(const model_shape& shape) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("multitudes-" + std::string(shape.name) + "-q8_0.gguf");
  if (!std::filesystem::exists(path)) {
    or_quit(write_random_model(shape, named_formats[0], path.string()));
  }
  return path.string();
}

/// Megabytes of a stage for so many minds, with lore in common and memories of their own.
inline double stage_megabytes(const mt::language_model& lm, std::size_t n_minds, std::size_t n_lore,
                              std::size_t n_own) {
  constexpr auto pages = [](std::size_t n) { return n / mt::simd::kv_page_length; };
  // Unless the lore fills its pages, their own memories begin in a copy of its last: one more.
  const npc::stage_options o{.n_minds = n_minds,
                             .context = n_lore + n_own,
                             .n_pages = pages(n_lore) + n_minds * (pages(n_own) + 1)};
  return static_cast<double>(theater::or_quit_size(npc::stage::required_bytes(lm, o))) * 1e-6;
}
/// Tokens a second that one thread says, with so many minds that speak.
inline double speech_rate(const mt::language_model& lm, std::size_t n) {
  theater t(lm, {.n_minds = n, .context = 512, .n_events = 4096});
  chorus all(t.stage, n);
  std::vector<double> rates;
  for (int i = 0; i < 5; ++i) {
    rates.push_back(all.tokens_per_second(nanoseconds(1'000'000'000), nanoseconds(1'500'000'000),
                                          [](nanoseconds) {}));
  }
  return median(rates);
}
/// Tokens a second that one thread reads.
inline double reading_rate(const mt::language_model& lm) {
  constexpr std::size_t n = 128;
  theater t(lm, {.n_minds = 1, .context = 512});
  mt::inline_executor here;
  const auto reader = or_quit(t.stage.enter({}));
  const std::vector<mt::token_id> text(n + 1, mt::token_id(300));
  std::vector<double> rates;
  for (int i = 0; i < 5; ++i) {
    or_quit(t.stage.hear(reader, text));
    const nanoseconds start = now();
    static_cast<void>(t.stage.finish(here));
    rates.push_back(n / (in_ms(now() - start) * 1e-3));
    or_quit(t.stage.forget(reader, 0));
  }
  return median(rates);
}

/// What minds take of a game, for each size of model: memory, and what comes of a frame's time.
inline void print_budgets(double frame_ms) {
  constexpr std::size_t n_lore = 512, n_own = 512;
  std::printf(
      "%zu tokens of lore in common and %zu of each mind's own, cached in F16; speaking and "
      "reading "
      "in %.1f ms of each of 60 frames a second, on one thread.\n\n"
      "| model, Q8_0 | file, MB | 8 minds, MB | 64 minds, MB | one speaks, tokens/s | eight speak, "
      "tokens/s in all | reads, tokens/s |\n"
      "| :---- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
      n_lore, n_own, frame_ms);
  const double share = frame_ms * 1e-3 * 60;
  for (const model_shape& shape : model_shapes) {
    const std::string path = random_model_file(shape);
    const auto lm = or_quit(mt::load_model(path));
    std::printf("| %s | %.0f | %.0f | %.0f | %.1f | %.1f | %.0f |\n",
                std::string(shape.name).c_str(),
                static_cast<double>(std::filesystem::file_size(path)) * 1e-6,
                stage_megabytes(lm, 8, n_lore, n_own), stage_megabytes(lm, 64, n_lore, n_own),
                share * speech_rate(lm, 1), share * speech_rate(lm, 8), share * reading_rate(lm));
    std::fflush(stdout);
  }
}

}  // namespace multitudes_bench
