// SPDX-License-Identifier: MIT
//
// How minds fit into frames: how far a frame goes over its time, what slicing costs, what minds
// that wait cost, and what saving and loading them costs. Prints Markdown.
#include "../model/random_model.hpp"
#include "budgets.hpp"
#include "snapshots.hpp"
#include "theater.hpp"

#include <multitudes/generate/language_model.hpp>
#include <multitudes/npc/stage.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace multitudes_bench;

struct arguments {
  std::size_t n_frames = 20000;
  double frame_ms = 2;
  std::size_t n_minds = 8;
  std::string_view shape = "0.5B";
  std::string model{};      ///< instead of a random one
  std::string_view only{};  ///< one part; empty: all but budgets
};

/// How far frames went over their time.
struct overruns {
  std::vector<double> us;

  void print(const char* what) {
    std::sort(us.begin(), us.end());
    const auto over = [&](double limit) {
      return 100.0 * static_cast<double>(us.end() - std::upper_bound(us.begin(), us.end(), limit)) /
             static_cast<double>(us.size());
    };
    const auto at = [&](double q) {
      return us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))];
    };
    std::printf("| %-16s | %6zu | %9.1f | %9.1f | %10.1f | %19.3f |\n", what, us.size(), at(0.5),
                at(0.99), us.back(), over(200));
  }
};

/// Tokens a second of minds that talk for so long, in slices of so much; what became of each.
double talk_in_frames(chorus& all, nanoseconds slice, nanoseconds time, overruns& frames) {
  return all.tokens_per_second(slice, time, [&](nanoseconds until) {
    frames.us.push_back(std::max(0.0, in_us(now() - until)));
  });
}

