// SPDX-License-Identifier: MIT
#include <multitudes/format/gguf_types.hpp>

#include <doctest/doctest.h>

#include <cstdint>

using namespace multitudes;

TEST_CASE("every tensor type has a name and a block, and every other id has none") {
  int known = 0;
  for (std::uint32_t id = 0; id < 1000; ++id) {
    const auto type = static_cast<gguf::tensor_type>(id);
    CHECK((gguf::name(type) == "unknown") == !gguf::block_of(type).has_value());
    known += gguf::block_of(type).has_value();
  }
  CHECK(known == 32);
}

TEST_CASE("blocks have the sizes of their parts") {
  using t = gguf::tensor_type;
  using gguf::block_of;
  static_assert(block_of(t::f32) == gguf::block_shape{1, 4});
  // A half as scale and 32 elements of 8 or 4 bits.
  static_assert(block_of(t::q8_0) == gguf::block_shape{32, 2 + 32});
  static_assert(block_of(t::q4_0) == gguf::block_shape{32, 2 + 32 / 2});
  static_assert(block_of(t::q5_1) == gguf::block_shape{32, 2 + 2 + 32 / 8 + 32 / 2});
  // 256 elements with 16 scales of 4 or 8 bits, or 8 pairs of scales of 6 bits.
  static_assert(block_of(t::q2_k) == gguf::block_shape{256, 256 / 4 + 16 + 2 * 2});
  static_assert(block_of(t::q3_k) == gguf::block_shape{256, 256 / 4 + 256 / 8 + 12 + 2});
  static_assert(block_of(t::q4_k) == gguf::block_shape{256, 256 / 2 + 12 + 2 * 2});
  static_assert(block_of(t::q5_k) == gguf::block_shape{256, 256 / 2 + 256 / 8 + 12 + 2 * 2});
  static_assert(block_of(t::q6_k) == gguf::block_shape{256, 256 / 2 + 256 / 4 + 16 + 2});
  static_assert(block_of(t::q8_k) == gguf::block_shape{256, 4 + 256 + 16 * 2});
  static_assert(!block_of(static_cast<t>(31)));
  CHECK(static_cast<std::uint32_t>(t::bf16) == 30);
  CHECK(gguf::name(t::iq4_xs) == "iq4_xs");
}

TEST_CASE("13 value types have a name and a size") {
  for (std::uint32_t id = 0; id < 100; ++id) {
    const auto type = static_cast<gguf::value_type>(id);
    CHECK((gguf::min_bytes(type) != 0) == (id < 13));
    CHECK((gguf::name(type) != "unknown") == (id < 13));
  }
}
