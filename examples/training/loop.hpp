// SPDX-License-Identifier: MIT
#pragma once

#include "../or_exit.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/generate/save_model.hpp>
#include <multitudes/generate/session.hpp>
#include <multitudes/report/number.hpp>
#include <multitudes/report/progress.hpp>
#include <multitudes/train/training_run.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace training {

using namespace multitudes;
using example::or_exit;

inline volatile std::sig_atomic_t interrupted = 0;

/// From here on Control-C asks for an end at the next step instead of ending at once.
inline void catch_interrupts() {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
}

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline void write_text(const std::string& path, const std::string& text) {
  or_exit(write_file(path, std::as_bytes(std::span(text))));
}

/// What to do while a run goes on, and how often.
struct watch {
  std::string name;        ///< of the stage
  std::string checkpoint;  ///< file
  std::string curve;       ///< SVG file
  const train::dataset* held_out = nullptr;
  std::string prompt{};  ///< what samples continue
  std::uint64_t measure_every = 250;
  double save_every = 120;  ///< seconds
};

/// A little text that the model writes by itself, on one line.
inline std::string sample(const language_model& lm, const std::string& prompt, std::uint64_t seed,
                          thread_pool& workers) {
  auto s = or_exit(session<thread_pool>::make(
      lm, {.how = {.temperature = 0.8f, .top_p = 0.95f, .seed = seed}}, workers));
  if (!s.read(lm.tokenizer->encode(prompt, {.parse_special = true}))) return {};
  std::string text = s.write(60).value_or(std::string());
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text;
}

/// Steps until the run is done or interrupted; says whether it is done.
inline bool keep_training(train::training_run<>& run, const watch& w, std::uint64_t n_steps,
                          const std::shared_ptr<const text::tokenizer>& tokenizer,
                          thread_pool& workers) {
  if (std::filesystem::exists(w.checkpoint)) {
    or_exit(run.resume(w.checkpoint));
    std::printf("going on from %s, step %llu\n", w.checkpoint.c_str(),
                static_cast<unsigned long long>(run.n_steps()));
  }
  const language_model lm{std::make_shared<const model::weights>(run.state().values().as_weights()),
                          tokenizer};
  report::progress progress(w.name, n_steps, 2.0);
  const double began = seconds();
  const std::uint64_t first_step = run.n_steps();
  const std::uint64_t first_target = run.n_targets();
  double saved = began;
  double loss = 0;
  while (!run.is_done() && interrupted == 0) {
    const auto report = or_exit(run.step(workers));
    loss = loss == 0 ? report.loss : 0.95 * loss + 0.05 * report.loss;
    const double now = seconds();
    if (progress.due(now)) {
      const double share =
          static_cast<double>(run.n_steps()) / static_cast<double>(run.n_steps() - first_step);
      const double rate = static_cast<double>(run.n_targets() - first_target) / (now - began);
      std::printf("\r%s loss %s  %s tokens/s ",
                  progress.line(run.n_steps(), (now - began) * share).c_str(),
                  report::fixed(loss, 3).c_str(), report::fixed(rate, 0).c_str());
      std::fflush(stdout);
    }
    if (w.held_out != nullptr && (run.n_steps() % w.measure_every == 0 || run.is_done())) {
      const double held_out = or_exit(run.measure(workers, *w.held_out));
      std::printf("\nstep %llu: held-out loss %s; it writes: %s\n",
                  static_cast<unsigned long long>(run.n_steps()),
                  report::fixed(held_out, 3).c_str(),
                  sample(lm, w.prompt, run.n_steps(), workers).c_str());
      write_text(w.curve, train::to_svg(run.curve(), "Loss of the " + w.name + " model"));
    }
    if (now - saved > w.save_every) {
      or_exit(run.save(w.checkpoint));
      saved = now;
    }
  }
  or_exit(run.save(w.checkpoint));
  std::printf("\n%s: %s\n", w.name.c_str(),
              run.is_done() ? "done" : "interrupted; the same command goes on from here");
  return run.is_done();
}

}  // namespace training
