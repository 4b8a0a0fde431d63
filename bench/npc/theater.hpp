// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/language_model.hpp>
#include <multitudes/npc/stage.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace multitudes_bench {

namespace mt = multitudes;
namespace npc = multitudes::npc;
using std::chrono::nanoseconds;

/// The middle of some numbers.
inline double median(std::vector<double> x) {
  const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
  std::nth_element(x.begin(), middle, x.end());
  return *middle;
}

[[noreturn]] inline void quit(const std::string& why) {
  std::fprintf(stderr, "bench_npc: %s\n", why.c_str());
  std::exit(1);
}
template <class T>
T or_quit(mt::expected<T> x) {
  if (!x) quit(x.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(x);
}

inline nanoseconds now() {
  return std::chrono::duration_cast<nanoseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}
inline double in_ms(nanoseconds t) { return static_cast<double>(t.count()) * 1e-6; }
inline double in_us(nanoseconds t) { return static_cast<double>(t.count()) * 1e-3; }

/// A stage on memory of its own.
struct theater {
  theater(const mt::language_model& lm, const npc::stage_options& o)
      : bytes(or_quit_size(npc::stage::required_bytes(lm, o))),
        memory(bytes),
        stage(or_quit(npc::stage::make(lm, o, memory.bytes()))) {}

  static std::size_t or_quit_size(std::optional<std::size_t> n) {
    if (!n) quit("the sizes are too large");
    return *n;
  }
  std::size_t bytes;
  mt::heap_block memory;
  npc::stage stage;
};

/// Minds that never fall silent.
struct chorus {
  chorus(npc::stage& on, std::size_t n) : stage(on) {
    for (std::size_t i = 0; i < n; ++i) {
      minds.push_back(or_quit(stage.enter({.voice = {.temperature = 1, .seed = i}})));
      or_quit(stage.hear(minds.back(), "once upon a time"));
    }
  }
  /// What a game does in a frame.
  void keep_talking() {
    while (stage.take_event()) {
    }
    for (const npc::mind m : minds) {
      if (stage.doing(m) == npc::activity::speaking) continue;
      if (stage.tokens(m).size() > 200) or_quit(stage.forget(m, 32));
      or_quit(stage.say(m, {.max_tokens = 100, .one_line = false}));
    }
  }
  /// Tokens a second while they talk for so long; `each` is told of the end that a slice should
  /// have had.
  template <class Each>
  double tokens_per_second(nanoseconds slice, nanoseconds time, Each&& each) {
    mt::inline_executor here;
    keep_talking();
    const std::uint64_t before = stage.totals().words;
    const nanoseconds start = now();
    while (now() - start < time) {
      const nanoseconds until = now() + slice;
      static_cast<void>(stage.step(now, until, here));
      each(until);
      keep_talking();
    }
    return static_cast<double>(stage.totals().words - before) / (in_ms(now() - start) * 1e-3);
  }

  npc::stage& stage;
  std::vector<npc::mind> minds;
};

}  // namespace multitudes_bench
