// SPDX-License-Identifier: MIT
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/model/detail/parallel.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

using namespace multitudes;

namespace {

struct counting_job {
  std::vector<int>& runs;
  [[nodiscard]] std::size_t n_tiles() const noexcept { return runs.size(); }
  void run(std::size_t tile) const noexcept { ++runs[tile]; }
};

/// Says that it runs many at a time, and runs them one after the other, backwards.
struct reluctant_executor {
  void run(std::size_t n, chunk_function f) const {
    while (n > 0) f(--n);
  }
  [[nodiscard]] static constexpr std::size_t concurrency() noexcept { return 100; }
};

}  // namespace

TEST_CASE("shared chunks run once each on any executor") {
  const auto check = [](auto&& workers) {
    for (const std::size_t n : {0u, 1u, 2u, 3u, 7u, 64u, 65u, 1000u}) {
      CAPTURE(n);
      std::vector<int> runs(n);
      const auto one = [&](std::size_t i) { ++runs[i]; };
      model::detail::share(workers, n, one);
      CHECK(std::ranges::count(runs, 1) == static_cast<std::ptrdiff_t>(n));
    }
  };
  check(inline_executor());
  check(thread_pool(1));
  check(thread_pool(3));
  check(reluctant_executor());
}

TEST_CASE("a thread that is done takes over chunks of one that is not") {
  thread_pool workers(2);
  // The first half waits until the last chunk of its own half has run: only the other can do that.
  std::atomic<bool> is_done{false};
  const auto one = [&](std::size_t i) {
    if (i == 0) {
      for (int k = 0; k < 5000 && !is_done; ++k) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
    if (i == 3) is_done = true;
  };
  const auto start = std::chrono::steady_clock::now();
  model::detail::share(workers, 8, one);
  CHECK(is_done);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(4));
}

TEST_CASE("tiles of several jobs run once each") {
  thread_pool workers(2);
  std::vector<int> first(5), none, last(9);
  model::detail::run_tiles(workers, counting_job{first}, counting_job{none}, counting_job{last});
  CHECK(std::ranges::count(first, 1) == 5);
  CHECK(std::ranges::count(last, 1) == 9);
}
