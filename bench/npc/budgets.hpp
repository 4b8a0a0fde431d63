// SPDX-License-Identifier: MIT
#pragma once

#include "../model/random_model.hpp"
#include "talk.hpp"

#include <multitudes/npc/stage.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace multitudes_bench {

/// What minds of each size of model need: memory, and what they come to in the time that frames
/// leave them.
inline void print_budgets(double frame_ms) {
  constexpr std::size_t n_lore = 512, n_private = 512;
  constexpr double frames_per_second = 60;
  std::printf("## Budgets\n\n%zu tokens of shared lore, %zu of each mind's own; the cache in F16. "
              "Speech: one thread, %.1f ms of each of 60 frames a second.\n\n",
              n_lore, n_private, frame_ms);
  std::printf("| model | weights, MB | stage of 8 minds, MB | of 64 minds, MB | 1 speaks, "
              "tokens/s | 8 speak, tokens/s in all | reads, tokens/s |\n");
  std::printf("| :---- | ----: | ----: | ----: | ----: | ----: | ----: |\n");
  const double share = frame_ms * 1e-3 * frames_per_second;
  for (const model_shape& shape : model_shapes) {
    const std::string path = random_model_file(shape);
    const auto lm = or_quit(load_model(path));
    double megabytes[2] = {};
    for (const bool many : {false, true}) {
      npc::stage_options o{.n_minds = many ? 64u : 8u, .context = n_lore + n_private};
      constexpr auto pages = [](std::size_t n) { return n / simd::kv_page_length; };
      o.n_pages = pages(n_lore) + o.n_minds * (pages(n_private) + 1);
      megabytes[many] = static_cast<double>(or_quit_size(npc::stage::required_bytes(lm, o))) * 1e-6;
    }
    double speech[2] = {};
    for (const bool many : {false, true}) {
      const std::size_t n = many ? 8 : 1;
      theater t(lm, {.n_minds = n, .context = 512, .max_rows = 16, .n_events = 4096});
      chorus all(t.stage, n);
      std::vector<double> rates;
      for (int i = 0; i < 5; ++i) {
        rates.push_back(tokens_per_second(t.stage, all, nanoseconds(1'000'000'000),
                                          nanoseconds(1'500'000'000), nullptr));
      }
      speech[many] = share * median(rates);
    }
    theater t(lm, {.n_minds = 1, .context = 512, .max_rows = 16});
    const auto reader = or_quit(t.stage.enter({}));
    const std::vector<token_id> text(257, token_id(300));
    std::vector<double> rates;
    inline_executor here;
    for (int i = 0; i < 5; ++i) {
      or_quit(t.stage.hear(reader, text));
      const nanoseconds start = now();
      static_cast<void>(t.stage.finish(here));
      rates.push_back(256 / (in_ms(now() - start) * 1e-3));
      or_quit(t.stage.forget(reader, 1));
    }
    std::printf("| %s | %.0f | %.0f | %.0f | %.1f | %.1f | %.0f |\n",
                std::string(shape.name).c_str(),
                static_cast<double>(std::filesystem::file_size(path)) * 1e-6, megabytes[0],
                megabytes[1], speech[0], speech[1], share * median(rates));
    std::fflush(stdout);
  }
  std::printf("\n");
}

}  // namespace multitudes_bench