void measure_frames(const mt::language_model& lm, const arguments& a) {
  npc::stage_options o{.n_minds = a.n_minds, .context = 512, .max_rows = 16, .n_events = 4096};
  theater t(lm, o);
  chorus all(t.stage, a.n_minds);
  mt::inline_executor here;
  while (t.stage.step(now, now() + nanoseconds(1'000'000'000), here) != npc::stage_status::idle) {
  }
  const nanoseconds frame(static_cast<std::int64_t>(a.frame_ms * 1e6));
  overruns frames, empty;
  double sliced = 0, whole = 0;
  // In turns, so that what else the machine does falls on all alike.
  constexpr std::size_t n_turns = 10;
  const std::size_t each = std::max<std::size_t>(1, a.n_frames / n_turns);
  const nanoseconds turn = frame * static_cast<std::int64_t>(each);
  for (std::size_t i = 0; i < n_turns; ++i) {
    sliced += talk_in_frames(all, frame, turn, frames) / n_turns;
    whole += all.tokens_per_second(nanoseconds(1'000'000'000), turn, [](nanoseconds) {}) / n_turns;
    for (std::size_t f = 0; f < each; ++f) {
      const nanoseconds until = now() + frame;
      nanoseconds at = now();
      while (at < until) at = now();
      empty.us.push_back(in_us(at - until));
    }
  }
  std::printf("## %zu minds speak, %.1f ms a frame, one thread\n\n", a.n_minds, a.frame_ms);
  std::printf("| %-16s | %6s | %9s | %9s | %10s | %19s |\n", "overrun, us", "frames", "median",
              "99 %", "largest", "share over 200 us, %");
  std::printf(
      "| :--------------- | -----: | --------: | --------: | ---------: | -------------------: "
      "|\n");
  frames.print("stage");
  empty.print("an empty loop");
  std::printf("\n%.2f tokens/s in frames, %.2f unsliced: %.1f %%\n\n", sliced, whole,
              100 * sliced / whole);
}

/// What a mind that only waits costs those who speak.
void measure_idle(const mt::language_model& lm) {
  constexpr std::size_t n_lore = 1536, n_private = 512, most = 64;
  constexpr auto pages = [](std::size_t n) { return n / mt::simd::kv_page_length; };
  npc::stage_options o{.n_minds = most + 1,
                       .n_lores = 1,
                       .max_actions = 1,
                       .context = n_lore + n_private,
                       .max_rows = 64,
                       // The lore fills its pages, and private tokens begin in one of their own.
                       .n_pages = pages(n_lore) + (most + 1) * pages(n_private),
                       .cache = npc::kv_format::q8_0};
  const auto work = *mt::model::evaluation::required_bytes(lm.shape(), {o.max_rows, o.max_rows});
  const auto& p = lm.shape();
  const std::size_t part = mt::simd::kv_part_bytes(o.cache, p.head_dim);
  const double position_bytes =
      static_cast<double>(std::size_t{p.n_layers} * p.n_kv_heads * 2 * part) /
      static_cast<double>(mt::simd::kv_page_length);
  const double sum = position_bytes * static_cast<double>(n_lore + (most + 1) * n_private) +
                     static_cast<double>(work);
  theater t(lm, o);
  mt::inline_executor here;
  const auto finish = [&] {
    while (t.stage.step(now, now() + nanoseconds(1'000'000'000), here) ==
           npc::stage_status::in_progress) {
    }
    while (t.stage.take_event()) {
    }
  };
  // The last token of a lore is computed by each who knows it.
  const auto known =
      or_quit(t.stage.tell(std::vector<mt::token_id>(n_lore + 1, mt::token_id(301))));
  const nanoseconds began = now();
  finish();
  const nanoseconds lore_time = now() - began;
  std::vector<mt::token_id> own(n_private - 80, mt::token_id(300));
  std::printf("## %zu tokens of lore shared, %zu private ones each\n\n", n_lore, n_private);
  std::printf(
      "Lore computed once in %.1f s. Memory asked for: %.1f MB; pages of all positions and "
      "the workspace, added up: %.1f MB (%+.1f %%).\n\n",
      in_ms(lore_time) * 1e-3, static_cast<double>(t.bytes) * 1e-6, sum * 1e-6,
      100 * (static_cast<double>(t.bytes) / sum - 1));
  std::printf("| idle minds | ms a token of one that speaks (median) |\n| ---------: | -----: |\n");
  const auto speaker = or_quit(t.stage.enter({.voice = {.temperature = 1}, .knows = known}));
  or_quit(t.stage.hear(speaker, own));
  std::vector<npc::mind> waiting;
  for (const std::size_t n : {std::size_t{1}, std::size_t{16}, most}) {
    while (waiting.size() < n) {
      waiting.push_back(or_quit(t.stage.enter({.knows = known})));
      or_quit(t.stage.hear(waiting.back(), own));
    }
    finish();
    std::vector<double> each;
    for (std::size_t i = 0; i < 15; ++i) {
      if (t.stage.tokens(speaker).size() > own.size() + 60)
        or_quit(t.stage.forget(speaker, own.size()));
      finish();
      or_quit(t.stage.say(speaker, {.max_tokens = 4, .one_line = false}));
      const std::size_t before = t.stage.tokens(speaker).size();
      const nanoseconds start = now();
      finish();
      each.push_back(in_ms(now() - start) / static_cast<double>(std::max<std::size_t>(
                                                1, t.stage.tokens(speaker).size() - before)));
    }
    std::nth_element(each.begin(), each.begin() + 7, each.end());
    std::printf("| %10zu | %6.2f |\n", n, each[7]);
    std::fflush(stdout);
  }

  // A fork alone, as waking a mind does it.
  mt::model::kv_cache_limits limits{3, n_lore + n_private, 0, o.cache};
  mt::heap_block memory(*mt::model::kv_cache::required_bytes(p, limits));
  mt::arena pieces(memory.bytes());
  auto cache = or_quit(mt::model::kv_cache::make(p, limits, pieces));
  const auto from = or_quit(cache.open());
  or_quit(cache.append(from, n_lore - 1, {}));
  std::vector<double> fork_us, write_us;
  for (std::size_t i = 0; i < 101; ++i) {
    nanoseconds start = now();
    const auto s = or_quit(cache.fork(from));
    fork_us.push_back(in_us(now() - start));
    start = now();
    or_quit(cache.append(s, 1, {}));
    write_us.push_back(in_us(now() - start));
    cache.close(s);
  }
  std::nth_element(fork_us.begin(), fork_us.begin() + 50, fork_us.end());
  std::nth_element(write_us.begin(), write_us.begin() + 50, write_us.end());
  std::printf(
      "\nA fork of the lore takes %.2f us; the copy of its last page, made when the fork "
      "first writes, %.1f us (medians of 101).\n\n",
      fork_us[50], write_us[50]);
}

template <class T>
void read_number(std::string_view text, T& into) {
  const auto r = std::from_chars(text.data(), text.data() + text.size(), into);
  if (r.ec != std::errc() || r.ptr != text.data() + text.size()) {
    quit("'" + std::string(text) + "' is no number that fits here");
  }
}

}  // namespace

int main(int argc, char** argv) {
  arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto value = [&]() -> std::string_view {
      if (i + 1 == argc) quit(std::string(word) + " wants a value");
      return argv[++i];
    };
    if (word == "--frames") {
      read_number(value(), a.n_frames);
    } else if (word == "--ms") {
      read_number(value(), a.frame_ms);
    } else if (word == "--minds") {
      read_number(value(), a.n_minds);
    } else if (word == "--shape") {
      a.shape = value();
    } else if (word == "--model") {
      a.model = value();
    } else if (word == "--only") {
      a.only = value();
    } else {
      std::printf(
          "Usage: bench_npc [--frames 20000] [--ms 2] [--minds 8] [--shape 0.5B]\n"
          "                 [--model FILE] [--only frames|idle|snapshots|budgets]\n");
      return word == "--help" ? 0 : 1;
    }
  }
  const auto shape = std::find_if(model_shapes.begin(), model_shapes.end(),
                                  [&](const model_shape& s) { return s.name == a.shape; });
  if (shape == model_shapes.end()) quit("no shape is called " + std::string(a.shape));
  const auto wants = [&](std::string_view part) { return a.only.empty() || a.only == part; };
  // It makes models of its own, the largest of more than a gigabyte.
  if (a.only == "budgets") {
    print_budgets(a.frame_ms);
    return 0;
  }
  const std::string path = a.model.empty() ? random_model_file(*shape) : a.model;
  const auto lm = or_quit(mt::load_model(path));
  std::printf("# Minds in frames: %s\n\n",
              a.model.empty() ? std::string(a.shape).c_str() : path.c_str());
  if (wants("frames")) measure_frames(lm, a);
  if (wants("idle")) measure_idle(lm);
  if (wants("snapshots")) measure_snapshots(lm, a.n_minds);
}
