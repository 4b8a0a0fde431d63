// SPDX-License-Identifier: MIT

#include <multitudes/model/attention.hpp>

#include <doctest/doctest.h>

#include <array>

namespace mt = multitudes;

TEST_CASE("a position that outweighs all others keeps its weight on the pages behind it") {
  mt::model::hyper_parameters p;
  p.n_layers = p.n_heads = p.n_kv_heads = 1;
  p.head_dim = 4;
  constexpr std::size_t length = mt::model::kv_page_length + 1;
  const mt::model::kv_cache_limits limits{1, length, 0};
  const mt::heap_block memory(*mt::model::kv_cache::required_bytes(p, limits));
  mt::arena arena(memory.bytes());
  auto cache = *mt::model::kv_cache::make(p, limits, arena);
  const auto s = *cache.open();
  REQUIRE(cache.append(s, length, {}).has_value());
  for (std::size_t t = 0; t < length; ++t) {
    // A score of 200 at position 0 and of 0 elsewhere: exp(-200) is nothing in float.
    const std::array<float, 4> key{t == 0 ? 400.0f : 0.0f, 0, 0, 0};
    const std::array<float, 4> value{t == 0 ? 1.5f : 9.0f, 2.5f, 0, static_cast<float>(t)};
    cache.write(mt::simd::active_kernels(), s, mt::position(t), mt::layer_index(0), 0, key, value);
  }
  const std::array<float, 4> query{1, 0, 0, 0};
  std::array<float, 4> out{};
  mt::simd::attention_state state;
  const mt::model::head_query queries[] = {{length, {query.data(), out.data(), &state}}};
  mt::model::attend(mt::simd::active_kernels(), cache, s, mt::layer_index(0), 0, p.head_dim,
                    queries);
  CHECK(out == std::array<float, 4>{1.5f, 2.5f, 0, 0});
}
