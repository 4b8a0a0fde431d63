// SPDX-License-Identifier: MIT
#include <multitudes/core/arena.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

using namespace multitudes;

namespace {

bool is_aligned(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p) % arena_alignment == 0;
}

struct point {
  int x = 3;
  int y = 4;
};

}  // namespace

static_assert(arena_bytes<float>(0) == 0);
static_assert(arena_bytes<float>(1) == 64);
static_assert(arena_bytes<float>(16) == 64);
static_assert(arena_bytes<float>(17) == 128);

TEST_CASE("pieces are aligned, apart and set to their default") {
  heap_block block(1024);
  std::memset(block.bytes().data(), 0xAB, block.bytes().size());
  arena memory(block.bytes());
  auto floats = memory.take<float>(3);
  auto points = memory.take<point>(5);
  REQUIRE(floats);
  REQUIRE(points);
  CHECK(floats->size() == 3);
  CHECK(is_aligned(floats->data()));
  CHECK(is_aligned(points->data()));
  CHECK(std::all_of(floats->begin(), floats->end(), [](float f) { return f == 0.0f; }));
  CHECK((*points)[4].y == 4);
  const void* floats_end = floats->data() + 3;
  const void* points_begin = points->data();
  CHECK(floats_end <= points_begin);
}

TEST_CASE("arena_bytes of all pieces is enough, and one byte less is not") {
  const std::size_t enough = arena_bytes<float>(5) + arena_bytes<double>(9) + arena_bytes<char>(64);
  const auto all_fit = [](std::span<std::byte> bytes) {
    arena memory(bytes);
    return memory.take<float>(5) && memory.take<double>(9) && memory.take<char>(64);
  };
  heap_block block(enough);
  CHECK(all_fit(block.bytes()));
  CHECK(!all_fit(block.bytes().first(enough - 1)));
}

TEST_CASE("an arena on memory that is not aligned aligns its pieces") {
  heap_block block(256);
  arena memory(block.bytes().subspan(1));
  auto piece = memory.take<double>(4);
  REQUIRE(piece);
  CHECK(is_aligned(piece->data()));
  CHECK(memory.used() == 63 + 32);
}

TEST_CASE("running out is an error and leaves the arena unchanged") {
  heap_block block(256);
  arena memory(block.bytes());
  REQUIRE(memory.take<float>(10));
  const std::size_t used = memory.used();
  for (const std::size_t count : {std::size_t{1000}, std::numeric_limits<std::size_t>::max(),
                                  std::numeric_limits<std::size_t>::max() / 4 + 1}) {
    auto failed = memory.take<float>(count);
    REQUIRE(!failed);
    CHECK(failed.error().code == errc::out_of_memory);
    CHECK(failed.error().message().find("216 bytes left") != std::string::npos);
    CHECK(memory.used() == used);
  }
  CHECK(memory.take<float>(48));
}

TEST_CASE("an empty arena gives empty pieces only") {
  arena memory({});
  CHECK(!memory.take<char>(1));
  auto nothing = memory.take<char>(0);
  CHECK((!nothing || nothing->empty()));
}

TEST_CASE("a piece can be had without touching its memory") {
  heap_block block(64);
  std::memset(block.bytes().data(), 0x5A, 64);
  arena memory(block.bytes());
  auto piece = memory.take_uninitialized<unsigned char>(64);
  REQUIRE(piece);
  CHECK((*piece)[63] == 0x5A);
}

TEST_CASE("a heap block is aligned and owns its bytes") {
  heap_block block(100);
  CHECK(block.bytes().size() == 100);
  CHECK(is_aligned(block.bytes().data()));
  heap_block moved = std::move(block);
  CHECK(moved.bytes().size() == 100);
  CHECK(block.bytes().empty());
  CHECK(heap_block().bytes().empty());
}

// The sanitizers' allocators stop the program instead.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("memory that the system does not have is an empty block") {
  const heap_block block(std::numeric_limits<std::size_t>::max() / 2);
  CHECK(block.bytes().empty());
}
#endif
