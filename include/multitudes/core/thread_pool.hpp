// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace multitudes {

/// The small default executor: `n_threads` including the caller's. Chunks are split into equal
/// runs, one for each thread, so that a thread meets the same part of a matrix every time.
/// Waiting spins for a bounded time and then sleeps. One `run` at a time.
///
/// Cost:    no allocation in `run`; a system call for each worker only if it fell asleep.
class thread_pool {
 public:
  static constexpr std::size_t max_threads = 256;

  /// Starts at most max_threads, the caller's included; `concurrency` tells how many.
  explicit thread_pool(std::size_t n_threads = std::thread::hardware_concurrency()) {
    const std::size_t n = std::clamp<std::size_t>(n_threads, 1, max_threads);
    workers_.reserve(n - 1);
    for (std::size_t i = 1; i < n; ++i) {
      workers_.emplace_back([this, i] { work(i); });
    }
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() {
    stopping_ = true;
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  [[nodiscard]] std::size_t concurrency() const noexcept { return workers_.size() + 1; }

  void run(std::size_t n, chunk_function f) {
    if (n == 0) return;
    if (n == 1 || workers_.empty()) {
      for (std::size_t i = 0; i < n; ++i) f(i);
      return;
    }
    n_chunks_ = n;
    function_ = &f;
    running_.store(static_cast<std::uint32_t>(workers_.size()), std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    run_share(0);
    for (;;) {
      const std::uint32_t left = running_.load(std::memory_order_acquire);
      if (left == 0) return;
      wait_while(running_, left);
    }
  }

 private:
  // A forward pass is some hundred stages of 10 to 500 microseconds, and falling asleep and being
  // woken costs more than most of them. So a thread looks for a millisecond before it sleeps, and
  // lets others run every few microseconds, in case there are more threads than processors.
  static constexpr int looks = 32;
  static constexpr int turns = 400;

  static void relax() noexcept {
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
    __builtin_ia32_pause();
#elif (defined(__GNUC__) || defined(__clang__)) && defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  static void wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept {
    for (int turn = 0; turn < turns; ++turn) {
      for (int look = 0; look < looks; ++look) {
        if (value.load(std::memory_order_acquire) != old) return;
        relax();
      }
      std::this_thread::yield();
    }
    value.wait(old, std::memory_order_acquire);
  }

  void run_share(std::size_t thread) {
    const std::size_t n_threads = concurrency();
    const std::size_t last = n_chunks_ * (thread + 1) / n_threads;
    for (std::size_t i = n_chunks_ * thread / n_threads; i < last; ++i) (*function_)(i);
  }

  void work(std::size_t thread) {
    std::uint32_t seen = 0;
    for (;;) {
      while (round_.load(std::memory_order_acquire) == seen) wait_while(round_, seen);
      ++seen;
      if (stopping_) return;
      run_share(thread);
      if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
    }
  }

  // Written by the caller before `round_` is raised, read by workers after they see it raised.
  std::size_t n_chunks_ = 0;
  chunk_function* function_ = nullptr;
  bool stopping_ = false;
  alignas(64) std::atomic<std::uint32_t> round_{0};
  alignas(64) std::atomic<std::uint32_t> running_{0};
  std::vector<std::thread> workers_;
};

static_assert(executor<inline_executor> && executor<thread_pool>);

}  // namespace multitudes
