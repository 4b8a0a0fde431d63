// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

namespace multitudes_bench {

/// Calls `work(0)` to `work(n - 1)` on n threads that start at the same moment: the seconds until
/// the last is ready. Starting the threads is not counted.
template <class Work>
double seconds_together(std::size_t n, const Work& work) {
  using clock = std::chrono::steady_clock;
  std::atomic<std::size_t> n_ready{0};
  std::vector<clock::time_point> began(n), ended(n);
  const auto one = [&](std::size_t i) {
    n_ready.fetch_add(1);
    while (n_ready.load() < n) std::this_thread::yield();
    began[i] = clock::now();
    work(i);
    ended[i] = clock::now();
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < n; ++i) others.emplace_back(one, i);
  one(0);
  for (std::thread& t : others) t.join();
  const auto first = *std::min_element(began.begin(), began.end());
  const auto last = *std::max_element(ended.begin(), ended.end());
  return std::chrono::duration<double>(last - first).count();
}

/// How often a second something is done that `seconds(rounds)` does `rounds` times: twice as many
/// rounds until they take `at_least` seconds, so that the clock and the start do not matter.
template <class Seconds>
double rounds_per_second(double at_least, const Seconds& seconds) {
  for (std::size_t rounds = 1;; rounds *= 2) {
    const double took = seconds(rounds);
    if (took >= at_least) return static_cast<double>(rounds) / took;
  }
}

}  // namespace multitudes_bench
