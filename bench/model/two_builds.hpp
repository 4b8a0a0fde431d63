// SPDX-License-Identifier: MIT
#pragma once

#include "results.hpp"
#include "stages.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/language_model.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#endif

namespace multitudes_bench {

// This program and a second one, built with other flags, each in a process of its own: both load
// the same model, and run a stage when they are told to. They are told in turns, so that what else
// the machine does meets both.

/// The other end of `detail::other_program`: says which flags it was built with, then runs the
/// stage whose index stands on each line of standard input, and answers with the nanoseconds of a
/// thousand tokens.
inline mt::expected<void> take_turns(const std::string& path,
                                     const std::vector<stage_shape>& shapes, std::size_t n_threads,
                                     const char* flags) {
  auto lm = mt::load_model(path);
  if (!lm) return mt::forward_error(lm);
  mt::thread_pool workers(n_threads);
  std::vector<stage_runner> runners;
  for (const stage_shape& shape : shapes) {
    auto one = stage_runner::make(*lm, {}, shape, workers);
    if (!one) return mt::forward_error(one);
    runners.push_back(*std::move(one));
  }
  std::printf("%s\n", flags);
  std::fflush(stdout);
  std::array<char, 32> line;
  while (std::fgets(line.data(), static_cast<int>(line.size()), stdin) != nullptr) {
    const std::size_t index = std::strtoull(line.data(), nullptr, 10);
    if (index >= runners.size()) break;
    auto took = runners[index].repeat(workers);
    if (!took) return mt::forward_error(took);
    std::printf("%llu\n",
                static_cast<unsigned long long>(1000 * *took / runners[index].found().tokens));
    std::fflush(stdout);
  }
  return {};
}

namespace detail {

/// A process that takes turns. It ends with this.
class other_program {
 public:
  static mt::expected<other_program> start(std::vector<std::string> words) {
    other_program made(words[0]);
#if defined(__linux__)
    std::signal(SIGPIPE, SIG_IGN);  // where a process that ended is an error, as any other
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0) return made.broken("no pipe to it");
    made.to_ = fdopen(to[1], "w");
    if (pipe2(from, O_CLOEXEC) != 0) return made.broken("no pipe from it");
    made.from_ = fdopen(from[0], "r");
    std::vector<char*> pointers;
    for (std::string& w : words) pointers.push_back(w.data());
    pointers.push_back(nullptr);
    made.child_ = fork();
    if (made.child_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      execv(pointers[0], pointers.data());
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    made.flags_ = made.line();
#endif
    if (made.flags_.empty()) return made.broken("a program that did not start");
    return made;
  }

  other_program(other_program&& from) noexcept
      : path_(std::move(from.path_)),
        flags_(std::move(from.flags_)),
        child_(std::exchange(from.child_, 0)),
        to_(std::exchange(from.to_, nullptr)),
        from_(std::exchange(from.from_, nullptr)) {}
  other_program& operator=(other_program&&) = delete;
  ~other_program() {
    if (to_ != nullptr) std::fclose(to_);  // at the end of its input it ends
    if (from_ != nullptr) std::fclose(from_);
#if defined(__linux__)
    if (child_ > 0) waitpid(child_, nullptr, 0);
#endif
  }

  [[nodiscard]] const std::string& flags() const noexcept { return flags_; }

  /// Nanoseconds of a thousand tokens.
  mt::expected<std::uint64_t> turn(std::size_t stage) {
    std::fprintf(to_, "%zu\n", stage);
    std::fflush(to_);
    const std::string answer = line();
    if (answer.empty()) return broken("no answer");
    return std::max<std::uint64_t>(1, std::strtoull(answer.c_str(), nullptr, 10));
  }

 private:
  explicit other_program(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] mt::unexpected<mt::error> broken(std::string found) const {
    return mt::fail(
        {.code = mt::errc::unsupported,
         .operation = "compare two builds",
         .place = path_,
         .found = std::move(found),
         .expected = "a program that takes turns",
         .remedy = "build bench_model_plain, on Linux; ./dev bench model --plain does"});
  }
  std::string line() {
    std::array<char, 1024> text;
    if (std::fgets(text.data(), static_cast<int>(text.size()), from_) == nullptr) return {};
    std::string read = text.data();
    read.resize(std::min(read.size(), read.find('\n')));
    return read;
  }

  std::string path_, flags_;
  int child_ = 0;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

}  // namespace detail

/// Each stage `n_turns` times with both programs, which get the same arguments.
///
/// Errors:  unsupported where there are no processes, or one of them ended before its time.
inline mt::expected<std::vector<build_run>> compare_builds(
    const std::string& plain, const std::vector<stage_shape>& shapes, std::size_t n_threads,
    const std::vector<std::string>& arguments, std::size_t n_turns) {
  std::vector<detail::other_program> both;
  for (const std::string& path : {plain, std::string("/proc/self/exe")}) {
    std::vector<std::string> words{path};
    words.insert(words.end(), arguments.begin(), arguments.end());
    auto one = detail::other_program::start(std::move(words));
    if (!one) return mt::forward_error(one);
    both.push_back(*std::move(one));
  }
  std::vector<build_run> found;
  for (std::size_t stage = 0; stage < shapes.size(); ++stage) {
    const stage_shape& shape = shapes[stage];
    found.push_back({.what = shape.what,
                     .threads = n_threads,
                     .length = shape.steps * shape.step_tokens,
                     .plain_flags = both[0].flags(),
                     .tuned_flags = both[1].flags()});
    const std::array<std::vector<std::uint64_t>*, 2> lists{&found.back().plain,
                                                           &found.back().tuned};
    for (std::size_t turn = 0; turn <= n_turns; ++turn) {
      for (std::size_t i = 0; i < 2; ++i) {
        // Who comes first changes, so that nobody always finds the other's data in the cache.
        const std::size_t who = (i + turn) % 2;
        auto took = both[who].turn(stage);
        if (!took) return mt::forward_error(took);
        if (turn != 0) lists[who]->push_back(*took);  // the first warms up
      }
    }
  }
  return found;
}

}  // namespace multitudes_bench
