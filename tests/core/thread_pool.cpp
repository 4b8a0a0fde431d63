// SPDX-License-Identifier: MIT
#include <multitudes/core/executor.hpp>
#include <multitudes/core/thread_pool.hpp>
#include <tests/support/long_run.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <numeric>
#include <thread>
#include <vector>

using namespace multitudes;

namespace {

struct no_concurrency {
  void run(std::size_t, chunk_function) {}
};
struct no_run {
  std::size_t concurrency() { return 1; }
};

/// Runs n chunks that each mark their own place; true if each was called exactly once.
template <executor E>
bool each_once(E& e, std::size_t n) {
  std::vector<int> calls(n, 0);
  e.run(n, [&](std::size_t i) { ++calls[i]; });
  for (const int c : calls) {
    if (c != 1) return false;
  }
  return true;
}

}  // namespace

static_assert(executor<thread_pool> && executor<inline_executor>);
static_assert(!executor<no_concurrency> && !executor<no_run> && !executor<int>);

TEST_CASE("the inline executor runs in order on the caller's thread") {
  inline_executor e;
  std::vector<std::size_t> order;
  const auto caller = std::this_thread::get_id();
  e.run(5, [&](std::size_t i) {
    CHECK(std::this_thread::get_id() == caller);
    order.push_back(i);
  });
  CHECK(order == std::vector<std::size_t>{0, 1, 2, 3, 4});
  CHECK(e.concurrency() == 1);
}

TEST_CASE("every chunk runs exactly once, for any number of threads") {
  for (std::size_t threads = 1; threads <= 8; ++threads) {
    thread_pool pool(threads);
    CHECK(pool.concurrency() == threads);
    for (const std::size_t n : {0u, 1u, 2u, 3u, 7u, 8u, 9u, 64u, 1000u}) {
      CHECK_MESSAGE(each_once(pool, n), threads << " threads, " << n << " chunks");
    }
  }
}

TEST_CASE("a pool of no threads is the caller alone") {
  thread_pool pool(0);
  CHECK(pool.concurrency() == 1);
  CHECK(each_once(pool, 10));
}

TEST_CASE("more threads than processors still finish") {
  thread_pool pool(4 * std::thread::hardware_concurrency() + 3);
  for (int round = 0; round < 20; ++round) REQUIRE(each_once(pool, 100));
}

TEST_CASE("what chunks write is visible to the caller, round after round") {
  thread_pool pool(3);
  const int rounds = multitudes_test::sample_count(2000, 50000);
  std::vector<long> cells(11, 0);
  for (int round = 0; round < rounds; ++round) {
    pool.run(cells.size(), [&](std::size_t i) { cells[i] += static_cast<long>(i); });
    const long sum = std::accumulate(cells.begin(), cells.end(), 0L);
    REQUIRE(sum == 55L * (round + 1));
  }
}

TEST_CASE("workers that fell asleep wake up for the next round") {
  thread_pool pool(4);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    REQUIRE(each_once(pool, 50));
  }
}

TEST_CASE("the caller waits for a slow chunk on another thread") {
  thread_pool pool(2);
  std::atomic<int> done{0};
  pool.run(2, [&](std::size_t i) {
    if (i == 1) std::this_thread::sleep_for(std::chrono::milliseconds(30));
    ++done;
  });
  CHECK(done == 2);
}

TEST_CASE("a pool can be destroyed at once, unused or just used") {
  for (int i = 0; i < 100; ++i) {
    {
      thread_pool unused(4);
    }
    thread_pool used(4);
    REQUIRE(each_once(used, 8));
  }
}

TEST_CASE("two pools do not disturb each other") {
  thread_pool outer(2);
  std::vector<int> good(2, 0);
  outer.run(2, [&](std::size_t i) {
    thread_pool inner(2);
    for (int round = 0; round < 50; ++round) good[i] += each_once(inner, 9);
  });
  CHECK(good == std::vector<int>{50, 50});
}
