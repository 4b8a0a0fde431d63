// SPDX-License-Identifier: MIT
#pragma once

#include "theater.hpp"

#include <multitudes/npc/snapshot.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

namespace multitudes_bench {

/// Milliseconds that something takes: the median of five times.
template <class F>
double median_ms(F&& f) {
  double each[5];
  for (double& ms : each) {
    const nanoseconds start = now();
    f();
    ms = in_ms(now() - start);
  }
  std::nth_element(each, each + 2, each + 5);
  return each[2];
}

/// What it costs to save minds that speak and to load them, with and without keys and values.
inline void measure_snapshots(const mt::language_model& lm, std::size_t n_minds) {
  constexpr std::size_t n_lore = 256, n_own = 160;
  const npc::stage_options o{.n_minds = n_minds, .context = 512, .n_events = 4096};
  mt::inline_executor here;
  theater first(lm, o), second(lm, o);
  const std::vector<mt::token_id> own(n_own, mt::token_id(300));
  const auto known =
      or_quit(first.stage.tell(std::vector<mt::token_id>(n_lore, mt::token_id(301))));
  std::vector<npc::mind> minds;
  for (std::size_t i = 0; i < n_minds; ++i) {
    minds.push_back(
        or_quit(first.stage.enter({.voice = {.temperature = 1, .seed = i}, .knows = known})));
    or_quit(first.stage.hear(minds[i], own));
  }
  static_cast<void>(first.stage.finish(here));
  for (const npc::mind m : minds)
    or_quit(first.stage.say(m, {.max_tokens = 90, .one_line = false}));
  while (first.stage.totals().words < 4 * n_minds) {
    static_cast<void>(first.stage.step(now, now(), here));
  }
  while (first.stage.take_event()) {
  }
  std::printf("## %zu minds that speak are saved: %zu tokens of lore, %zu to %zu of their own\n\n",
              n_minds, n_lore, n_own, n_own + 8);
  std::printf(
      "| saved | MB | save, ms | load, ms | first word after it, ms | a word of each, ms |\n"
      "| :---- | -: | -------: | -------: | ----------------------: | -----------------: |\n");
  for (const npc::contents what : {npc::contents::thoughts, npc::contents::everything}) {
    std::vector<std::byte> bytes(npc::snapshot_bytes(first.stage, what));
    const double save_ms =
        median_ms([&] { static_cast<void>(or_quit(npc::save(first.stage, bytes, what))); });
    const auto none = [](mt::fingerprint) -> const mt::steering::plan* { return nullptr; };
    const double load_ms = median_ms([&] { or_quit(npc::load(second.stage, bytes, none)); });
    std::vector<std::size_t> n_before;
    for (const npc::mind m : minds) n_before.push_back(second.stage.tokens(m).size());
    const nanoseconds start = now();
    double first_ms = 0, all_ms = 0;
    while (all_ms == 0) {
      static_cast<void>(second.stage.step(now, now() + nanoseconds(100'000), here));
      std::size_t n_spoke = 0;
      for (std::size_t i = 0; i < n_minds; ++i) {
        n_spoke += second.stage.tokens(minds[i]).size() > n_before[i] ||
                   second.stage.doing(minds[i]) != npc::activity::speaking;
      }
      if (n_spoke > 0 && first_ms == 0) first_ms = in_ms(now() - start);
      if (n_spoke == n_minds) all_ms = in_ms(now() - start);
      while (second.stage.take_event()) {
      }
    }
    std::printf("| %s | %.2f | %.2f | %.2f | %.1f | %.1f |\n",
                what == npc::contents::thoughts ? "thoughts" : "everything",
                static_cast<double>(bytes.size()) * 1e-6, save_ms, load_ms, first_ms, all_ms);
    std::fflush(stdout);
  }
  std::printf("\n");
}

}  // namespace multitudes_bench
