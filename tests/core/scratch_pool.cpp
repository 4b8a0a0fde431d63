// SPDX-License-Identifier: MIT
#include <multitudes/core/scratch_pool.hpp>
#include <multitudes/core/thread_pool.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

namespace mt = multitudes;

TEST_CASE("lent pieces are aligned, large enough and do not overlap") {
  auto pool = mt::scratch_pool::make(3, 100);
  REQUIRE(pool.has_value());
  CHECK(pool->n_pieces() == 3);
  const auto a = pool->borrow();
  const auto b = pool->borrow();
  const auto c = pool->borrow();
  for (const auto* piece : {&a, &b, &c}) {
    CHECK(piece->memory().size() >= 100);
    CHECK(reinterpret_cast<std::uintptr_t>(piece->memory().data()) % mt::arena_alignment == 0);
    std::memset(piece->memory().data(), 1 + static_cast<int>(piece - &a), piece->memory().size());
  }
  for (const auto* left : {&a, &b, &c}) {
    for (const auto* right : {&a, &b, &c}) {
      if (left == right) continue;
      const bool is_before =
          left->memory().data() + left->memory().size() <= right->memory().data();
      const bool is_after =
          right->memory().data() + right->memory().size() <= left->memory().data();
      CHECK((is_before || is_after));
    }
  }
}

TEST_CASE("a piece goes back at the end of its scope, once, also after a move") {
  auto pool = *mt::scratch_pool::make(1, 8);
  const std::byte* first = nullptr;
  {
    auto lent = pool.borrow();
    first = lent.memory().data();
    std::optional<mt::scratch_pool::lease> moved(std::move(lent));
    CHECK(moved->memory().data() == first);
  }
  CHECK(pool.borrow().memory().data() == first);  // would wait for ever if it had not come back
  auto other = std::move(pool);
  CHECK(other.borrow().memory().data() == first);
}

TEST_CASE("chunks that run at the same time never share a piece") {
  auto pool = *mt::scratch_pool::make(4, sizeof(std::uint32_t) * 64);
  mt::thread_pool workers(4);
  std::atomic<int> n_disturbed{0};
  const auto work = [&](std::size_t i) {
    const auto lent = pool.borrow();
    auto* numbers = reinterpret_cast<std::uint32_t*>(lent.memory().data());
    for (std::uint32_t round = 0; round < 20; ++round) {
      const auto mine = static_cast<std::uint32_t>(i) * 1000 + round;
      for (std::size_t k = 0; k < 64; ++k) numbers[k] = mine;
      for (std::size_t k = 0; k < 64; ++k) n_disturbed += numbers[k] == mine ? 0 : 1;
    }
  };
  workers.run(500, work);
  CHECK(n_disturbed == 0);
}

TEST_CASE("with fewer pieces than threads, chunks wait for one") {
  auto pool = *mt::scratch_pool::make(2, 64);
  mt::thread_pool workers(4);
  std::atomic<int> n_inside{0}, most{0}, n_run{0};
  const auto work = [&](std::size_t) {
    const auto lent = pool.borrow();
    const int now = ++n_inside;
    int seen = most.load();
    while (seen < now && !most.compare_exchange_weak(seen, now)) {
    }
    ++n_run;
    --n_inside;
  };
  workers.run(300, work);
  CHECK(n_run == 300);
  CHECK(most <= 2);
}

TEST_CASE("no pieces, and sizes that nobody has, are errors") {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  const auto none = mt::scratch_pool::make(0, 8);
  REQUIRE(!none.has_value());
  CHECK(none.error().code == mt::errc::invalid_argument);
  const std::size_t absurd[][2] = {{1, most},           {2, most / 2 + 1}, {most, 64},
                                   {most / 64 + 1, 64}, {4, most / 4 + 1}, {1, most / 2}};
  for (const auto& [n, bytes] : absurd) {
    CAPTURE(n);
    CAPTURE(bytes);
    const auto made = mt::scratch_pool::make(n, bytes);
    REQUIRE(!made.has_value());
    CHECK(made.error().code == mt::errc::out_of_memory);
  }
  CHECK(mt::scratch_pool::make(2, 0).has_value());
}
